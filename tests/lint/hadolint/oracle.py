"""hadolint beside us: for each rule, in which files both find something, or only one.

    python -m tests.lint.hadolint.oracle 400        400 files of the wild conformance cases, as a table;
    a second number takes every so many of them

hadolint is run as a program; nothing of it is read or shipped. Files that it cannot read are left out.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from dockerfile_frontend.lint.table import HADOLINT, OFF_BY_DEFAULT
from tests.lint.linting import lint_text

ON = tuple(rule for rule in HADOLINT if rule not in OFF_BY_DEFAULT)
UNREAD = "DL1000"
_AT_ONCE = 50


class Compared(NamedTuple):
    """One rule over all files."""

    rule: str
    files: int
    both: int
    ours: tuple[str, ...]
    """Files in which only we find something."""
    theirs: tuple[str, ...]

    @property
    def equal(self) -> float:
        """Share of files in which both find something, or neither."""
        return 1 - (len(self.ours) + len(self.theirs)) / max(self.files, 1)


def wild_files(cases: Path, count: int, step: int = 1) -> dict[str, bytes]:
    """Different Dockerfiles of the recorded cases by name, every `step`th, at most `count`."""
    with gzip.open(cases, "rt") as lines:
        texts = sorted({json.loads(line)["dockerfile"] for line in lines})
    return {f"{number:04}.Dockerfile": base64.b64decode(text) for number, text in enumerate(texts[::step][:count])}


def compare(files: dict[str, bytes]) -> list[Compared]:
    theirs = _theirs(files)
    known = {name: data for name, data in files.items() if name in theirs and UNREAD not in theirs[name]}
    ours = {name: {found.rule for found in lint_text(data, "HADOLINT").findings} for name, data in known.items()}
    rows = []
    for rule in ON:
        fired = [(name, rule in ours[name], rule in theirs[name]) for name in known]
        both = sum(mine and yours for _, mine, yours in fired)
        only = [tuple(name for name, *pair in fired if pair == want) for want in ([True, False], [False, True])]
        rows.append(Compared(rule, len(known), both, only[0], only[1]))
    return rows


def _theirs(files: dict[str, bytes]) -> dict[str, set[str]]:
    """What hadolint finds in each file; a file at which it dies is missing."""
    names = sorted(files)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(folder, name).write_bytes(files[name])
        found: dict[str, set[str]] = {}
        for start in range(0, len(names), _AT_ONCE):
            batch = names[start : start + _AT_ONCE]
            answer = _run(batch, folder)
            if answer is not None:
                found |= answer
                continue
            for name in batch:
                found |= _run([name], folder) or {}
    return found


def _run(names: list[str], folder: str) -> dict[str, set[str]] | None:
    program = Path(sys.executable).parent / "hadolint"
    command = [str(program), "--no-fail", "-f", "json", *names]
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        return None
    found: dict[str, set[str]] = {name: set() for name in names}
    for entry in json.loads(done.stdout):
        found[entry["file"]].add(entry["code"])
    return found


def table(rows: list[Compared]) -> str:
    """For people: the rules that are not equal everywhere, worst first."""
    lines = [f"{rows[0].files} files; files by rule: both, only ours, only theirs"]
    for row in sorted(rows, key=lambda row: row.equal):
        if row.ours or row.theirs:
            names = f"  ours {' '.join(n[:4] for n in row.ours[:6])} | theirs {' '.join(n[:4] for n in row.theirs[:6])}"
            lines.append(f"{row.rule} {row.equal:7.2%} {row.both:4} {len(row.ours):4} {len(row.theirs):4}{names}")
    return "\n".join(lines)


if __name__ == "__main__":
    shared = Path(os.environ.get("CONFORMANCE", "../shared/conformance")) / "cases-wild.jsonl.gz"
    wanted, every = [*map(int, sys.argv[1:3]), 1][:2]
    sys.stdout.write(table(compare(wild_files(shared, wanted, every))) + "\n")
