"""What a vertex says of itself: its name in progress, the instruction behind it, the capabilities it needs.

    described("[build 2/3] RUN make", command="RUN make", caps=EXEC_CAPS)

Metadata is no part of a digest, but a solver refuses a vertex whose capabilities it lacks. LLB: OpMetadata.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.text import repair
from ir_schema.ops import LinuxResources, OpMetadata, ProgressGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "llb.customname"
COMMAND = "com.docker.dockerfile.v1.command"


def described(
    name: str,
    caps: Mapping[str, bool],
    *,
    command: str | None = None,
    ignore_cache: bool = False,
    group: ProgressGroup | None = None,
    resources: LinuxResources | None = None,
) -> OpMetadata:
    texts = {NAME: name} if command is None else {COMMAND: command, NAME: name}
    description = {key: text if text.isascii() else repair(text) for key, text in texts.items()}
    return OpMetadata(ignore_cache, description, None, caps, group, resources)


@cache
def caps_of(*names: str) -> Mapping[str, bool]:
    """Capabilities as metadata holds them. Shared between vertices: nobody changes it."""
    return dict.fromkeys(names, True)


def internal(name: str) -> str:
    """The name of a step that no instruction asked for by itself."""
    return f"[internal] {name}"


FILE_CAPS = caps_of("file.base")
