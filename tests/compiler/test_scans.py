"""What a scanner for SBOMs is given to look at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dockerfile_frontend.compiler.image import Image
from dockerfile_frontend.compiler.scans import Scanner, ScanTargets, scan_graph
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.layered import Layered
from dockerfile_frontend.semantics.platforms import Platform
from ir_schema.legality import check_legality
from ir_schema.ops import ExecOp
from tests.compiler.compiling import compile_text

AMD64 = Platform("linux", "amd64")
SCANNER = Scanner("docker.io/library/scan:1", AMD64, Image(cmd=("scan", "-q"), env=Layered.of([("A", "A=1")])))
STAGES = """
FROM scratch AS unused
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY u /
FROM scratch AS file
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY f /
FROM scratch AS quiet
COPY q /
FROM scratch
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY --from=file f /
COPY --from=quiet q /
"""


def scans(dockerfile: str, **options: str) -> ScanTargets:
    given = {key.replace("__", ":"): text for key, text in options.items()}
    found = compile_text(dockerfile, given, scans=True).target.scans
    assert found is not None
    return found


def execution(targets: ScanTargets, scanner: Scanner = SCANNER, **parameters: str) -> ExecOp:
    graph = scan_graph(targets, scanner, "linux/amd64", parameters)
    assert check_legality(graph) == ()
    (found,) = [v.op.body for v in graph.vertices.values() if isinstance(v.op.body, ExecOp)]
    assert isinstance(found, ExecOp)
    return found


def test_nobody_pays_for_scans_that_are_not_asked_for() -> None:
    assert compile_text(STAGES).target.scans is None


@pytest.mark.parametrize(
    ("dockerfile", "options", "extras"),
    [
        ("FROM scratch\nCOPY a /\n", {}, []),
        (STAGES, {}, ["file"]),
        (STAGES, {"build-arg__BUILDKIT_SBOM_SCAN_STAGE": "false"}, []),
        ("ARG BUILDKIT_SBOM_SCAN_STAGE=true\n" + STAGES, {}, ["file", "quiet"]),
        ("ARG BUILDKIT_SBOM_SCAN_STAGE=quiet,none\n" + STAGES, {}, ["file", "quiet"]),
        ("ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\nFROM scratch\nCOPY a /\n", {}, ["context"]),
        ("FROM scratch\nCOPY a /\n", {"build-arg__BUILDKIT_SBOM_SCAN_CONTEXT": "true"}, []),
    ],
)
def test_args_add_stages_and_the_context(dockerfile: str, options: Mapping[str, str], extras: list[str]) -> None:
    assert sorted(scans(dockerfile, **options).extras) == extras


def test_the_scanner_sees_all_and_may_write_to_one_folder() -> None:
    targets = scans("ARG BUILDKIT_SBOM_SCAN_CONTEXT=true\n" + STAGES)
    op = execution(targets, select="all")
    assert op.meta is not None
    assert op.meta.args == ("scan", "-q")
    assert op.meta.env == (
        "A=1",
        "BUILDKIT_SCAN_DESTINATION=/run/out/",
        "BUILDKIT_SCAN_SOURCE=/run/src/core/sbom",
        "BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras",
        "BUILDKIT_SCAN_select=all",
    )
    assert [(mount.dest, mount.readonly, mount.output) for mount in op.mounts] == [
        ("/", False, 0),
        ("/run/out/", False, 1),
        ("/run/src/core/sbom", True, -1),
        ("/run/src/extras/sbom-context", True, -1),
        ("/run/src/extras/sbom-file", True, -1),
        ("/tmp", False, -1),  # noqa: S108  of the container
    ]
    assert "BUILDKIT_SCAN_SOURCE_EXTRAS" not in " ".join(execution(scans("FROM scratch\n")).meta.env)  # type: ignore[union-attr]


def test_a_stage_that_is_built_anew_is_scanned_anew() -> None:
    graph = scan_graph(scans("FROM scratch\nCOPY a /\n", **{"no-cache": ""}), SCANNER, "x", {})
    (digest,) = [d for d, v in graph.vertices.items() if isinstance(v.op.body, ExecOp)]
    assert graph.metadata[digest].ignore_cache


def test_an_image_that_runs_nothing_is_no_scanner() -> None:
    with pytest.raises(DockerfileError, match=r"^scanner docker.io/library/scan:1 does not have cmd$"):
        execution(scans("FROM scratch\n"), Scanner("docker.io/library/scan:1", AMD64, Image()))
