"""How long builds take, beside other builders: cold, warm and with one source file touched.

    python benchmarks/executor.py --against buildah                     # four minutes
    python benchmarks/executor.py --against buildah,buildkit --json out.json
    python benchmarks/executor.py --against buildkit --scenario chain20 --rounds 5

cold: nothing built, nothing pulled. warm: the same build again. touched: again, after the late source file has changed.
Rounds are interleaved, the builders of a round in shuffled order, so that a busy machine slows all; figures are medians.
Nothing here fails when a figure is bad: that is for the reader.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.builders import Base, Builder, FailedError, Run, open_builder, time_command  # noqa: E402
from benchmarks.scenarios import SCENARIOS, touch, write  # noqa: E402  a script's own folder is not the checkout
from fixtures import base_image  # noqa: E402  the same

OURS = "dfc"
VARIANTS = ("cold", "warm", "touched")
QUICK, REPEATS = 1.0, 3
"""Builds of fewer seconds are repeated within a round where state allows, since noise weighs more on them."""

Figures: TypeAlias = dict[str, list[Run]]
"""Runs by scenario/variant."""


def measure(builders: dict[str, Builder], names: list[str], rounds: int, folder: Path) -> dict[str, Figures]:
    """Runs of each builder. Each round goes through all scenarios, so that no builder has the quiet minutes alone."""
    found: dict[str, Figures] = {builder: defaultdict(list) for builder in builders}
    dice = random.Random(1)  # noqa: S311  an order, no secret
    for count in range(rounds):
        for name in names:
            project = folder / "projects" / name
            if not project.exists():
                write(SCENARIOS[name], project)
            order = list(builders)
            dice.shuffle(order)
            for variant in VARIANTS:
                for builder in order:
                    runs = found[builder][f"{name}/{variant}"]
                    runs += run_variant(builders[builder], project, variant, folder / f"{builder}.tar")
            say(f"round {count + 1} of {rounds}: {name}")
        for each in builders.values():
            each.forget()
    return found


def run_variant(builder: Builder, project: Path, variant: str, archive: Path) -> list[Run]:
    if variant == "cold":
        builder.forget()
        archive.unlink(missing_ok=True)
        return [builder.build(project, archive)]
    runs: list[Run] = []
    while not runs or (runs[-1].seconds < QUICK and len(runs) < REPEATS):
        if variant == "touched":
            touch(project, time.time_ns())
        runs.append(builder.build(project, archive))
    return runs


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def median(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def compare(found: dict[str, Figures], peer: str) -> dict[str, dict[str, float]]:
    """Seconds of ours and of the peer by scenario/variant, and ours divided by theirs."""
    rows: dict[str, dict[str, float]] = {}
    for name, runs in found[OURS].items():
        ours, theirs = median(runs), median(found[peer][name])
        peak = max(run.peak_mib for run in runs)
        row = {"ours_s": ours, "peer_s": theirs, "ratio": ours / theirs, "ours_peak_mib": peak}
        rows[name] = {key: round(value, 4) for key, value in row.items()}
    return rows


def measure_floor(folder: Path, rounds: int = 9) -> dict[str, float]:
    """What no builder here can go below: a bare interpreter, and a container of one static program, seconds."""
    floor = {"interpreter": [time_command([sys.executable, "-c", "pass"], folder).seconds for _ in range(rounds)]}
    if runc := shutil.which("runc"):
        bundle = write_bundle(folder / "bundle", runc)
        command = [runc, "--root", str(folder / "runc"), "run", "--bundle", str(bundle)]
        floor["runc run"] = [time_command([*command, f"floor{number}"], folder).seconds for number in range(rounds)]
    return {name: round(statistics.median(times), 4) for name, times in floor.items()}


def write_bundle(bundle: Path, runc: str) -> Path:
    """A container of runc's own default config that runs `busybox true`."""
    (bundle / "rootfs" / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", bundle / "rootfs" / "bin" / "busybox")
    subprocess.run([runc, "spec", "--bundle", str(bundle)], check=True)
    config: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["/bin/busybox", "true"], "rlimits": []}
    (bundle / "config.json").write_text(json.dumps(config))
    return bundle


def report(found: dict[str, Figures], peers: list[str], floor: dict[str, float]) -> dict[str, Any]:
    """What is written as JSON: the first peer's rows under "scenarios", those of all by name under "against"."""
    against = {peer: compare(found, peer) for peer in peers}
    derived = dict(floor)
    cold, step = found[OURS], "a RUN beyond runc run"
    if "runc run" in floor and "chain20/cold" in cold and "run/cold" in cold:
        derived[step] = round((median(cold["chain20/cold"]) - median(cold["run/cold"])) / 19 - floor["runc run"], 4)
    if "run/warm" in cold:
        derived["run/warm beyond the interpreter"] = round(median(cold["run/warm"]) - floor["interpreter"], 4)
    return {"scenarios": against[peers[0]], "against": against, "figures": derived}


def print_tables(result: dict[str, Any]) -> None:
    for peer, rows in result["against"].items():
        print(f"{'':18} {'dfc':>8} {peer:>9} {'ratio':>6} {'peak':>9}")
        for name, row in rows.items():
            peak = f"{row['ours_peak_mib']:.0f} MiB"
            print(f"{name:18} {row['ours_s']:6.2f} s {row['peer_s']:7.2f} s {row['ratio']:6.2f} {peak:>9}")
        print()
    for name, seconds in result["figures"].items():
        print(f"{name}: {seconds * 1000:.0f} ms")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds timed beside other builders: cold, warm, one file touched.")
    parser.add_argument("--against", default="buildah", help="buildah, buildkit, or both with a comma between")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--folder", type=Path, help="where to work; default: the system's temporary folder")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    peers = arguments.against.split(",")
    temporary = tempfile.TemporaryDirectory(prefix="benchmark-", dir=arguments.folder)
    try:
        with temporary as name, ExitStack() as stack:
            folder = Path(name)
            digest = base_image.write_layout(folder / "base")
            base = Base(folder / "base", base_image.TAG, digest)
            builders = {p: stack.enter_context(open_builder(p, folder / p, base)) for p in [OURS, *peers]}
            floor = measure_floor(folder)
            found = measure(builders, arguments.scenario or list(SCENARIOS), arguments.rounds, folder)
    except FailedError as error:
        say(str(error))
        return 1
    result = report(found, peers, floor)
    print_tables(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
