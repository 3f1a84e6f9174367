"""hadolint beside us: for each rule, in which files both find something, or only one, and whether at the same instructions.

    python -m tests.lint.hadolint.oracle        every different file of the wild, generated and edge conformance cases, as a table
    python -m tests.lint.hadolint.oracle 400    at most 400 of each kind; a second number takes every so many of them

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
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.lint.table import HADOLINT, OFF_BY_DEFAULT
from dockerfile_frontend.syntax.parser import parse_tree
from tests.lint.linting import lint_text

ON = tuple(rule for rule in HADOLINT if rule not in OFF_BY_DEFAULT)
KINDS = ("wild", "generated", "edge")
UNREAD = "DL1000"
_AT_ONCE = 50

Found = Mapping[str, frozenset[int]]
"""Rules that found something, and in which lines."""


class Compared(NamedTuple):
    """One rule over all files."""

    rule: str
    files: int
    both: int
    same_places: int
    """Of those in which both find something, the files in which it is at the same instructions."""
    ours: tuple[str, ...]
    """Files in which only we find something."""
    theirs: tuple[str, ...]

    @property
    def equal(self) -> float:
        """Share of files in which both find something, or neither."""
        return 1 - (len(self.ours) + len(self.theirs)) / max(self.files, 1)

    @property
    def agreed(self) -> float:
        """The same of files in which anything is found."""
        return self.both / max(self.both + len(self.ours) + len(self.theirs), 1)


def case_files(cases: Path, count: int | None = None, step: int = 1) -> dict[str, bytes]:
    """Different Dockerfiles of recorded cases by name, every `step`th, at most `count`."""
    with gzip.open(cases, "rt") as lines:
        texts = sorted({json.loads(line)["dockerfile"] for line in lines})
    kind = cases.name.split("-")[1][:1]
    return {f"{kind}{number:04}.Dockerfile": base64.b64decode(text) for number, text in enumerate(texts[::step][:count])}


def compare(files: Mapping[str, bytes]) -> list[Compared]:
    theirs = _theirs(files)
    known = [name for name in files if name in theirs and UNREAD not in theirs[name]]
    return compare_found({name: _ours(files[name]) for name in known}, {name: theirs[name] for name in known}, files)


def compare_found(
    ours: Mapping[str, Found], theirs: Mapping[str, Found], files: Mapping[str, bytes], rules: Iterable[str] = ON
) -> list[Compared]:
    """What each found in the files that both have read, by rule."""
    begins = {name: _begins(files[name]) for name in ours}
    rows = []
    for rule in rules:
        fired = [(name, ours[name].get(rule, frozenset()), theirs[name].get(rule, frozenset())) for name in ours]
        both = [(name, mine, yours) for name, mine, yours in fired if mine and yours]
        same = sum(_at(begins[name], mine) == _at(begins[name], yours) for name, mine, yours in both)
        only_ours = tuple(name for name, mine, yours in fired if mine and not yours)
        only_theirs = tuple(name for name, mine, yours in fired if yours and not mine)
        rows.append(Compared(rule, len(fired), len(both), same, only_ours, only_theirs))
    return rows


def _ours(data: bytes) -> Found:
    return by_rule((found.rule, found.span.line if found.span else 0) for found in lint_text(data, "HADOLINT").findings)


def by_rule(pairs: Iterable[tuple[str, int]]) -> Found:
    """Pairs of rule and line as lines by rule."""
    lines: dict[str, set[int]] = {}
    for rule, line in pairs:
        lines.setdefault(rule, set()).add(line)
    return {rule: frozenset(found) for rule, found in lines.items()}


def _begins(data: bytes) -> dict[int, int]:
    """For each line of an instruction, the one it begins in: hadolint names that one, we the culprit's."""
    try:
        nodes = parse_tree(data).nodes
    except DockerfileError:
        return {}
    return {line: node.start for node in nodes for line in range(node.start, node.end + 1)}


def _at(begins: Mapping[int, int], lines: Iterable[int]) -> set[int]:
    return {begins.get(line, line) for line in lines}


def _theirs(files: Mapping[str, bytes]) -> dict[str, Found]:
    """What hadolint finds in each file; a file at which it dies is missing."""
    names = sorted(files)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(folder, name).write_bytes(files[name])
        found: dict[str, Found] = {}
        for start in range(0, len(names), _AT_ONCE):
            batch = names[start : start + _AT_ONCE]
            answer = run_hadolint(batch, folder)
            if answer is not None:
                found |= answer
                continue
            for name in batch:
                found |= run_hadolint([name], folder) or {}
    return found


def run_hadolint(names: list[str], folder: str, *flags: str) -> dict[str, Found] | None:
    """What it finds in files of a folder; None when it dies."""
    program = Path(sys.executable).parent / "hadolint"
    command = [str(program), "--no-fail", "-f", "json", *flags, *names]
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        return None
    pairs: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for entry in json.loads(done.stdout):
        pairs[entry["file"]].append((entry["code"], entry["line"]))
    return {name: by_rule(found) for name, found in pairs.items()}


def table(rows: list[Compared]) -> str:
    """For people: the rules that are not equal everywhere, worst first."""
    lines = [f"{rows[0].files} files; by rule: equal, so where anything is found, same instructions; both, only ours, only theirs"]
    for row in sorted(rows, key=lambda row: row.equal):
        if row.ours or row.theirs or row.same_places < row.both:
            names = f"  ours {' '.join(n[:5] for n in row.ours[:6])} | theirs {' '.join(n[:5] for n in row.theirs[:6])}"
            places = row.same_places / max(row.both, 1)
            lines.append(
                f"{row.rule} {row.equal:7.2%} {row.agreed:5.0%} {places:5.0%} {row.both:5} {len(row.ours):4} {len(row.theirs):4}{names}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    shared = Path(os.environ.get("CONFORMANCE", "../shared/conformance"))
    wanted, every = [*map(int, sys.argv[1:3]), None, None][:2]
    for kind in KINDS:
        chosen = case_files(shared / f"cases-{kind}.jsonl.gz", wanted, every or 1)
        sys.stdout.write(f"{kind}: {table(compare(chosen))}\n\n")
