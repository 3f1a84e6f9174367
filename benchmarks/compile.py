"""How fast Dockerfiles become graphs: start-up, throughput, growth and memory, each beside what it is compared with.

    python benchmarks/compile.py                 # everything, a minute or two
    python benchmarks/compile.py --only cold     # one part: cold, throughput, growth, size
    python benchmarks/compile.py --json out.json # the figures for a script

Dockerfiles come from the conformance cases beside the checkout (../shared), else from fixtures/. Medians throughout;
nothing here fails when a figure is bad, since a shared machine's figures are noise to a test.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.reference import time_reference  # noqa: E402  a script's own folder is not the checkout

WILD = ROOT.parent / "shared" / "conformance" / "cases-wild.jsonl.gz"
SMALL = b'FROM scratch AS a\nCOPY x /x\nFROM scratch\nCOPY --from=a /x /y\nCMD ["/y"]\n'

Figures: TypeAlias = dict[str, float]


def load_convert() -> Callable[[bytes], Any]:
    """The same call that the conformance check times: bytes to LLB and image config."""
    spec = importlib.util.spec_from_file_location("adapter", ROOT / "tests" / "conformance_adapter.py")
    assert spec is not None  # noqa: S101  the file is part of the checkout
    assert spec.loader is not None  # noqa: S101  the same
    adapter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(adapter)
    return lambda dockerfile: adapter.convert(dockerfile, target=None, build_args={}, platform=None, options={})


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def run_quietly(command: list[str]) -> float:
    nowhere = subprocess.DEVNULL
    return seconds(lambda: subprocess.run(command, check=True, cwd=ROOT, stdin=nowhere, stdout=nowhere, stderr=nowhere))


def measure_cold(rounds: int = 15) -> Figures:
    """Whole processes, interleaved with a bare interpreter so that a busy machine slows both."""
    bare = [sys.executable, "-c", "pass"]
    script = Path(sys.executable).parent / "dfc"
    dfc = [str(script)] if script.exists() else [sys.executable, "-m", "dockerfile_frontend.cli"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_bytes(SMALL)
        commands = {
            "dfc --help": [*dfc, "--help"],
            "dfc compile": [*dfc, "compile", folder, "-o", str(Path(folder) / "g.msgpack")],
        }
        figures: Figures = {}
        for name, command in commands.items():
            run_quietly(command)
            pairs = [(run_quietly(command), run_quietly(bare)) for _ in range(rounds)]
            ours, bares = (statistics.median(side) for side in zip(*pairs, strict=True))
            figures[f"{name}, ms"] = ours * 1000
            figures[f"{name}, bare pythons"] = ours / bares
    return figures


def wild_dockerfiles(limit: int) -> list[bytes]:
    if not WILD.exists():
        return [path.read_bytes() for path in sorted((ROOT / "fixtures").rglob("*Dockerfile*")) if path.is_file()]
    with gzip.open(WILD, "rt", encoding="utf-8") as lines:
        cases = (json.loads(line) for line in lines)
        found = [base64.b64decode(case["dockerfile"]) for case in cases if case["kind"] == "convert"]
    return found[:: max(1, len(found) // limit)]


def measure_throughput(limit: int) -> Figures:
    convert = load_convert()
    dockerfiles = wild_dockerfiles(limit)

    def attempt(dockerfile: bytes) -> None:
        with contextlib.suppress(Exception):  # the reference refuses some, and so do we: the time counts all the same
            convert(dockerfile)

    for dockerfile in dockerfiles[:50]:
        attempt(dockerfile)
    ours = [min(seconds(lambda d=d: attempt(d)) for _ in range(2)) for d in dockerfiles]  # type: ignore[misc]
    figures = {
        "files": float(len(dockerfiles)),
        "mean, ms a file": statistics.mean(ours) * 1000,
        "median, ms a file": statistics.median(ours) * 1000,
        "99th percentile, ms": sorted(ours)[int(len(ours) * 0.99)] * 1000,
    }
    theirs = time_reference(dockerfiles[:50] + dockerfiles)
    if theirs is not None:
        figures["reference (Go), mean, ms a file"] = statistics.mean(theirs[50:]) * 1000
        figures["times the reference"] = statistics.mean(ours) / statistics.mean(theirs[50:])
    return figures


def long_dockerfile(groups: int) -> bytes:
    """Three instructions a group, of the kinds that make a graph and an environment grow."""
    group = "ENV V{v}=$X\nRUN --mount=type=cache,target=/c echo {i} $V{v}\nCOPY f{i} /d/\n"
    body = (group.format(i=i, v=i % 50) for i in range(groups))
    return ("FROM alpine AS a\nARG X=1\n" + "".join(body)).encode()


def measure_growth() -> Figures:
    convert = load_convert()
    convert(long_dockerfile(50))
    short, long = (min(seconds(lambda n=n: convert(long_dockerfile(n))) for _ in range(3)) for n in (200, 2000))  # type: ignore[misc]
    figures = {"600 instructions, ms": short * 1000, "6,000 instructions, ms": long * 1000, "growth": long / short}
    theirs = time_reference([long_dockerfile(50), long_dockerfile(200), long_dockerfile(2000)])
    if theirs is not None:
        figures["reference (Go), growth"] = theirs[2] / theirs[1]
    return figures


PEAK = """
import resource, sys, time
from benchmarks import compile as bench
convert, dockerfile = bench.load_convert(), {expression}
start = time.perf_counter()
convert(dockerfile)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def stages_dockerfile(count: int) -> bytes:
    lines = ["FROM scratch AS s0\nCOPY a /a\n"]
    lines += [f"FROM scratch AS s{i}\nCOPY --from=s{i - 1} /a /a\n" for i in range(1, count)]
    return "".join(lines).encode()


def measure_size() -> Figures:
    """Time and peak memory of a fresh process for each large input."""
    figures: Figures = {}
    for name, expression in {
        "1,000 stages": "bench.stages_dockerfile(1000)",
        "10,000 lines": "bench.long_dockerfile(3333)",
    }.items():
        script = PEAK.format(expression=expression)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        spent, peak = map(float, done.stdout.split())
        figures[f"{name}, ms"] = spent * 1000
        figures[f"{name}, peak MiB"] = peak
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("cold", "throughput", "growth", "size")
    parser.add_argument("--only", choices=parts, help="measure one part")
    parser.add_argument("--files", type=int, default=1000, help="Dockerfiles for the throughput (default 1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    chosen = parser.parse_args()
    measures: dict[str, Callable[[], Figures]] = {
        "cold": measure_cold,
        "throughput": lambda: measure_throughput(chosen.files),
        "growth": measure_growth,
        "size": measure_size,
    }
    results: dict[str, Figures] = {}
    for part in [chosen.only] if chosen.only else parts:
        print(part)
        results[part] = measures[part]()
        for name, figure in results[part].items():
            print(f"  {name:36} {figure:10.1f}" if figure >= 100 else f"  {name:36} {figure:10.2f}")  # noqa: PLR2004
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
