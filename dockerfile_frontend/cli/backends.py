"""Flags that say who builds: `--backend --addr --tlsdir --frontend-image`.

    --backend buildkit                                       the daemon at $BUILDKIT_HOST, or the usual one
    --backend buildkit --addr docker-container://builder     another
    --backend buildkit --frontend-image r.example/dfc:1      compiled there, too: several platforms, images that only it can reach

What only one of them can do is refused for the other, by its flag's name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.flag import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.backends.model import Backend
    from dockerfile_frontend.cli.building import Watch

LOCAL, BUILDKIT = "local", "buildkit"
FRONTEND = "DFC_FRONTEND_IMAGE"

BACKEND_FLAGS = (
    option(
        "--backend", choices=(LOCAL, BUILDKIT), envvar="DFC_BACKEND", default=LOCAL,
        help="Who builds: this machine, or a BuildKit daemon.  [default: $DFC_BACKEND, else local]",
    ),
    option("--addr", metavar="ADDRESS", help="The BuildKit daemon.  [default: $BUILDKIT_HOST, else buildctl's own]"),
    option("--tlsdir", metavar="DIR", help="Folder with ca.pem, cert.pem and key.pem for that daemon."),
)  # fmt: skip
FRONTEND_FLAGS = (
    *BACKEND_FLAGS,
    option("--frontend-image", metavar="IMAGE", help=f"Have this frontend compile in the daemon.  [default: ${FRONTEND}]"),
)

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "jobs": ("--jobs", "the daemon's own configuration says how many steps run at once (max-parallelism)"),
    "keep_storage": ("--keep-storage", "the daemon's own configuration says what its cache may take (gc)"),
    "shell_on_error": ("--shell-on-error", "what a failed step leaves is in the daemon"),
    "images": ("--images", "--build-context NAME=oci-layout://PATH gives a daemon an image from here"),
    "offline": ("--offline", "a daemon asks its network itself; RUN --network=none keeps a step from it"),
}
"""Flags of the local executor that mean nothing to a daemon, and what does."""
ASKING: Mapping[str, tuple[str, str]] = {
    name: (f"--{name}", "with --frontend-image the daemon asks for images, as its buildkitd.toml says")
    for name in ("recorded", "record", "registries")
}
"""Flags about questions that a frontend in the daemon asks there."""


def is_remote(given: Mapping[str, Any]) -> bool:
    return bool(given.get("backend") == BUILDKIT)


def frontend_of(given: Mapping[str, Any]) -> str:
    """The frontend's image; empty where graphs are made here."""
    return (given.get("frontend_image") or os.environ.get(FRONTEND) or "") if is_remote(given) else ""


def check_backend(given: Mapping[str, Any]) -> None:
    """Raise Fault for flags that cannot work with the backend that is asked for."""
    if not is_remote(given):
        for flag in ("addr", "tlsdir", "frontend_image"):
            if given.get(flag):
                name = flag.replace("_", "-")
                raise Fault(f"--{name} says something of a BuildKit daemon", hint="--backend buildkit builds there", code=EXIT_USAGE)
        return
    if "frontend_image" not in given and given.get("registries"):  # a graph that is made already asks for nothing here
        raise Fault("--registries cannot be used with --backend buildkit", hint="the daemon has its own buildkitd.toml", code=EXIT_USAGE)
    for flag, (name, hint) in {**ELSEWHERE, **(ASKING if frontend_of(given) else {})}.items():
        if given.get(flag):
            raise Fault(f"{name} cannot be used with --backend buildkit", hint=hint, code=EXIT_USAGE)
    if given["tlsdir"] and not os.path.isdir(given["tlsdir"]):
        raise Fault(f"--tlsdir: there is no folder {given['tlsdir']}")


def backend_of(given: Mapping[str, Any], watch: Watch, options: Mapping[str, str] | None = None) -> Backend:
    """Who builds. `options` are those of a frontend in the daemon."""
    if not is_remote(given):
        from dockerfile_frontend.backends.local import Local  # noqa: PLC0415  one of them a call

        return Local()
    from dockerfile_frontend.backends.buildkit.backend import BuildKit  # noqa: PLC0415  the same
    from dockerfile_frontend.backends.buildkit.command import Request  # noqa: PLC0415  the same

    image = frontend_of(given)
    request = Request(image, options) if image and options is not None else None
    return BuildKit(given["addr"] or "", given["tlsdir"] or "", request, watch.warn_at_end)
