"""Runs scenarios on a disk that becomes full.

unshare -m python full.py FOLDER BACKEND      ──▶ one JSON line: for each scenario and room left, what was said, and what was wrong
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.gc import Policy, prune
from dockerfile_frontend.executor.layers.imports import Unpacker, import_chain
from dockerfile_frontend.executor.layers.tarread import Limits
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.executor.syscalls import MS_PRIVATE, MS_REC, mount
from tests.executor.archives import layer_of, tar_of
from tests.executor.store.killed import SCENARIOS, base, faults, listed, run

MIB = 1 << 20
DISK = 40 * MIB
KIB_LEFT = (0, 8, 40, 120, 300)


def large_blob(store: Store) -> None:
    with store.new_blob() as out:
        for _ in range(64):
            out.write(os.urandom(MIB >> 4))


def large_download(store: Store) -> None:
    with store.new_blob(digest_of(b"x"), 4 * MIB) as out:
        for _ in range(64):
            out.write(bytes(MIB >> 4))


def large_layer(store: Store) -> None:
    with store.new_layer(base(store)) as draft:
        Path(draft.path, "large").write_bytes(os.urandom(4 * MIB))


def large_import(store: Store) -> None:
    store.on_unpack(Unpacker(store, print, Limits(spare=0)).unpack)
    store.unpack(import_chain(store, [layer_of(store, tar_of(("large", bytes(4 * MIB))))]))


LARGE: tuple[Callable[[Store], None], ...] = (large_blob, large_download, large_layer, large_import)
"""What needs 4 MiB, and gets 2."""


def large_faults(store: str, filler: Path) -> list[str]:
    found = []
    for scenario in LARGE:
        fill(filler, 2 * MIB)
        try:
            with Store.open(store) as opened:
                scenario(opened)
            found.append(f"{scenario.__name__}: did not fail")
        except ExecutorError as error:
            if str(error) != "no space left on the disk of the store":
                found.append(f"{scenario.__name__}: {error}")
        left = os.statvfs(store)
        if left.f_bavail * left.f_frsize < 3 * MIB // 2:
            found.append(f"{scenario.__name__}: what it wrote is left")
        filler.unlink()
        found += [f"{scenario.__name__}: {each} is left" for each in faults(store)]
    return found


def fill(path: Path, leave: int) -> None:
    """Use the disk up but for some bytes."""
    with path.open("wb", buffering=0) as file:
        free = os.statvfs(path.parent)
        size = max(0, free.f_bavail * free.f_frsize - leave)
        os.posix_fallocate(file.fileno(), 0, size) if size else None


def attempt(scenario: str, store: str, backend: str) -> str:
    try:
        run(scenario, store, backend)
    except ExecutorError as error:
        return f"{error} [{error.hint}]"
    return "done"


def prune_when_full(store: str, filler: Path) -> list[str]:
    """On a disk without a byte left, what builds left can still be removed."""
    with Store.open(store) as opened, opened.new_layer(description="large") as draft:
        Path(draft.upper, "large").write_bytes(bytes(MIB))
    fill(filler, 0)
    try:
        with Store.open(store, make_room=True) as opened:
            gone = prune(opened, Policy(matches=lambda item: item.description == "large"))
    except ExecutorError as error:
        return [f"nothing can be removed from a full disk: {error}"]
    finally:
        filler.unlink()
    return [] if [item.size >= MIB for item in gone] == [True] else ["a large layer was not removed from a full disk"]


def main(folder: str, backend: str) -> dict[str, object]:
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", folder, "tmpfs", data=f"size={DISK}")
    store, filler = f"{folder}/store", Path(folder, "filler")
    with Store.open(store, backend=backend) as opened:
        before = listed(opened, base(opened))
    said: dict[str, list[str]] = {}
    wrong = []
    for scenario in SCENARIOS:
        said[scenario] = []
        for kib in KIB_LEFT:
            fill(filler, kib << 10)
            said[scenario].append(attempt(scenario, store, backend))
            filler.unlink()
            wrong += [f"{scenario} with {kib} KiB: {each} is left" for each in faults(store)]
            with Store.open(store, backend=backend) as opened:
                if listed(opened, base(opened)) != before:
                    wrong.append(f"{scenario} with {kib} KiB: what was built before is lost")
        said[scenario].append(attempt(scenario, store, backend))
    wrong += prune_when_full(store, filler) + large_faults(store, filler)
    return {"said": said, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
