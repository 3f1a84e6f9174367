"""A frontend of one's own, in a BuildKit in memory and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerfile_frontend.gateway.status import UNKNOWN
from dockerfile_frontend.sdk import Built, DockerfileError, Request, Span
from dockerfile_frontend.sdk.local import compile_file
from dockerfile_frontend.sdk.serve import answer_with
from ir_schema.definition import Definition
from ir_schema.llb_reader import decode_llb
from ir_schema.ops import Copy, ExecOp, FileAction, FileOp, Meta, MkFile, Mount, SourceOp
from tests.gateway.buildkit import DIGEST, FakeBuildKit


def build(request: Request) -> Built:
    """A file whose lines are: a base image, then what to write into /made; "bad" is refused, "odd" is warned about."""
    ref, *words = request.text.split()
    base = request.base(ref, 1)
    if "bad" in words:
        raise DockerfileError("bad is bad", Span(1 + words.index("bad") + 1))
    if "odd" in words:
        request.warn("odd is odd", 2, code="Odd")
    made = FileOp(
        (
            FileAction(
                -1 if base.root is None else 0, -1, 0, MkFile("/made", 0o644, b" ".join(w.encode() for w in words))
            ),
        )
    )
    root = request.step(made, base.root, title="make it", line=1)
    return Built(root, base.image._replace(cmd=("cat", "/made")))


def buildkit(text: bytes) -> FakeBuildKit:
    return FakeBuildKit({"dockerfile": {"Words": text}, "context": {}}, answer=answer_with(build))


def bodies(definition: Definition) -> list[object]:
    return [vertex.op.body for vertex in definition.vertices.values()]


def test_a_file_becomes_a_graph_and_a_config() -> None:
    daemon = buildkit(b"alpine\nhello\n")
    assert daemon.run(filename="Words") == 0
    image, made = bodies(daemon.definitions()[-1])
    assert isinstance(image, SourceOp)
    assert image.identifier == f"docker-image://docker.io/library/alpine:latest@{DIGEST}"
    assert isinstance(made, FileOp)
    config = json.loads(daemon.result.metadata["containerimage.config"])
    assert config["config"] == {"Env": ["PATH=/bin"], "Cmd": ["cat", "/made"]}


def test_each_platform_has_a_result() -> None:
    daemon = buildkit(b"scratch\nhello\n")
    assert daemon.run_with({"filename": "Words", "platform": "linux/amd64,linux/arm64"}) == 0
    assert daemon.result.refs is not None
    assert sorted(daemon.result.refs.refs) == ["linux/amd64", "linux/arm64"]
    arm = json.loads(daemon.result.metadata["containerimage.config/linux/arm64"])
    assert arm["architecture"] == "arm64"


def test_labels_that_the_caller_asks_for_are_in_the_config() -> None:
    daemon = buildkit(b"scratch\nhello\n")
    assert daemon.run_with({"filename": "Words", "label:a": "b"}) == 0
    assert json.loads(daemon.result.metadata["containerimage.config"])["config"]["Labels"] == {"a": "b"}


def test_an_error_carries_its_line_of_the_file() -> None:
    daemon = buildkit(b"scratch\nfine\nbad\n")
    assert daemon.run(filename="Words") == 1
    assert (daemon.error.code, daemon.error.message) == (UNKNOWN, "bad is bad")
    (detail,) = daemon.error.details
    found = json.loads(detail.value)
    assert found["info"]["filename"] == "Words"
    assert found["ranges"] == [{"start": {"line": 3}, "end": {"line": 3}}]


def test_an_image_that_is_not_there_is_an_error_at_its_line() -> None:
    daemon = buildkit(b"nowhere\n")
    assert daemon.run(filename="Words") == 1
    assert daemon.error.message.startswith("nowhere: ")
    assert daemon.error.details


def test_warnings_are_told() -> None:
    daemon = buildkit(b"scratch\nodd\n")
    assert daemon.run(filename="Words") == 0
    (warning,) = daemon.warnings
    assert warning.short == b"Odd: odd is odd (line 2)"
    assert warning.info is not None
    assert warning.info.filename == "Words"


def test_text_that_is_not_utf8_is_an_error_at_its_line() -> None:
    daemon = buildkit(b"scratch\n\xff\n")
    assert daemon.run(filename="Words") == 1
    assert daemon.error.message == "Words is not UTF-8"


def test_questions_about_a_dockerfile_are_refused() -> None:
    daemon = buildkit(b"scratch\n")
    assert daemon.run_with({"filename": "Words", "requestid": "frontend.outline"}) == 1
    assert daemon.error.message == "unsupported request frontend.outline"


def test_a_crash_is_one_error() -> None:
    daemon = buildkit(b"")
    assert daemon.run(filename="Words") == 1
    assert daemon.error.message.startswith("the frontend failed, which is a fault of its own: ValueError")


def test_the_build_context_is_read_as_asked() -> None:
    def copied(request: Request) -> Built:
        copy = FileOp((FileAction(-1, 0, 0, Copy("/src", "/", mode=-1)),))
        root = request.step(copy, request.context("src", exclude=("*.log",)))
        run = ExecOp(Meta(("/x",), cwd="/"), (Mount(dest="/"),))
        return Built(request.step(run, root), request.base("scratch").image)

    daemon = FakeBuildKit({"dockerfile": {"Words": b"x"}, "context": {}}, answer=answer_with(copied))
    assert daemon.run(filename="Words") == 0
    local, _, run = daemon.definitions()[-1].vertices.values()
    assert isinstance(local.op.body, SourceOp)
    assert local.op.body.identifier == "local://context"
    assert local.op.body.attrs["local.followpaths"] == '["src"]'
    assert local.op.body.attrs["local.excludepatterns"] == '["*.log"]'
    assert run.op.platform is not None


def test_on_the_command_line_it_writes_the_same_graph(tmp_path: Path) -> None:
    (tmp_path / "Words").write_bytes(b"scratch\nhello\n")
    arguments = [str(tmp_path / "Words"), "-o", str(tmp_path / "graph"), "--image-config", str(tmp_path / "config")]
    assert compile_file(build, arguments, {}) == 0
    daemon = buildkit(b"scratch\nhello\n")
    daemon.run(filename="Words")
    assert decode_llb((tmp_path / "graph").read_bytes()).vertices.keys() == daemon.definitions()[-1].vertices.keys()
    assert json.loads((tmp_path / "config").read_bytes())["config"]["Cmd"] == ["cat", "/made"]


def test_on_the_command_line_faults_are_shown_with_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Words").write_bytes(b"scratch\nodd\nbad\n")
    assert compile_file(build, [str(tmp_path / "Words")], {}) == 1
    assert capsys.readouterr().err.splitlines()[:2] == ["Words:3: error: bad is bad", "  3 | bad"]
    assert compile_file(build, [str(tmp_path / "None")], {}) == 1
    assert "No such file" in capsys.readouterr().err


def test_wrong_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        compile_file(build, ["--no-such-flag"], {})
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
