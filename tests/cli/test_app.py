from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module

import click
import pytest

from dockerfile_frontend.cli import app, cache
from dockerfile_frontend.cli.app import SUMMARIES, run
from dockerfile_frontend.cli.errors import Fault
from tests.running import DFC, ROOT, dfc


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_command_of_the_table_has_a_module_and_help(name: str) -> None:
    command = import_module(f"dockerfile_frontend.cli.{name}").command
    assert command.name == name
    assert dfc(name, "--help").returncode == 0


def test_each_module_with_a_command_is_in_the_table() -> None:
    files = (ROOT / "dockerfile_frontend" / "cli").glob("*.py")
    commands = {f.stem for f in files if "@click.command" in f.read_text() and f.stem != "app"}
    assert commands == {*SUMMARIES, *(f"cache_{name}" for name in cache.SUMMARIES)}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["complie"],
            "dfc: error: no command complie; did you mean compile?\n  hint: dfc --help shows what it takes\n",
        ),
        (["--nope"], "dfc: error: no option --nope\n  hint: dfc --help shows what it takes\n"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_code_2(arguments: list[str], complaint: str) -> None:
    done = dfc(*arguments)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", complaint)


def test_options_of_a_command_with_many_stand_in_groups() -> None:
    told = dfc("build", "--help").stdout.decode()
    sections = [part.splitlines() for part in told.split("\n\n")]
    named = {lines[0]: " ".join(lines[1:]) for lines in sections if lines[0].endswith(":")}
    assert [*named] == ["Options:", "What is built:", "What comes out:", "Cache:", "Steps:", "Base images:", "BuildKit:"]
    assert "--target" in named["What is built:"]
    assert "--secret" in named["Steps:"]
    assert "--progress" in named["Options:"]
    assert "--help" in named["Options:"]
    assert "\nOptions:" in dfc("show", "--help").stdout.decode()


def test_without_a_command_help_goes_to_standard_error() -> None:
    done = dfc()
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Commands:" in done.stderr


def command_that(raises: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise raises

    return command


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (Fault("no luck", hint="try again"), 1, "dfc: error: no luck\n  hint: try again\n"),
        (FileNotFoundError(2, "No such file or directory", "x"), 1, "dfc: error: x: No such file or directory\n"),
        (RecursionError(), 1, "dfc: error: the input nests too deeply or is too large\n"),
        (ValueError("odd"), 1, "dfc: error: internal error: ValueError: odd\n  hint: DFC_TRACEBACK=1 shows where"),
    ],
)
def test_no_error_becomes_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Exception, code: int, said: str
) -> None:
    monkeypatch.delenv("DFC_TRACEBACK", raising=False)
    monkeypatch.setattr(app, "dfc", command_that(raised))
    assert run([]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert "Traceback" not in captured.err


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DFC_TRACEBACK", "1")
    monkeypatch.setattr(app, "dfc", command_that(ValueError("odd")))
    assert run([]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_quietly() -> None:
    """Interrupted while it waits for its standard input."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen([*DFC, "compile", "-"], stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as running:
        assert running.stdin is not None
        running.stdin.write(b"#" * 200_000)  # more than a pipe holds: when this returns, the other side is reading
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (130, b"", b"")


def test_a_reader_that_leaves_is_no_error_message() -> None:
    command = f"{sys.executable} -m dockerfile_frontend.cli completion bash | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=False)
    assert done.stderr == b""
