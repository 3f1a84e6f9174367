"""Search for inputs that crash or hang: `python -m tests.fuzz.run --seconds 600`; `make fuzz` takes a minute a target.

What is found is written to fuzz-findings/ and makes the exit code 1. Give each finding a case file, then mend it.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
from pathlib import Path
from random import Random

from tests.fuzz.engine import Report, search
from tests.fuzz.targets import TARGETS, Fuzzed
from tests.running import ROOT

MEMORY = 4 << 30
"""Bytes of address space: what wants more fails with MemoryError, which is a finding."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, default=None, help="the same search again")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="search these only")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seed = chosen.seed if chosen.seed is not None else Random().randrange(1 << 32)
    failed = False
    for name in chosen.target or sorted(TARGETS):
        fuzzed = TARGETS[name]()
        report = run_target(fuzzed, seed, chosen.seconds)
        print(f"{name}: seed {seed}, {report.runs} runs, {report.kept} kept, {len(report.findings)} findings")
        for finding in report.findings:
            failed = True
            print(f"  {finding.what[:200]}\n    {save(name, finding.data)}")
    return int(failed)


def run_target(fuzzed: Fuzzed, seed: int, seconds: float) -> Report:
    return search(fuzzed.target, fuzzed.seeds, Random(seed), tokens=fuzzed.tokens, seconds=seconds)


def save(name: str, data: bytes) -> Path:
    folder = ROOT / "fuzz-findings"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    file.write_bytes(data)
    return file


if __name__ == "__main__":
    sys.exit(main())
