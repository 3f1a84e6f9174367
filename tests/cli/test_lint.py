"""`dfc lint` and `dfc rules` as a user calls them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_startup import heavy, imported
from tests.running import DFC, ROOT, dfc

TWO = "FROM alpine:3.20 AS Build\nWORKDIR app\n"
RELATIVE = 'Relative workdir "app" can have unexpected results if the base image changes'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(TWO)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "clean.Dockerfile").write_text("FROM alpine:3.20\n")
    return tmp_path


def test_a_folder_is_linted_and_counted(folder: Path) -> None:
    done = dfc("lint", "--format", "gnu", "--select", "reference", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [
        "Dockerfile:1:21: warning: Stage name 'Build' should be lowercase [StageNameCasing]",
        f"Dockerfile:2:9: warning: {RELATIVE} (begin it with /) [WorkdirRelativePath]",
    ]
    assert done.stderr.decode() == "2 files: 2 warnings (--fix mends 1, --fix-unsafe mends 1)\n"


def test_exit_codes(folder: Path) -> None:
    assert dfc("lint", "sub", "--select", "reference", cwd=folder).returncode == 0
    assert dfc("lint", "-q", "Dockerfile", "--select", "reference", "--fail-level", "error", cwd=folder).returncode == 0
    assert dfc("lint", "--severity", "StageNameCasing=error", "--fail-level", "error", cwd=folder).returncode == 1
    assert dfc("lint", "absent", cwd=folder).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "StageNamCasing"], "there is no rule StageNamCasing\n  hint: did you mean StageNameCasing?"),
        (
            ["--severity", "StageNameCasing=loud"],
            "--severity takes RULE=LEVEL: a severity is one of error, warning, info, style, off, not loud",
        ),
        (["*.nothing"], "no file matches *.nothing"),
        (["empty"], "there is no Dockerfile in empty"),
        (["--platform", "what/ever/is/this"], "failed to parse target platform"),
    ],
)
def test_wrong_use_is_said_before_any_work(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    done = dfc("lint", *arguments, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"dfc: error: {message}")
    assert not done.stdout


def test_standard_input_has_the_name_given(folder: Path) -> None:
    done = dfc("lint", "-", "--stdin-filename", "ci/Dockerfile", "--format", "json", stdin=TWO.encode(), cwd=folder)
    assert {row["file"] for row in json.loads(done.stdout)} == {"ci/Dockerfile"}
    assert dfc("lint", "-", stdin=b"FROM a\0", cwd=folder).stdout == b"stdin: error: is no text file [DFC000]\n"


def test_a_report_goes_to_a_file_whole(folder: Path) -> None:
    done = dfc("lint", "-o", "report.json", "--format", "json", cwd=folder)
    assert done.returncode == 1
    assert not done.stdout
    assert json.loads((folder / "report.json").read_text())


def test_build_args_and_the_check_setting_are_heard(folder: Path) -> None:
    (folder / "Dockerfile").write_text("ARG TAG\nFROM alpine:$TAG AS B\n")
    assert b"InvalidDefaultArgInFrom" in dfc("lint", cwd=folder).stdout
    assert b"DFC000" not in dfc("lint", "--build-arg", "TAG=3", cwd=folder).stdout
    done = dfc(
        "lint",
        "--build-arg",
        "BUILDKIT_DOCKERFILE_CHECK=skip=all",
        "--build-arg",
        "TAG=3",
        "--select",
        "reference",
        cwd=folder,
    )
    assert done.stdout == b""


def test_the_ignore_file_of_the_context_counts(folder: Path) -> None:
    (folder / "sub" / "clean.Dockerfile").write_text("FROM scratch\nCOPY a.md /\n")
    (folder / ".dockerignore").write_text("*.md\n")
    assert b"CopyIgnoredFile" not in dfc("lint", "sub", cwd=folder).stdout
    assert b"CopyIgnoredFile" in dfc("lint", "sub", "--context", ".", cwd=folder).stdout


def test_a_recorded_base_image_is_known(folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM alpine:3.20\nLABEL home=$JAVA_HOME\n")
    assert b"UndefinedVar" in dfc("lint", cwd=folder).stdout
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Env": ["JAVA_HOME=/opt/java"]}})
    images = [{"ref": "docker.io/library/alpine:3.20", "platform": "linux/amd64", "digest": None, "config": config}]
    (folder / "images.json").write_text(json.dumps({"version": 1, "images": images}))
    done = dfc("lint", "--recorded", "images.json", cwd=folder)
    assert b"UndefinedVar" not in done.stdout, done.stderr


def test_a_closed_pipe_is_no_accident(folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM a\n" + "ENV a b\n" * 10_000)
    command = ["sh", "-c", f"{' '.join(DFC)} lint Dockerfile | head -1"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_one_file_needs_nothing_heavy(folder: Path) -> None:
    modules = imported("lint", folder / "Dockerfile")
    assert not heavy(modules)
    assert not {"glob", "multiprocessing", "urllib.parse"} & modules
    assert "dockerfile_frontend.compiler" not in imported("lint", "--help")


def test_rules_are_listed_and_explained() -> None:
    listed = dfc("rules", "reference").stdout.decode().splitlines()
    assert len(listed) == 22
    assert listed[0].split(maxsplit=2) == [
        "ConsistentInstructionCasing",
        "warning",
        "Keywords are written in different cases",
    ]
    page = (ROOT / "docs" / "rules" / "StageNameCasing.md").read_bytes()
    assert dfc("rules", "stagenamecasing").stdout == page
    (row,) = json.loads(dfc("rules", "--json", "DFC000").stdout)
    assert [row] == json.loads(dfc("rules", "--format", "json", "DFC000").stdout)
    assert row["severity"] == "error"
    wrong = dfc("rules", "Stage")
    assert wrong.returncode == 0
    assert dfc("rules", "nothing").returncode == 2


def test_named_contexts_are_no_unknown_stages(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY --from=docs /a /b\n")
    (tmp_path / "docs").mkdir()
    flags = ("lint", "--select", "DL3006,DL3022", "--format", "json")
    assert [row["code"] for row in json.loads(dfc(*flags, cwd=tmp_path).stdout)] == ["DL3006", "DL3022"]
    named = ("--build-context", "docs=docs", "--build-context", "base=docker-image://debian:12")
    done = dfc(*flags, *named, cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    done = dfc(*flags, "--build-context", "docs=nowhere", cwd=tmp_path)
    assert done.returncode != 0
    assert "build context docs: there is no folder nowhere" in done.stderr.decode()


@pytest.mark.parametrize(("theirs", "here"), [("--no-fail", "--fail-level none"), ("-t", "--fail-level"), ("-f", "--format")])
def test_flags_of_hadolint_are_told_what_they_are_called_here(theirs: str, here: str, folder: Path) -> None:
    done = dfc("lint", theirs, "x", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.decode() == f"dfc: error: no option {theirs}\n  hint: hadolint's {theirs} is {here} here\n"
