"""How long builds take with our frontend's image, beside the reference's as an image and built into BuildKit: one daemon, turn by turn.

    python benchmarks/frontend.py                                  # eight minutes; builds both images
    python benchmarks/frontend.py --image registry.example/dockerfile-frontend:1 --scenario 200 --rounds 9 --json out.json

cold: steps that no build has run; base image and frontend are there. warm: the same build again. A quarter of the instructions are
RUN, the others COPY, ENV and WORKDIR. Rounds are interleaved, the frontends of a round in shuffled order; figures are medians.
Limits are about the reference's image, which is started in a container for each build as ours is; what is built in is not.
Memory is the frontend process's peak, as the kernel counts it. Nothing here fails when a figure is bad: a line says so.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.builders import Base, BuildKit, FailedError, daemon, find_buildkit, time_command  # noqa: E402
from benchmarks.frontend_images import own_image, reference_image, time_starts  # noqa: E402  a script's own folder is not the checkout
from benchmarks.registry import registry  # noqa: E402  the same
from fixtures import base_image  # noqa: E402  the same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS, THEIRS, BUILT_IN = "ours", "reference's image", "built in"
WARM_RUNS = 3
"""Warm builds of a round: they are quick, and noise weighs more on them."""
MOST_MORE, MOST_TIMES, MOST_MIB, MOST_START = 0.4, 1.3, 120, 0.3
"""Limits: seconds beyond the reference, times the reference at 200 instructions, memory, seconds to the first request."""


def chain(count: int) -> str:
    """One stage of `count` instructions behind FROM."""
    kinds = ("RUN echo {0} >/{0}", "COPY a /{0}", "ENV V{0}=$U", "WORKDIR /w{0}")
    return "FROM base\nARG U\n" + "".join(kinds[n % 4].format(n) + "\n" for n in range(count))


def stages(count: int) -> str:
    """Stages that each copy from the one before."""
    first = "FROM base AS s0\nARG U\nRUN echo $U >/made\n"
    one = "FROM base AS s{0}\nCOPY --from=s{1} /made /made\nENV STAGE={0}\n"
    return first + "".join(one.format(n, n - 1) for n in range(1, count))


SCENARIOS = {"1": chain(1), "20": chain(20), "200": chain(200), "30 stages": stages(30)}


class Frontends:
    """One daemon, and a folder to build."""

    def __init__(self, builder: BuildKit, images: Mapping[str, str], folder: Path) -> None:
        """`images` has the references of those that are not built in."""
        self._builder = builder
        self._images = images
        self._folder = folder
        folder.mkdir()
        (folder / "a").write_text("a")

    def build(self, frontend: str, name: str, unique: str) -> float:
        """Seconds. `unique` makes steps that no other build has run."""
        (self._folder / "Dockerfile").write_text(SCENARIOS[name])
        said = ["--frontend", "dockerfile.v0"]
        if frontend in self._images:
            said = ["--frontend", "gateway.v0", "--opt", f"source={self._images[frontend]}"]
        base = self._builder.base
        context = ["--opt", f"context:base=oci-layout://base@{base.digest}", "--oci-layout", f"base={base.layout}"]
        files = ["--local", "context=.", "--local", "dockerfile=.", "--opt", f"build-arg:U={unique}"]
        command = [*self._builder.buildctl(), "build", *said, "--opt", "cmdline=benchmark", *context, *files]
        return time_command([*command, "--progress", "plain"], self._folder).seconds


def measure(frontends: Frontends, names: list[str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds by frontend and scenario/variant."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in (OURS, THEIRS, BUILT_IN)}
    dice = random.Random(1)  # noqa: S311  an order, no secret
    for count in range(rounds):
        for name in names:
            for frontend in dice.sample((OURS, THEIRS, BUILT_IN), 3):
                unique = f"{frontend}-{count}-{time.time_ns()}"
                found[frontend][f"{name}/cold"].append(frontends.build(frontend, name, unique))
                for _ in range(WARM_RUNS):
                    found[frontend][f"{name}/warm"].append(frontends.build(frontend, name, unique))
            print(f"round {count + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
    return found


@contextmanager
def watched_memory() -> Iterator[list[int]]:
    """Peaks, in KiB, of the frontend processes that run meanwhile."""
    peaks: dict[int, int] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    with suppress(OSError):
                        if b"dockerfile_frontend.gateway" in (folder / "cmdline").read_bytes():
                            peaks[int(folder.name)] = _peak((folder / "status").read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    found: list[int] = []
    try:
        yield found
    finally:
        over.set()
        watcher.join()
        found += peaks.values()


def _peak(status: str) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


def report(
    found: dict[str, dict[str, list[float]]], memory: dict[str, float], starts: dict[str, list[float]]
) -> dict[str, Any]:
    rows = {}
    for name in found[OURS]:
        ours, theirs, built_in = (statistics.median(found[frontend][name]) for frontend in (OURS, THEIRS, BUILT_IN))
        row = {"ours_s": ours, "reference_s": theirs, "more_s": ours - theirs, "ratio": ours / theirs}
        row |= {"built_in_s": built_in, "more_than_built_in_s": ours - built_in, "ratio_to_built_in": ours / built_in}
        rows[name] = {key: round(value, 4) for key, value in row.items()}
    medians = {frontend: round(statistics.median(seconds), 4) for frontend, seconds in starts.items()}
    return {"scenarios": rows, "peak_mib": memory, "start_s": medians}


def faults(result: dict[str, Any]) -> list[str]:
    """Figures beyond their limits, in words."""
    said = []
    for name, row in result["scenarios"].items():
        if row["more_s"] > MOST_MORE:
            said.append(f"{name}: {row['more_s']:.2f} s more than the reference's image, at most {MOST_MORE}")
        if name.startswith("200/") and row["ratio"] > MOST_TIMES:
            said.append(f"{name}: {row['ratio']:.2f} times the reference's image, at most {MOST_TIMES}")
    for name, peak in result["peak_mib"].items():
        if peak > MOST_MIB:
            said.append(f"{name}: {peak:.0f} MiB, at most {MOST_MIB}")
    start = result["start_s"].get(OURS, 0)
    if start > MOST_START:
        said.append(f"{start:.2f} s to the first request, at most {MOST_START}")
    return said


def print_table(result: dict[str, Any]) -> None:
    print(f"{'':16} {'':>8} | {THEIRS:^25} | {BUILT_IN:^25}")
    columns = f"{'takes':>8} {'ours more':>9} {'ratio':>6}"
    print(f"{'instructions':16} {'ours':>8} | {columns} | {columns}")
    for name, row in result["scenarios"].items():
        theirs = f"{row['reference_s']:6.2f} s {row['more_s']:7.2f} s {row['ratio']:6.2f}"
        built_in = f"{row['built_in_s']:6.2f} s {row['more_than_built_in_s']:7.2f} s {row['ratio_to_built_in']:6.2f}"
        print(f"{name:16} {row['ours_s']:6.2f} s | {theirs} | {built_in}")
    print("\npeak memory: " + ", ".join(f"{name} {peak:.0f} MiB" for name, peak in result["peak_mib"].items()))
    starts = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in result["start_s"].items())
    print(f"start to first request, runc and all: {starts or 'not measured: runc is not installed'}")
    for fault in faults(result):
        print(f"beyond the limit: {fault}")


def measure_memory(frontends: Frontends, names: list[str]) -> dict[str, float]:
    """MiB of the frontend, by scenario, on builds of their own: watching costs time."""
    found = {}
    for name in names:
        with watched_memory() as peaks:
            frontends.build(OURS, name, f"memory-{time.time_ns()}")
        if not peaks:
            raise FailedError("no frontend process was seen: its memory is unknown")
        found[name] = round(max(peaks) / 1024, 1)
    return found


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", help="our image's reference  [default: build this checkout's]")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    names = arguments.scenario or list(SCENARIOS)
    digest = base_image.write_layout(folder / "base")
    (folder / "daemon").mkdir()
    builder = BuildKit(folder / "daemon", Base(folder / "base", base_image.TAG, digest), find_buildkit())
    with registry(folder) as address, daemon(builder):
        images = {OURS: arguments.image or own_image(address), THEIRS: reference_image(builder, address, folder)}
        frontends = Frontends(builder, images, folder / "project")
        for frontend in (OURS, THEIRS, BUILT_IN):
            frontends.build(frontend, "1", "first")  # base image and frontend are fetched
        found = measure(frontends, names, arguments.rounds)
        starts = time_starts(builder, images, folder, arguments.rounds * WARM_RUNS)
        return report(found, measure_memory(frontends, names), starts)


def main() -> int:
    arguments = parse_arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            result = run(arguments, Path(name))
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print_table(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
