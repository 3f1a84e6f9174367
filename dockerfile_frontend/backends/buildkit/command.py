"""A job as the arguments of `buildctl build`.

    BuildJob(…) ──▶ ("build", "--progress", "rawjson", "--local", "context=app", "--output", "type=oci,dest=…", …)

The graph goes through standard input. Secrets are named by file or variable, never by value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.exporters.spec import STANDARD, parse_epoch
from dockerfile_frontend.executor.session import KeyFiles
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import SourceOp
from ir_schema.record import Record

from .specs import cache_text, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.executor.exporters.spec import Output
    from dockerfile_frontend.executor.job import BuildJob, Target
    from dockerfile_frontend.executor.session import Session

LONGEST_ARGUMENT = 128 << 10
"""Bytes; Linux allows no more in one."""

UPLOADS = "http://buildkit-session/"


class Request(Record):
    """What a frontend in the daemon is asked, instead of a graph that was made here."""

    image: str
    """The frontend's image; one without a registry, such as dockerfile.v0, is built into the daemon."""
    options: Mapping[str, str]

    @property
    def arguments(self) -> Iterator[str]:
        if self.image == BUILT_IN:
            yield from ("--frontend", self.image)
        else:
            yield from ("--frontend", "gateway.v0", "--opt", f"source={self.image}")
        for key, value in self.options.items():
            yield from ("--opt", f"{key}={value}")


BUILT_IN = "dockerfile.v0"


def arguments(job: BuildJob, request: Request | None, folders: Mapping[str, str]) -> list[str]:
    """All but addresses and files for results. `folders` are local directories by name. Raises ExecutorError."""
    found = ["build", "--progress", "rawjson"]
    if request:
        found += request.arguments
    for name, folder in folders.items():
        found += ["--local", f"{name}={folder}"]
    found += _layouts(job.session)
    found += of_session(job.session)
    for attest in job.facts.attests:
        found += ["--opt", f"attest:{attest.kind}={joined(attest.attrs)}"]
    for spec in job.cache_from:
        found += ["--import-cache", cache_text(spec)]
    for spec in job.cache_to:
        found += ["--export-cache", cache_text(spec)]
    return found


def of_session(session: Session) -> Iterator[str]:
    """Secrets, agents and privileges; buildctl and docker buildx have the same flags for them."""
    for name, secret in session.secrets.items():
        where = {"src": os.fspath(secret.path)} if secret.path is not None else {"env": secret.variable}
        yield from ("--secret", joined({"id": name, **where}))
    for name, agent in session.ssh.items():
        paths = agent.paths if isinstance(agent, KeyFiles) else (os.fspath(agent),)
        yield from ("--ssh", f"{name}={','.join(paths)}")
    for entitlement in sorted(session.allow):
        yield from ("--allow", entitlement)


def _layouts(session: Session) -> Iterator[str]:
    for name, place in session.layouts.items():
        if not os.path.isdir(place):
            raise ExecutorError(f"OCI layout {name}: {place} is no folder", hint="a BuildKit daemon is given folders; unpack it first")
        yield from ("--oci-layout", f"{name}={place}")


def output_argument(output: Output, dest: str, job: BuildJob, target: Target | None) -> str:
    """One `--output`. `dest` is where buildctl writes. Raises ExecutorError."""
    attrs = {"type": output.kind}
    if dest and dest != STANDARD:
        attrs["dest"] = dest
    attrs |= output.attrs
    if output.is_image:
        from dockerfile_frontend.executor.exporters.outputs import names_of

        if names := names_of(output, job.facts):
            attrs["name"] = ",".join(names)
        elif output.attrs.get("name") == "*":
            del attrs["name"]
    epoch = job.facts.source_date_epoch
    if epoch is not None and output.attrs.get("source-date-epoch") is None:
        attrs["source-date-epoch"] = str(epoch)
    if output.is_image and target:
        attrs |= _configs(target, dated=parse_epoch(attrs.get("source-date-epoch", "")) is not None)
    text = joined(attrs)
    if len(os.fsencode(text)) >= LONGEST_ARGUMENT:
        raise ExecutorError(
            f"the image's config is larger than the {LONGEST_ARGUMENT >> 10} KiB that buildctl can be told",
            hint="--frontend-image IMAGE has it made in the daemon",
        )
    return text


def _configs(target: Target, *, dated: bool) -> Iterator[tuple[str, str]]:
    if config := target.config or _plain_config(target):
        yield "containerimage.config", config.decode()
    if target.base_config and dated:  # only times that are rewritten ask for it
        yield "containerimage.base.config", target.base_config.decode()


def _plain_config(target: Target) -> bytes:
    """A graph without a config is an image of its platform."""
    if target.platform is None:
        return b""
    from dockerfile_frontend.executor.exporters.images import default_config

    return default_config(target.platform)


def local_folders(job: BuildJob) -> dict[str, str]:
    """The directories that the job's graphs read. Raises ExecutorError for one that was not given."""
    found: dict[str, str] = {}
    for target in job.targets:
        for vertex in target.definition.vertices.values():
            body = vertex.op.body
            if isinstance(body, SourceOp) and body.identifier.startswith("local://"):
                name = body.identifier.removeprefix("local://")
                found[name] = _folder(name, job.session)
            elif isinstance(body, SourceOp) and body.identifier.startswith(UPLOADS):
                raise ExecutorError(
                    "a build context on standard input cannot be sent through buildctl", hint="unpack it and name the folder"
                )
    return dict(sorted(found.items()))


def _folder(name: str, session: Session) -> str:
    place = session.contexts.get(name)
    if place is None:
        raise ExecutorError(
            f"no local directory {name!r} was given", hint=f"dfc exec --local {name}=DIR, or dfc build --build-context {name}=DIR"
        )
    return os.fspath(place)
