"""What the reference's stable channel has learned since 1.26, on request: RUN --device, git's advice."""

from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from ir_schema.ops import CDIDevice, ExecOp, SourceOp
from tests.compiler.compiling import compile_text

DEVICES = "FROM alpine\nRUN --device=vendor.com/gpu=all,required --device=other.com/x=y make\n"


def test_devices_are_in_the_op_and_among_its_capabilities() -> None:
    graph = compile_text(DEVICES, devices=True).target.definition
    ((digest, op),) = [(d, v.op.body) for d, v in graph.vertices.items() if isinstance(v.op.body, ExecOp)]
    assert op.cdi_devices == (CDIDevice("vendor.com/gpu=all"), CDIDevice("other.com/x=y", optional=True))
    assert graph.metadata[digest].caps["exec.meta.cdi"]


def test_a_solver_that_knows_no_devices_gets_none() -> None:
    graph = compile_text(DEVICES, devices=True, unsupported=frozenset({"exec.meta.cdi"})).target.definition
    assert [v.op.body.cdi_devices for v in graph.vertices.values() if isinstance(v.op.body, ExecOp)] == [()]


def test_the_older_stable_channel_refuses_them() -> None:
    with pytest.raises(DockerfileError, match=r"device feature is only supported in Dockerfile frontend 1\.14\.0-labs"):
        compile_text(DEVICES)


@pytest.mark.parametrize(("options", "attr"), [({}, None), ({"build-arg:BUILDKIT_GIT_ADVICE": "1"}, "true")])
def test_git_gives_advice_where_it_is_asked_for(options: dict[str, str], attr: str | None) -> None:
    dockerfile = "FROM scratch\nADD https://host/repo.git#v1 /a\nCOPY --from=more / /b\n"
    contexts = {"context:more": "https://host/more.git"}
    found = compile_text(dockerfile, {**options, **contexts}).target.definition.vertices.values()
    sources = [vertex.op.body for vertex in found if isinstance(vertex.op.body, SourceOp)]
    assert [source.attrs.get("git.advice") for source in sources] == [attr, attr]


def test_advice_is_asked_for_by_yes_or_no() -> None:
    with pytest.raises(DockerfileError, match=r"^failed to parse build-arg:BUILDKIT_GIT_ADVICE: "):
        compile_text("FROM scratch\n", {"build-arg:BUILDKIT_GIT_ADVICE": "perhaps"})
