"""A stage while its instructions are lowered: state before in, state after out.

at ──RUN make──▶ at._replace(root=Edge(exec), image=…, counted=2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dockerfile_frontend.compiler.chain import Chain
from dockerfile_frontend.compiler.image import Image, history_entry
from dockerfile_frontend.semantics.layered import EMPTY

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.graph import Edge
    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.semantics.layered import Layered
    from dockerfile_frontend.semantics.platforms import Platform
    from ir_schema import ops


class StageState(NamedTuple):
    """What later instructions, and stages that continue this one, go on from. A named tuple for its quick `_replace`."""

    root: Edge | None
    """The file system so far; None is an empty one."""
    platform: Platform
    image: Image
    env: Layered = EMPTY
    """Environment of a RUN: of the image, of ENV and of ARG."""
    cwd: str = "/"
    """Working directory, with forward slashes."""
    exec_platform: ops.Platform | None = None
    """What a RUN runs on; None is the target platform."""
    args: Layered = EMPTY
    """The stage's build args, in order of declaration."""
    counted: int = 0
    """How many steps progress has counted."""
    workdir_set: bool = False
    """A WORKDIR stood here or in a stage that this one continues."""
    once: tuple[tuple[type[Instruction], Instruction], ...] = ()
    """The last CMD, ENTRYPOINT and HEALTHCHECK of this stage."""
    context_paths: Chain[str] = Chain()
    """What is read of the build context."""
    stage_paths: Chain[tuple[int, str]] = Chain()
    """What is read of other stages, and of this one by its RUNs."""
    captured: Chain[Any] = Chain()
    """Build args, secrets and SSH agents, for the outline."""

    def committed(self, text: str, created: str | None, *, layer: bool = False, **image: Any) -> Image:  # noqa: ANN401
        """The image with an instruction in its history; `image` are fields that the instruction changes."""
        return self.image._replace(history=self.image.history.then(history_entry(text, created, layer=layer)), **image)
