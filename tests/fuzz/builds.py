"""Random Dockerfiles, built here and by BuildKit, whose images have to be the same: `python -m tests.fuzz.builds --seconds 600`.

A difference is printed with its Dockerfile and its seed; `--only SEED` builds that one again. Give each a case file in
tests/e2e/builds, then mend it. Needs root, and what the differential tests need. Times of folders are not compared, nor anything
that BuildKit learned after the version whose graphs the compiler makes: the words of `dockerfiles.py` avoid that.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.components import require
from tests.e2e.builds.builders import Base, BuildFrom, Built, Dfc, Reference, Request
from tests.e2e.builds.images import Image, read_image
from tests.e2e.builds.peers import compare
from tests.e2e.conftest import start_buildkit
from tests.fuzz.dockerfiles import STAMP, dockerfile, write_context
from tests.running import ROOT

ENTRY_OF_A_CONTEXT = re.compile(r" mtime: ours 160\d{7}, theirs 160\d{7}$")
"""Times of two contexts: only one builder had got as far as that in an earlier build, which failed, and finds its result."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first build (default: chance)")
    parser.add_argument("--only", type=int, default=None, help="build this one alone")
    chosen = parser.parse_args()
    seed = chosen.only if chosen.only is not None else chosen.seed if chosen.seed is not None else Random().randrange(1 << 32)
    counts: Counter[str] = Counter()
    began = time.time() - 5
    with builders() as (ours, reference, folder):
        end = time.monotonic() + chosen.seconds
        while counts.total() == 0 or (time.monotonic() < end and chosen.only is None):
            pair = Pair(ours, reference, folder / str(seed), began)
            how, lines = pair.compare(seed)
            counts[how] += 1
            if lines:
                print(f"== {seed}: {how}", pair.text, *(f"  ! {line[:500]}" for line in lines[:12]), sep="\n", flush=True)
            seed += 1
    print(", ".join(f"{count} {how}" for how, count in counts.most_common()))
    return int(bool(counts["differ"]))


@contextmanager
def builders() -> Iterator[tuple[Dfc, Reference, Path]]:
    """Both, with the fixtures' base image, and a folder for what they make."""
    spec = importlib.util.spec_from_file_location("base_image", ROOT / "fixtures" / "base_image.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    with tempfile.TemporaryDirectory(prefix="dfc-fuzz-") as name:
        folder = Path(name)
        maker.write_layout(folder / "base", require("busybox-static"))
        digest = (folder / "base" / "index.json").read_text().split('"digest": "', 1)[1].split('"', 1)[0]
        base = Base(folder / "base", "1.37", digest)
        with start_buildkit(folder / "buildkit", "127.0.0.1:9") as (daemon, _):
            yield Dfc(folder / "store", base), Reference(daemon, base), folder


class Pair:
    """One Dockerfile, built twice."""

    def __init__(self, ours: Dfc, reference: Reference, folder: Path, began: float) -> None:
        self.builders: dict[str, BuildFrom] = {"dfc": ours.build, "buildkit": reference.build}
        self.folder = folder
        self.text = ""
        self.began = began
        """Time since which what a build makes is "now": a later build may find it in the cache."""

    def compare(self, seed: int) -> tuple[str, list[str]]:
        """How it went, and one line a difference."""
        self.text = dockerfile(Random(seed)).replace("CACHE", f"c{seed}-")
        began = self.began
        context = self.folder / "context"
        write_context(context, STAMP + seed % 10_000_000)
        (context / "Dockerfile").write_text(self.text)
        (self.folder / "tok").write_text("secret words")
        request = Request(context, [f"--secret=id=tok,src={self.folder / 'tok'}", "--allow=network.host"])
        with ThreadPoolExecutor() as pool:
            jobs = {name: pool.submit(builder, request, self.archive(name)) for name, builder in self.builders.items()}
            built = {name: job.result() for name, job in jobs.items()}
        return self.judge(built, began)

    def archive(self, name: str) -> Path:
        return self.folder / f"{name}.tar"

    def judge(self, built: dict[str, Built], began: float) -> tuple[str, list[str]]:
        said = {name: each.log.strip().splitlines()[-1:] for name, each in built.items() if each.status != 0}
        if "Traceback" in built["dfc"].log:
            return "differ", built["dfc"].log.splitlines()[-30:]
        if len(said) == 1:
            return "differ", [f"{name} refuses: {' '.join(last)}" for name, last in said.items()]
        if said:
            return "refused by both", []
        ours = read_image(self.archive("dfc"))
        lines = compare(ours, read_image(self.archive("buildkit")), "buildkit", began)
        lines = [line for line in lines if not is_of_a_folder(line, ours) and not ENTRY_OF_A_CONTEXT.search(line)]
        return ("differ", lines) if lines else ("same", [])


def is_of_a_folder(line: str, image: Image) -> bool:
    """A folder's time: it is the source's here; BuildKit keeps contexts, and the stage below is older than a build."""
    name, found, _ = line.partition(" mtime: ")
    return bool(found) and image.tree[name]["type"] == "folder"


if __name__ == "__main__":
    sys.exit(main())
