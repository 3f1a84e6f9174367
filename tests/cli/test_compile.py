"""`dfc compile`, run as a user runs it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import ir_schema
from dockerfile_frontend.cli.app import run
from dockerfile_frontend.cli.definitions import FORMATS, decode
from ir_schema.ops import Copy, FileOp, SourceOp
from tests.running import ROOT, dfc

FIXTURES = ROOT / "fixtures"
SITE = ("compile", FIXTURES / "site", "--offline", "--recorded", FIXTURES / "site.images.json")
SCRATCH = b"FROM scratch AS a\nCOPY x /x\nFROM scratch\nCOPY --from=a /x /y\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_bytes(SCRATCH)
    return folder


def test_the_same_graph_in_every_format_to_file_and_standard_output(tmp_path: Path) -> None:
    digests = set()
    for form in FORMATS:
        printed = dfc(*SITE, "--format", form)
        assert (printed.returncode, printed.stderr) == (0, b"")
        written = dfc(*SITE, "--format", form, "-o", tmp_path / form)
        assert (written.returncode, written.stdout, written.stderr) == (0, b"", b"")
        assert (tmp_path / form).read_bytes() == printed.stdout
        digests.add(tuple(decode(printed.stdout).vertices))
    assert len(digests) == 1


def test_the_format_is_msgpack_unless_said(context: Path) -> None:
    assert ir_schema.decode_msgpack(dfc("compile", context).stdout).output is not None


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_same_bytes_under_every_hash_seed_time_zone_and_locale(seed: str) -> None:
    odd = {"PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "C"}
    assert dfc(*SITE, "--format", "llb", env=odd).stdout == dfc(*SITE, "--format", "llb").stdout


def test_the_image_config_goes_where_it_is_asked_for(tmp_path: Path) -> None:
    done = dfc(*SITE, "-o", tmp_path / "g", "--image-config", tmp_path / "c.json", "--label", "a=b")
    assert done.returncode == 0
    config = json.loads((tmp_path / "c.json").read_text())
    assert config["config"]["Labels"]["a"] == "b"
    assert config["config"]["User"] == "1000:1000"


def test_a_dockerfile_on_standard_input(context: Path) -> None:
    alone = dfc("compile", "-", "--format", "llb", stdin=SCRATCH)
    assert alone.returncode == 0
    beside = dfc("compile", context, "-f", "-", "--format", "llb", stdin=SCRATCH)
    assert set(ir_schema.decode_llb(alone.stdout).vertices) == set(ir_schema.decode_llb(beside.stdout).vertices)


def test_flags_reach_the_graph(context: Path) -> None:
    (context / "Dockerfile").write_bytes(b"ARG T\nFROM scratch AS a\nCOPY $T /t\nFROM scratch AS b\nARG V\nCOPY a$V /v\n")
    done = dfc("compile", context, "--target", "b", "--build-arg", "V=1", "--build-arg", "T=x", "--format", "llb")
    copies = [v.op.body for v in ir_schema.decode_llb(done.stdout).vertices.values() if isinstance(v.op.body, FileOp)]
    assert [step.action.src for body in copies for step in body.actions if isinstance(step.action, Copy)] == ["/a1"]


def test_the_ignore_file_reaches_the_graph(context: Path) -> None:
    (context / ".dockerignore").write_bytes(b"*.log\n")
    graph = ir_schema.decode_llb(dfc("compile", context, "--format", "llb").stdout)
    (source,) = [v.op.body for v in graph.vertices.values() if isinstance(v.op.body, SourceOp)]
    assert source.attrs["local.excludepatterns"] == '["*.log"]'


def test_a_named_context_is_a_local_source_of_its_name(context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_bytes(b"FROM scratch\nCOPY --from=docs a /a\n")
    (tmp_path / "docs").mkdir()
    done = dfc("compile", context, "--build-context", f"docs={tmp_path / 'docs'}", "--format", "llb")
    graph = ir_schema.decode_llb(done.stdout)
    assert [v.op.body.identifier for v in graph.vertices.values() if isinstance(v.op.body, SourceOp)] == ["local://docs"]


def test_several_platforms_give_a_file_each(tmp_path: Path) -> None:
    done = dfc(*SITE, "--platform", "linux/amd64,linux/arm64", "-o", tmp_path / "out", "--image-config", "yes")
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "linux_amd64.config.json",
        "linux_amd64.msgpack",
        "linux_arm64.config.json",
        "linux_arm64.msgpack",
    ]


def test_several_platforms_need_a_folder() -> None:
    done = dfc(*SITE, "--platform", "linux/amd64", "--platform", "linux/arm64")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"-o FOLDER" in done.stderr


def test_answers_are_recorded_and_serve_again(tmp_path: Path) -> None:
    recording = tmp_path / "images.json"
    first = dfc(*SITE, "--record", recording, "--format", "llb")
    assert first.returncode == 0
    second = dfc("compile", FIXTURES / "site", "--offline", "--recorded", recording, "--format", "llb")
    assert second.stdout == first.stdout


def test_warnings_go_to_standard_error_unless_quiet(context: Path) -> None:
    (context / "Dockerfile").write_bytes(b"FROM scratch AS A\nCOPY a /a\n")
    loud, quiet = dfc("compile", context, "--format", "llb"), dfc("compile", context, "--format", "llb", "-q")
    assert b"warning: Stage name 'A' should be lowercase [StageNameCasing]" in loud.stderr
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, b"")


@pytest.mark.parametrize("path", sorted((FIXTURES / "hostile").iterdir()), ids=lambda path: path.stem)
def test_a_bad_dockerfile_is_one_message_with_its_place(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "graph"
    output.write_bytes(b"old")
    done = dfc("compile", FIXTURES, "-f", path, "-o", output, "--offline")
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (1, b"")
    assert lines[0].startswith(f"{path}:")
    assert sum("error: " in line for line in lines) == 1
    assert "Traceback" not in done.stderr.decode()
    assert output.read_bytes() == b"old"


@pytest.mark.parametrize("path", sorted((FIXTURES / "bytes").iterdir()), ids=lambda path: path.stem)
def test_odd_bytes_compile(path: Path) -> None:
    done = dfc("compile", FIXTURES, "-f", path, "--format", "llb", "--quiet")
    assert (done.returncode, done.stderr) == (0, b"")
    assert ir_schema.encode_llb(ir_schema.decode_llb(done.stdout)) == done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such-folder"], 1, "there is no folder no-such-folder"),
        (["https://example.com/a.git"], 1, "remote build contexts are not supported"),
        ([".", "--format", "yaml"], 2, "invalid value for '--format'"),
        ([".", "-o", "/no/such/folder/g"], 1, "there is no folder /no/such/folder"),
        ([".", "-o", "same", "--image-config", "same"], 2, "name the same place"),
        ([".", "--recorded", "no-such-file", "--offline"], 1, "no-such-file: No such file or directory"),
        ([".", "--network", "bridge"], 2, "--network is default, none or host"),
        ([".", "--opt", "platform=x/y/z/w"], 1, "failed to parse target platform x/y/z/w"),
        ([".", "--target", "nope"], 1, "nope"),
        (["-", "-f", "x"], 2, "standard input is the Dockerfile here"),
        ([".", "--nope"], 2, "no option --nope"),
    ],
)
def test_wrong_use_is_one_message(context: Path, arguments: list[str], code: int, said: str) -> None:
    done = dfc("compile", *arguments, cwd=context)
    assert (done.returncode, done.stdout) == (code, b"")
    assert said in done.stderr.decode()
    assert "internal error" not in done.stderr.decode()


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_bytes_are_not_for_a_terminal(
    context: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(shown))
    assert run(["compile", str(context)]) == 1
    assert capsys.readouterr().err.startswith("dfc: error: this format is bytes, not for a terminal\n")
    assert run(["compile", str(context), "--format", "text"]) == 0
    assert shown.getvalue().startswith(b"%0 = ")
