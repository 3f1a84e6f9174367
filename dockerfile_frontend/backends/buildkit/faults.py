"""What a client says when something is wrong, in one line of ours, and what to do about it.

    error: listing workers for Build: … dial unix /run/buildkit/buildkitd.sock: connect: no such file or directory
    ──▶ no BuildKit daemon answers at unix:///run/buildkit/buildkitd.sock: no such file or directory
        hint: start buildkitd, or name another one with --addr or BUILDKIT_HOST

The daemon's own words stand where we know nothing better.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.redact import without_credentials
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from .process import Ended

OLDEST = "0.13"
"""The first buildctl with records of its progress."""

GET = (
    "it is in the releases of github.com/moby/buildkit and in its image; "
    "go install github.com/moby/buildkit/cmd/buildctl@latest makes it; DFC_BUILDCTL names one that is elsewhere"
)
ANOTHER = "start buildkitd, or name another one with --addr or BUILDKIT_HOST"
IMAGES = "--frontend-image IMAGE has the daemon ask for images itself"
UPDATE = "a newer buildkitd has it; else leave out what asks for it, or build here, without --backend"

_ERROR = re.compile(r"^(?:error|ERROR): ", re.MULTILINE)
_QUOTED = re.compile(r"^(?P<head>\S[^\n]*:\d+)\n(?P<rule>-{20})\n(?:[^\n]*\n)*?(?P=rule)$", re.MULTILINE)
_FAILED = "did not complete successfully"
_PREFIX = re.compile(r"^(?:failed to build: )?(?:failed to (?:solve|run Build function): )?(?:rpc error: code = \w+ desc = )?")


class Said(Record):
    """What a client said at its end, taken apart."""

    message: str
    excerpt: tuple[str, ...]
    """Lines of a source that it quoted."""


def read(ended: Ended) -> Said:
    parts = _ERROR.split(ended.said)
    quoted = _QUOTED.search(parts[0])
    message = " ".join(parts[-1].split()) if len(parts) > 1 else _last(ended)
    return Said(_PREFIX.sub("", message), tuple(quoted[0].split("\n")) if quoted else ())


def _last(ended: Ended) -> str:
    """Words for an end without an error's words."""
    lines = ended.said.strip().splitlines()
    if ended.code < 0:
        return f"the client was ended by signal {-ended.code}"
    return lines[-1].strip() if lines else f"the client ended with exit code {ended.code} and said nothing"


def explain(said: Said, address: str, program: str) -> ExecutorError:
    """The error to raise. `address` is the daemon's, `program` the client."""
    if _FAILED in said.message:  # words of a step are not the daemon's
        return ExecutorError(without_credentials(said.message))
    for pattern, message, hint in _KNOWN:
        found = re.search(pattern, said.message)
        if found:
            words = {**found.groupdict(), "address": without_credentials(address), "program": program, "oldest": OLDEST}
            text = message.format(**words) if message else without_credentials(said.message)
            return ExecutorError(text, hint=hint.format(**words))
    return ExecutorError(without_credentials(said.message))


_DIAL = r"(?:failed to list workers|listing workers|failed to get status|transport: Error while dialing|connection error)"

_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"flag provided but not defined: -*(?P<flag>\S+)|(?P<mode>invalid progress mode|unknown progress|invalid progress)",
        "{program} is too old: dfc needs the buildctl of BuildKit {oldest} or newer",
        GET,
    ),
    (
        r"requested .* (?:is not supported|has been disabled)|unknown (?:service|method) \S+|Unimplemented|unsupported frontend capability",
        "",
        UPDATE,
    ),
    (
        r"(?:connect|dial).*: (?P<why>permission denied)",
        "no access to the BuildKit daemon at {address}: permission denied",
        "run as root or as a member of the socket's group, or use a rootless buildkitd",
    ),
    (
        r"failed to list workers: Unavailable: .*(?:server preface: EOF|broken pipe|connection reset by peer)",
        "what answers at {address} ends the connection: it wants a certificate, or is no BuildKit daemon",
        "--tlsdir DIR names ca.pem, cert.pem and key.pem",
    ),
    (
        r"http2: (?:frame too large|failed reading)|error reading server preface|malformed HTTP|HTTP/1\.[01]",
        "what answers at {address} is no BuildKit daemon",
        "Docker's own socket is none; docker-container://buildx_buildkit_NAME0 is what docker buildx create --name NAME makes",
    ),
    (
        r"authentication handshake failed|(?:list workers|connection error).*(?:x509|tls:|certificate)",
        "no safe connection to the BuildKit daemon at {address}: its certificate or ours is refused",
        "--tlsdir DIR names ca.pem, cert.pem and key.pem",
    ),
    (
        rf"{_DIAL}.*(?:connect|lookup [^:]+|dial [^:]+.*|dialing): (?P<why>[^:\"]+)\"?$",
        "no BuildKit daemon answers at {address}: {why}",
        ANOTHER,
    ),
    (r"failed to list workers|listing workers for Build", "no BuildKit daemon answers at {address}", ANOTHER),
    (
        r"error reading from server|transport is closing|closing transport|Unavailable.*EOF|connection reset",
        "the BuildKit daemon at {address} went away during the build",
        "its own log says why; the steps that were done stay in its cache",
    ),
    (
        r"granting entitlement (?P<name>\S+) is not allowed by build daemon configuration",
        "",
        "start buildkitd with --allow-insecure-entitlement {name}",
    ),
    (r"(?P<name>network\.host|security\.insecure|device\S*) is not allowed", "", "--allow {name} allows it for this build"),
    (
        r"(?:Cannot|failed to) connect to the (?:Docker daemon|docker API)|no builder \"[^\"]*\" found",
        "",
        "docker buildx ls shows the builders, --addr buildx://NAME takes one",
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "",
        "in the daemon's buildkitd.toml: [registry.\"HOST\"] http = true; for a push, registry.insecure=true in the output",
    ),
    (r"no SSH key .* forwarded from the client|no ssh handler", "", "--ssh default forwards your agent"),
    (r"secret (?P<name>\S+): not found", "", "--secret id={name},src=FILE gives it"),
)
