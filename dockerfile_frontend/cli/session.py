"""What a build may use of its client: `--secret --ssh --allow`, read as docker buildx reads them.

    --secret id=token,src=token.txt     a file          --secret id=token            $token, else the file ./token
    --secret id=token,env=TOKEN         a variable      --ssh default                the agent at $SSH_AUTH_SOCK
    --ssh deploy=keys/id_ed25519        a fresh agent with that key, for as long as the build

Whatever is named must be there before the build starts; values are read when a step asks for them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.flag import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.session import KeyFiles, Secret

ENTITLEMENTS = ("network.host", "security.insecure")
LARGEST_KEY = 100 << 10
"""Bytes of a private key's file."""

SESSION_FLAGS = (
    option("--secret", metavar="id=ID[,src=FILE|env=VAR]", multiple=True, help="Secret for RUN --mount=type=secret."),
    option("--ssh", metavar="ID[=SOCKET|KEY[,…]]", multiple=True, help="SSH agent, or keys, for RUN --mount=type=ssh."),
    option("--allow", metavar="|".join(ENTITLEMENTS), multiple=True, help="Privileges that RUN may ask for."),
)


def parse_secrets(texts: Sequence[str], environment: Mapping[str, str] = os.environ) -> dict[str, Secret]:
    """Secrets by id. Raises Fault for one that is not there."""
    return dict(parse_secret(text, environment) for text in texts)


def parse_secret(text: str, environment: Mapping[str, str]) -> tuple[str, Secret]:
    """Id and place of one secret. Raises Fault."""
    from dockerfile_frontend.executor.session import Secret  # noqa: PLC0415  few builds have secrets

    given = _fields("--secret", text, {"id": "id", "src": "src", "source": "src", "env": "env", "type": "type"})
    name, path, variable, kind = (given.get(key, "") for key in ("id", "src", "env", "type"))
    if kind not in ("", "file", "env"):
        raise Fault(f"--secret: unsupported secret type {kind!r}", hint="file or env", code=EXIT_USAGE)
    if kind == "env" and not variable:
        path, variable = "", path or name
    if path and variable:
        raise Fault(f"--secret {text}: either src or env, not both", code=EXIT_USAGE)
    if not name:
        name = path or variable
    if not name:
        raise Fault(f"--secret takes id=ID[,src=FILE|env=VAR], not {text}", code=EXIT_USAGE)
    if not path and not variable:
        path, variable = ("", name) if name in environment and kind != "file" else (name, "")
    if variable:
        if variable not in environment:
            raise Fault(f"secret {name}: environment variable {variable} is not set")
        return name, Secret(variable=variable)
    if not os.path.isfile(path):
        what = "is not a regular file" if os.path.exists(path) else "does not exist"
        raise Fault(f"secret {name}: {path} {what}", hint="" if "src" in given else f"--secret id={name},src=FILE names its file")
    return name, Secret(path=os.path.abspath(path))


def _fields(flag: str, text: str, known: Mapping[str, str]) -> dict[str, str]:
    """KEY=VALUE pairs of a line of CSV."""
    from dockerfile_frontend.executor.exporters.spec import split_fields  # noqa: PLC0415  with the flags that need it
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  the same

    try:
        pairs = [field.partition("=") for field in split_fields(text)]
    except ExecutorError as error:
        raise Fault(f"{flag}: {error}", code=EXIT_USAGE) from error
    found = {}
    for key, equals, value in pairs:
        if not equals or key.strip().lower() not in known:
            raise Fault(f"{flag}: unexpected key {key!r} in {text!r}", hint=f"keys are {', '.join(known)}", code=EXIT_USAGE)
        found[known[key.strip().lower()]] = value
    return found


def parse_ssh(texts: Sequence[str], environment: Mapping[str, str] = os.environ) -> dict[str, str | KeyFiles]:
    """Agents by id. Raises Fault for what is no socket and no key."""
    return dict(_parse_agent(text, environment) for text in texts)


def _parse_agent(text: str, environment: Mapping[str, str]) -> tuple[str, str | KeyFiles]:
    name, _, value = text.partition("=")
    paths = [path for path in value.split(",") if path]
    if not name:
        raise Fault(f"--ssh takes ID[=SOCKET|KEY[,KEY]], not {text}", code=EXIT_USAGE)
    if not paths:
        paths = [path for path in (environment.get("SSH_AUTH_SOCK", ""),) if path]
        if not paths:
            raise Fault(f"--ssh {text}: there is no agent: SSH_AUTH_SOCK is not set", hint=f"--ssh {name}=KEYFILE takes a key")
    return name, _ssh_of(text, paths)


def _ssh_of(text: str, paths: Sequence[str]) -> str | KeyFiles:
    import stat  # noqa: PLC0415  few builds need it

    from dockerfile_frontend.executor.session import KeyFiles  # noqa: PLC0415  the same

    keys = []
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise Fault(f"--ssh {text}: {path}: {error.strerror}") from error
        if stat.S_ISSOCK(mode):
            if len(paths) > 1:
                raise Fault(f"--ssh {text}: an agent's socket stands alone, without keys", code=EXIT_USAGE)
            return os.path.abspath(path)
        if not stat.S_ISREG(mode):
            raise Fault(f"--ssh {text}: {path} is neither a socket nor a key")
        check_key(path)
        keys.append(os.path.abspath(path))
    return KeyFiles(keys)


def check_key(path: str) -> None:
    """Raise Fault for a file that holds no private key."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_KEY + 1)
    except OSError as error:
        raise Fault(f"--ssh: cannot read {path}: {error.strerror}") from error
    if len(data) > LARGEST_KEY or b"PRIVATE KEY-----" not in data:
        raise Fault(f"--ssh: {path} is not a private key")


def parse_allowed(texts: Sequence[str]) -> frozenset[str]:
    """Raises Fault for what is no entitlement."""
    wanted = frozenset(name for text in texts for name in text.split(","))
    for name in sorted(wanted.difference(ENTITLEMENTS)):
        raise Fault(f"--allow: there is no entitlement {name!r}", hint=" or ".join(ENTITLEMENTS), code=EXIT_USAGE)
    return wanted
