"""What is said of the images of a build: provenance and SBOMs, each made when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError

from .annotations import format_platform
from .attest import Attest
from .records import Scans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.machine import Machine

    from .attest import Statement
    from .records import BuildFacts, Image

IN_METADATA = Attest("provenance", {"mode": "min"})


def make_statements(images: Sequence[Image], machine: Machine, facts: BuildFacts) -> list[list[Statement]]:
    """For each image its statements, SBOMs first. Raises ExecutorError."""
    wanted = sorted(facts.attests, key=lambda attest: attest.kind != "sbom")
    return [[each for attest in wanted for each in _make(attest, number, images, machine, facts)] for number in range(len(images))]


def _make(attest: Attest, number: int, images: Sequence[Image], machine: Machine, facts: BuildFacts) -> list[Statement]:
    image = images[number]
    known = facts.definitions[number] if number < len(facts.definitions) else None
    if attest.kind == "sbom":
        from .sbom import sbom_statements

        return sbom_statements(attest, image, known, facts.scans[number] if number < len(facts.scans) else Scans(), machine)
    from .provenance import provenance_statement

    if known is None:
        raise ExecutorError("provenance needs the graph that was built")
    return [provenance_statement(attest, known, image.platform, machine, facts)]


def provenance_metadata(images: Sequence[Image], machine: Machine, facts: BuildFacts) -> dict[str, object]:
    """The provenance in the metadata, as docker buildx writes it there; nothing when it was disabled or no graph is known."""
    asked = [attest for attest in facts.attests if attest.kind == "provenance"]
    if not asked or len(facts.definitions) != len(images):
        return {}
    from .provenance import predicate

    found: dict[str, object] = {}
    for image, definition in zip(images, facts.definitions, strict=True):
        key = "buildx.build.provenance" + (f"/{format_platform(image.platform)}" if len(images) > 1 else "")
        found[key] = predicate(IN_METADATA, definition, image.platform, machine, facts)
    return found
