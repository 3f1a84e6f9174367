"""What a frontend is asked, as the flags of `docker buildx build`.

    {"filename": "Dockerfile", "build-arg:V": "1", "context:docs": "local:docs"}
    ──▶ --file app/Dockerfile --build-arg V=1 --build-context docs=./docs
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError

from .command import BUILT_IN, of_session
from .specs import cache_text, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dockerfile_frontend.executor.job import BuildJob

    from .command import Request

CONTEXT, DOCKERFILE = "context", "dockerfile"
LAYOUT = "oci-layout://"


def arguments(job: BuildJob, request: Request, folders: Mapping[str, str]) -> list[str]:
    """All but the builder, the outputs and the context. Raises ExecutorError for an option that has no flag."""
    found = ["build", "--progress", "rawjson"]
    if request.image != BUILT_IN:
        found += ["--build-arg", f"BUILDKIT_SYNTAX={request.image}"]
    for key, value in request.options.items():
        found += _flags(key, value, job, folders)
    found += of_session(job.session)
    for attest in job.facts.attests:
        found += ["--attest", joined({"type": attest.kind, **attest.attrs})]
    for spec in job.cache_from:
        found += ["--cache-from", cache_text(spec)]
    for spec in job.cache_to:
        found += ["--cache-to", cache_text(spec)]
    return found


def context_of(request: Request, folders: Mapping[str, str]) -> str:
    return folders.get(CONTEXT) or request.options[CONTEXT]


def _flags(key: str, value: str, job: BuildJob, folders: Mapping[str, str]) -> Iterator[str]:
    kind, colon, name = key.partition(":")
    if colon and kind in ("build-arg", "label"):
        yield from (f"--{kind}", f"{name}={value}")
    elif colon and kind == "context":
        yield from ("--build-context", f"{name}={_named(name, value, job, folders)}")
    elif key == "filename":
        yield from ("--file", os.path.join(folders[DOCKERFILE], value) if DOCKERFILE in folders else value)
    elif key == "no-cache":
        yield from ("--no-cache-filter", value) if value else ("--no-cache",)
    elif key in PLAIN:
        yield from PLAIN[key](value)
    elif key not in (CONTEXT, "dockerfilekey", "frontend.caps"):
        raise ExecutorError(f"--opt {key}: docker buildx has no flag for it", hint="buildctl takes any option")


def _named(name: str, value: str, job: BuildJob, folders: Mapping[str, str]) -> str:
    if value.startswith("local:"):
        return folders[name]
    if value.startswith(LAYOUT):
        store, colon, rest = value.removeprefix(LAYOUT).partition(":")
        return f"{LAYOUT}{job.session.layouts[store]}{colon}{rest}"
    return value


PLAIN: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "add-hosts": lambda value: tuple(word for each in value.split(",") for word in ("--add-host", each)),
    "cgroup-parent": lambda value: ("--cgroup-parent", value),
    "force-network-mode": lambda value: ("--network", value),
    "image-resolve-mode": lambda value: ("--pull",) if value == "pull" else (),
    "platform": lambda value: ("--platform", value),
    "shm-size": lambda value: ("--shm-size", value),
    "target": lambda value: ("--target", value),
    "ulimit": lambda value: tuple(word for each in value.split(",") for word in ("--ulimit", each)),
}
"""Options that are flags of the same value."""
