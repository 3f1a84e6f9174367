"""Builds inside of builds: a graph with a build op that reads ours, and frontends that hand on to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.remote import graph_of
from ir_schema.llb import encode_llb
from ir_schema.ops import BuildOp, InputIndex, OpMetadata, SourceOp
from tests.e2e.conftest import BuildKit
from tests.e2e.frontend.frontends import run
from tests.e2e.frontend.stage import LOCALS
from tests.running import dfc

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

DOCKERFILE = "FROM scratch\nCOPY <<EOF /made\nnested\nEOF\n"


def test_a_build_op_solves_a_graph_that_was_compiled_here(buildkit: BuildKit, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    done = dfc("compile", ".", "--format", "llb", "-o", "buildkit.llb.definition", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    caps = {"source.local": True}
    holder = Node(SourceOp("local://context", {"local.sharedkeyhint": "nested"}), (), OpMetadata(caps=caps))
    build = BuildOp(-1, {"buildkit.llb.definition": InputIndex(0)})
    graph = graph_of(Node(build, (Edge(holder),), OpMetadata(caps={})))
    arguments = ["--local", "context=.", "--output", "type=local,dest=out"]
    built = buildkit.build(*arguments, definition=encode_llb(graph), cwd=tmp_path)
    assert built.returncode == 0, built.stderr.decode()
    assert (tmp_path / "out" / "made").read_text() == "nested\n"


def test_frontends_hand_on_to_each_other(buildkit: BuildKit, frontend_image: str, tmp_path: Path) -> None:
    """Ours for an option, and ours again, as the Dockerfile says, in a build of its own."""
    (tmp_path / "Dockerfile").write_text(f"# syntax={frontend_image}\n{DOCKERFILE}")
    ours = ["--frontend", "gateway.v0", "--opt", f"source={frontend_image}"]
    done = run(buildkit, [*ours, *LOCALS, "--output", "type=local,dest=out"], tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.count(b'"name":"resolve image config for docker-image://') >= 1
    assert (tmp_path / "out" / "made").read_text() == "nested\n"
