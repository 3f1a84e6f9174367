"""What compilation gives: a graph and an image config for each platform, and what was found on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import marshal
from dockerfile_frontend.compiler.image import Image, encode_image, image_json
from dockerfile_frontend.diagnostics import InternalError
from ir_schema.legality import check_legality
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockerfile_frontend.compiler.chain import Chain
    from dockerfile_frontend.compiler.graph import Edge, Node
    from dockerfile_frontend.compiler.scans import ScanTargets
    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.semantics.args import DeclaredArg
    from dockerfile_frontend.semantics.platforms import Platform
    from ir_schema.definition import Definition
    from ir_schema.ops import SourceInfo


class StageFacts(Record):
    """A stage as the outline sees it."""

    name: str
    """As FROM … AS gives it; empty without one."""
    description: str
    parent: int | None
    sources: tuple[int, ...]
    """Stages it reads, in order, each once."""
    args_used: frozenset[str]
    """Args that its FROM names."""
    captured: Chain[Any]
    """UsedArg and CapturedSecret, in order."""


class OutlineFacts(Record):
    """What the outline of a target is made of."""

    target: int
    stages: Mapping[int, StageFacts]
    """By number; those that were compiled."""
    declared: Mapping[str, DeclaredArg]
    """ARGs before the first FROM."""


class CompiledTarget(Record):
    """One platform's graph."""

    platform: Platform
    """The platform asked for, or the build platform."""
    definition: Definition
    image: Image
    base_image: Image | None
    """Config of the image that the target's chain of stages starts from."""
    epoch: int | None
    """SOURCE_DATE_EPOCH, in Unix seconds."""
    outline: OutlineFacts
    scans: ScanTargets | None = None
    """What a scanner would look at, where `CompileOptions.scans` asked for it."""

    @property
    def config(self) -> bytes:
        """The image config's JSON, byte for byte as the reference writes it."""
        return encode_image(self.image)

    @property
    def config_json(self) -> dict[str, Any]:
        """The image config as JSON values."""
        return image_json(self.image)

    @property
    def base_config(self) -> bytes | None:
        """The base image's config, as the reference hands it on."""
        return None if self.base_image is None else encode_image(self.base_image)


class CompiledStage(Record):
    """A stage, compiled as if it were the target."""

    image: Image
    definition: Definition | None
    """None where the graph of another stage holds this one's, which continues or reads it."""


class LoweredTarget(Record):
    """One platform's graph before it is encoded; the fields are those of a `CompiledTarget`."""

    platform: Platform
    root: Edge | None
    sources: Mapping[Node, Node]
    """What became of the nodes that were left open."""
    file: SourceInfo
    image: Image
    base_image: Image | None
    epoch: int | None
    outline: OutlineFacts
    scans: ScanTargets | None = None

    def finished(self) -> CompiledTarget:
        """Raises DockerfileError for a RUN that runs nothing, if the target needs it."""
        definition = checked(marshal(self.root, self.sources, self.file))
        return CompiledTarget(
            self.platform, definition, self.image, self.base_image, self.epoch, self.outline, self.scans
        )


def checked(definition: Definition) -> Definition:
    """A graph that was made here, which has to be legal. Raises InternalError."""
    faults = check_legality(definition)
    if faults:
        from ir_schema.text import dump_text  # noqa: PLC0415  never, with luck

        made = dump_text(definition, notes=False)
        raise InternalError(f"lowering made a graph that is not legal: {faults[0].message}\n{made}")
    return definition


class CompileResult(Record):
    """All that was asked for: a target for each platform, in the order given."""

    targets: tuple[CompiledTarget, ...]
    warnings: tuple[Diagnostic, ...]

    @property
    def target(self) -> CompiledTarget:
        """The first, and mostly the only one."""
        return self.targets[0]
