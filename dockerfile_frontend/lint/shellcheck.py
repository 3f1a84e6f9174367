r"""ShellCheck's findings about the shell scripts of RUNs: its ids, its words, at their places in the Dockerfile.

    RUN echo $x \
          | foo        SC2086 at line 1, column 10, though ShellCheck saw one line without a continuation

ShellCheck is a program of its own (`pip install dockerfile-frontend[shellcheck]`, or the system's) and runs once a Dockerfile and
dialect. It is told the variables that ARG and ENV set, and the shell that SHELL, or a document's first line, names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import ERROR, OFF, Finding
from dockerfile_frontend.lint.table import FAULT
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Script
    from dockerfile_frontend.lint.steps import State
    from dockerfile_frontend.lint.table import Selection
    from dockerfile_frontend.source import Span

DIALECTS: Mapping[str, str] = {
    "": "sh",
    "sh": "sh",
    "bash": "bash",
    "dash": "dash",
    "ash": "busybox",
    "busybox": "busybox",
    "ksh": "ksh",
}
"""By the shell's name; scripts of others are not looked at."""
NOT_HERE = "SC1090,SC1091,SC2187"
"""Files that a script reads are in the image; ash is known as busybox."""
PATIENCE = 120
"""Seconds for one Dockerfile."""


def find_program() -> str | None:
    """Beside the interpreter, or on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), "shellcheck")
    return beside if os.access(beside, os.X_OK) else shutil.which("shellcheck")


def no_check(_file: LintFile) -> Iterator[Finding]:
    """Of a rule that ShellCheck looks after."""
    return iter(())


class _Text(Record):
    """A script as ShellCheck gets it."""

    script: Script
    before: bytes
    """Lines in front that set variables."""


def check_shell(file: LintFile, program: str, selection: Selection) -> Iterator[Finding]:
    """Stamped with their ids and severities already. Never raises for what a script holds."""
    by_dialect: dict[str, list[_Text]] = {}
    for run in runs(file):
        for script in run.scripts:
            dialect = DIALECTS.get(script.shell[0] if script.shell else "")
            if dialect and script.data.strip():
                by_dialect.setdefault(dialect, []).append(_Text(script, _variables(run.step.before)))
    for dialect, texts in by_dialect.items():
        try:
            found = _ask(program, dialect, texts)
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            yield Finding(f"ShellCheck failed: {_reason(error)}", rule=FAULT, severity=ERROR)
            return
        for number, comment in found:
            code = f"SC{comment['code']:04}"
            level = level_of(code, str(comment["level"]), selection)
            if level:
                yield Finding(str(comment["message"]), _place(texts[number], comment), rule=code, severity=level)


def level_of(code: str, level: str, selection: Selection) -> str:
    """The severity of a finding; empty when it is not wanted. Names are ids of ShellCheck's, beginnings of them, or all."""
    if selection.select and not _means(selection.select, code):
        return ""
    if _means(selection.ignore, code):
        return ""
    given = [severity for name, severity in selection.severity if _means((name,), code)]
    wanted = given[-1] if given else level
    return "" if wanted == OFF else wanted


def _means(names: Sequence[str], code: str) -> bool:
    return any(
        name.upper() == "ALL" or (name.upper().startswith("SC") and code.startswith(name.upper())) for name in names
    )


def _variables(state: State) -> bytes:
    """An ARG without a known value could have any."""
    values = dict.fromkeys(state.args, '"$1"') | {name: _quoted(value) for name, value in state.env.items()}
    pairs = [f"export {name}={value}" for name, value in values.items() if name.isidentifier() and name.isascii()]
    return "; ".join(pairs).encode("utf-8", "surrogateescape") + b"\n"


def _quoted(value: str) -> str:
    plain = "".join(sign if sign.isprintable() else " " for sign in value)
    return "'" + plain.replace("'", "'\\''") + "'"


def _ask(program: str, dialect: str, texts: Sequence[_Text]) -> list[tuple[int, dict[str, Any]]]:
    """What it says about each text, by number. Raises OSError, SubprocessError, ValueError and KeyError."""
    with tempfile.TemporaryDirectory(prefix="dfc-") as folder:
        names = [f"{number}.sh" for number in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            with open(os.path.join(folder, name), "wb") as out:
                out.write(text.before + _without_shebang(text.script.data))
        command = [program, "--norc", "-f", "json1", "-s", dialect, "-e", NOT_HERE, *names]
        environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": folder}
        given: dict[str, Any] = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL, "timeout": PATIENCE}
        done = subprocess.run(command, capture_output=True, check=False, **given)  # noqa: S603  no shell
    if done.returncode > 1:
        raise ValueError(done.stderr.decode("utf-8", "replace").strip()[-200:] or f"exit code {done.returncode}")
    comments: list[dict[str, Any]] = json.loads(done.stdout)["comments"]
    return [(int(str(comment["file"]).partition(".")[0]), comment) for comment in comments]


def _reason(error: Exception) -> str:
    return f"no answer in {PATIENCE} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)


def _without_shebang(data: bytes) -> bytes:
    """It would not be on the first line any more; the dialect is said beside."""
    return b"# " + data[2:] if data.startswith(b"#!") else data


def _place(text: _Text, comment: Mapping[str, Any]) -> Span | None:
    data, place = text.script.data, text.script.place
    if place is None:
        return None
    start = _offset(data, int(comment["line"]) - 1, int(comment["column"]))
    end = _offset(data, int(comment["endLine"]) - 1, int(comment["endColumn"]))
    return place(start, max(end, min(start + 1, len(data))))


def _offset(data: bytes, line: int, column: int) -> int:
    """The byte at a line and a column, both from 1, columns in characters."""
    if line < 1:
        return 0
    lines = data.split(b"\n", line)
    if line > len(lines):
        return len(data)
    before = sum(len(one) + 1 for one in lines[: line - 1])
    text = lines[line - 1].decode("utf-8", "surrogateescape")
    return before + len(text[: column - 1].encode("utf-8", "surrogateescape"))
