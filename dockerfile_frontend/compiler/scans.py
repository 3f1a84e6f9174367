"""What a scanner for SBOMs looks at, and the graph that runs it: the target, and what BUILDKIT_SBOM_SCAN_… args add to it.

    ARG BUILDKIT_SBOM_SCAN_CONTEXT=true      the build context, too, if the target says so
    ARG BUILDKIT_SBOM_SCAN_STAGE=build,test  these stages, too, as far as the target needs them; true is every stage that says so

    scan_graph(targets, scanner, "linux/amd64", {})
    ──▶  exec scanner's command, the target at /run/src/core/sbom, output 1 of it at /run/out

As in the reference, an arg before the first FROM holds for all stages. BuildKit: docs/attestations/sbom-protocol.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node, marshal
from dockerfile_frontend.compiler.lower.mounts import Mounted, MountPlan, mount_inputs
from dockerfile_frontend.compiler.metadata import caps_of, described
from dockerfile_frontend.compiler.sources import image_source, op_platform
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.gostd.paths import join
from dockerfile_frontend.semantics.layered import EMPTY
from dockerfile_frontend.semantics.references import parse_reference
from ir_schema.ops import ExecOp, Meta, SourceInfo
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.bases import Bases
    from dockerfile_frontend.compiler.context import Build
    from dockerfile_frontend.compiler.image import Image
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.semantics.platforms import Platform
    from ir_schema.definition import Definition

_CONTEXT, _STAGE = "BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"
_SOURCE, _OUTPUT, _TMP = "/run/src/", "/run/out/", "/tmp"  # noqa: S108  of the container
_MAIN = "sbom"
_CAPS = ("exec.meta.base", "exec.meta.setsdefaultpath", "exec.mount.bind")


class ScanTargets(Record):
    """What may be scanned of one platform."""

    core: Edge | None
    """The target; None is an empty file system."""
    extras: Mapping[str, Edge | None]
    """By name: stages, and "context"."""
    no_cache: bool
    """A stage among them is built anew each time, and so is its scan."""
    sources: Mapping[Node, Node]
    """What became of the nodes that were left open."""


class Scanner(Record):
    """The image that scans."""

    ref: str
    """As the daemon resolved it."""
    platform: Platform
    image: Image


def scan_targets(
    target: int, bases: Bases, states: Mapping[int, StageState], sources: Mapping[Node, Node], build: Build
) -> ScanTargets:
    """The target and what args add to it."""
    stages = bases.plan.stages
    extras: dict[str, Edge | None] = {}
    no_cache = stages[target].no_cache
    if _wants(_CONTEXT, target, bases, states, build):
        extras["context"] = build.context
    for index, state in states.items():
        if index != target and index in bases.reachable and _wants(_STAGE, index, bases, states, build):
            extras[stages[index].label] = state.root
            no_cache = no_cache or stages[index].no_cache
    return ScanTargets(states[target].root, extras, no_cache, sources)


def _wants(arg: str, index: int, bases: Bases, states: Mapping[int, StageState], build: Build) -> bool:
    """Whether a stage's arg, or else the one before the first FROM, says that the stage is meant."""
    base = bases.by_stage.get(index)
    if base is not None and base.finished:
        return False
    text = states[index].args.get(arg) or build.global_args.get(arg)
    if text is None:
        return False
    try:
        return parse_bool(text)
    except NumberError:
        return bases.plan.stages[index].label in text.split(",")


def extra_graphs(targets: ScanTargets) -> dict[str, Definition | None]:
    """What args add to the target, each as a graph of its own; None is an empty file system."""
    return {
        name: marshal(edge, targets.sources, SourceInfo()) if edge else None for name, edge in targets.extras.items()
    }


def scan_graph(targets: ScanTargets, scanner: Scanner, name: str, parameters: Mapping[str, str]) -> Definition:
    """The graph whose result is the folder of statements. Raises DockerfileError for an image that runs nothing."""
    args = (*scanner.image.entrypoint, *scanner.image.cmd)
    if not args:
        raise DockerfileError(f"scanner {scanner.ref} does not have cmd", code="scanner")
    shown = str(parse_reference(scanner.ref).tagged)
    image = Edge(image_source(shown, scanner.platform, f"docker-image://{shown}"))
    mounts = [
        Mounted(_TMP, None, "tmpfs"),
        Mounted(f"{_SOURCE}core/{_MAIN}", targets.core, readonly=True),
        Mounted(_OUTPUT, None, output=True),
        *(Mounted(f"{_SOURCE}extras/{_MAIN}-{key}", edge, readonly=True) for key, edge in targets.extras.items()),
    ]
    op_mounts, inputs = mount_inputs(image, mounts, MountPlan())
    body = ExecOp(
        Meta(args, _environment(scanner, targets, parameters), join("/", scanner.image.working_dir)), op_mounts
    )
    metadata = described(
        f"[{name}] generating sbom using {scanner.ref}",
        caps_of(*_CAPS, "exec.mount.tmpfs"),
        ignore_cache=targets.no_cache,
    )
    node = Node(body, inputs, metadata, platform=op_platform(scanner.platform))
    written = next(mount.output for mount in op_mounts if mount.dest == _OUTPUT)
    return marshal(Edge(node, written), targets.sources, SourceInfo())


def _environment(scanner: Scanner, targets: ScanTargets, parameters: Mapping[str, str]) -> tuple[str, ...]:
    entries = [*scanner.image.env.values(), f"BUILDKIT_SCAN_DESTINATION={_OUTPUT}"]
    entries.append(f"BUILDKIT_SCAN_SOURCE={_SOURCE}core/{_MAIN}")
    if targets.extras:
        entries.append(f"BUILDKIT_SCAN_SOURCE_EXTRAS={_SOURCE}extras")
    # the reference adds them in any order; sorted, equal scans are equal
    entries += [f"BUILDKIT_SCAN_{key}={parameters[key]}" for key in sorted(parameters)]
    pairs = [entry.partition("=") for entry in entries]
    return EMPTY.with_items([(key, value) for key, _, value in pairs]).pairs()
