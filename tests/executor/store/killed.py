"""Kills a process at each of its writes in turn, and looks at the store it leaves.

    python killed.py SCENARIO STORE BACKEND MOST      ──▶ one JSON line: how many writes, and what was wrong after which

Every call that changes a file or the database counts as a write. A forked child runs the scenario and is killed with SIGKILL just
before its n-th; then the scenario is run once more, undisturbed, and has to end well. The hooks live here alone.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.db import Database
from dockerfile_frontend.executor.gc import Policy, prune
from dockerfile_frontend.executor.layers.imports import Unpacker, import_chain
from dockerfile_frontend.executor.layers.pack import pack
from dockerfile_frontend.executor.orphans import sweep_orphans
from dockerfile_frontend.executor.snapshots import snapshotter
from dockerfile_frontend.executor.solver.keys import Key, Part
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.solver.records import Known, Records
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import layer_of, tar_of
from tests.executor.files.filecases import run_lines
from tests.executor.trees import list_tree, make_tree

WRITES = (
    "write", "rename", "replace", "mkdir", "rmdir", "unlink", "link", "symlink", "mknod", "chmod", "fchmod", "chown", "fchown",
    "utime", "truncate", "ftruncate", "setxattr", "removexattr", "copy_file_range", "makedirs", "listdir",
)  # fmt: skip
BASE = 'a "text"\nd/\nd/one "1"\nd/two "2"'
TAR = tar_of(
    ("d/", {"mode": 0o700}),
    ("d/new", b"n" * 3000),
    ("d/.wh.one", b""),
    ("l", "-> d"),
    ("h", "= d/new"),
    ("x/y/z", b"deep"),
)
DATA = b"downloaded" * 400


class Writes:
    """Counts the writes of this process; kills it before one of them."""

    def __init__(self, fatal: int) -> None:
        self.count = 0
        self.fatal = fatal
        for name in WRITES:
            setattr(os, name, self._counted(getattr(os, name)))
        counted: Any = self._counted(Database.execute)
        Database.execute = counted  # type: ignore[method-assign]

    def _counted(self, function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def call(*arguments: object, **more: object) -> object:
            self.count += 1
            if self.count == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **more)

        return call


def base(store: Store) -> tuple[str, ...]:
    """The layer that was built before; made in the first run."""
    known = store.recall("test", "base")
    if known is None or not store.acquire([known]):
        with store.new_layer(description="base") as draft:
            make_tree(Path(draft.upper), BASE)
        store.remember("test", "base", draft.layer)
        return (draft.layer,)
    return (known,)


def listed(store: Store, layers: tuple[str, ...]) -> str:
    with store.view(layers) as view:
        return list_tree(view.fd)


def file_op(store: Store) -> str:
    below = base(store)
    lines = 'mkdir /n/m 0700 parents\nmkfile /n/f "x"\ncopy /d /n/copy from=base make contents\nrm /d/one'
    return listed(store, run_lines(store, lines, below=below))


def step(store: Store) -> str:
    below = base(store)
    with store.new_layer(below, "a step") as draft:
        root = Path(draft.path)
        (root / "new").write_text("n")
        (root / "d/one").unlink()
        (root / "a").write_text("changed")
    return listed(store, (*below, draft.layer))


def packing(store: Store) -> str:
    return pack(store, base(store)[0]).diff_id


def fetching(store: Store) -> str:
    with store.new_blob(digest_of(DATA), len(DATA)) as out:
        for at in range(out.offset, len(DATA) if not out.done else 0, 1000):
            out.write(DATA[at : at + 1000])
    return digest_of(Path(store.keep_blob(digest_of(DATA)) or "").read_bytes())


def importing(store: Store) -> str:
    below = tar_of(("d/", {}), ("d/one", b"1"))
    layers = import_chain(store, [layer_of(store, below), layer_of(store, TAR)])
    store.on_unpack(Unpacker(store, print).unpack)
    return listed(store, layers)


def flattening(store: Store) -> str:
    snapshotter.DEEPEST, snapshotter.MADE_ONE = 3, 2
    layers = base(store)
    for number in range(4):
        with store.new_layer(layers) as draft:
            Path(draft.upper, f"f{number}").touch()
        layers = (*layers, draft.layer)
    return "\n".join(line.split(" ")[0] for line in listed(store, layers).splitlines())


def recording(store: Store) -> str:
    records = Records(store.db)
    layers = base(store)
    records.add(
        Known("r", (Tree(layers),), "r"),
        [Key("k1", (Part("op", "x"),), "definition"), Key("k2", (Part("op", "y"),), "content")],
    )
    found = records.find("k2")
    cache, _ = store.cache_directory("npm")
    return f"{found is not None and found.outputs == (Tree(layers),)} {os.path.isdir(cache)}"


def collecting(store: Store) -> str:
    kept = base(store)
    for number in range(3):
        with store.new_layer(description=f"old {number}") as draft:
            Path(draft.upper, "f").write_bytes(bytes(9000))
    pack(store, draft.layer)
    store.cache_directory("npm")
    with store.db.transaction():
        store.db.execute("DELETE FROM lease WHERE NOT (kind = 'layer' AND name = ?)", kept)
    prune(store, Policy(precious=True))
    return listed(store, kept)


SCENARIOS: dict[str, Callable[[Store], str]] = {
    "collecting": collecting,
    "fetching": fetching,
    "file-op": file_op,
    "flattening": flattening,
    "importing": importing,
    "packing": packing,
    "recording": recording,
    "step": step,
}


def run(scenario: str, path: str, backend: str) -> str:
    with Store.open(path, backend=backend) as store:
        return SCENARIOS[scenario](store)


def killed(scenario: str, path: str, backend: str, fatal: int) -> int:
    """Run it in a child that is killed before a write; how many it made when it was not."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        writes = Writes(fatal)
        code = 1
        try:
            run(scenario, path, backend)
            code = 0
        finally:
            writes.fatal = 0
            os.write(told, f"{writes.count}".encode())
            os._exit(code)
    os.close(told)
    count = os.read(heard, 100)
    os.close(heard)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the undisturbed child failed before write {fatal}")
    return int(count or 0)


def faults(path: str) -> list[str]:
    """What is left in the store that should not be."""
    found = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if path in line]
    with Store.open(path) as store:
        found += [f"work/{name}" for name in os.listdir(f"{path}/work")]
        found += [f"ingest/{name}" for name in os.listdir(f"{path}/ingest") if not name.endswith(".partial")]
        drafts = store.db.execute("SELECT count(*) FROM layer WHERE state = 'draft'").fetchone()[0]
        leases = store.db.execute("SELECT count(*) FROM lease WHERE session <> ?", (store.session.name,)).fetchone()[0]
        found += [f"{drafts} drafts"] * bool(drafts) + [f"{leases} leases"] * bool(leases)
        sweep_orphans(store)
        rows = {str(number) for (number,) in store.db.execute("SELECT id FROM layer WHERE state = 'ready'")}
        found += [f"layers/{name}" for name in {*os.listdir(f"{path}/layers")} ^ rows]
        found += [f"locks/{name}" for name in os.listdir(f"{path}/locks")]
        if store.db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            found.append("the database is damaged")
    return found


def main(scenario: str, path: str, backend: str, most: int) -> dict[str, object]:
    fresh = f"{path}-first"
    want = run(scenario, fresh, backend)
    total = killed(scenario, f"{path}-count", backend, 0)
    steps = range(1, total + 1) if total <= most else [1 + round(at * (total - 1) / (most - 1)) for at in range(most)]
    wrong = []
    for at in steps:
        store = f"{path}-{at}"
        killed(scenario, store, backend, at)
        try:
            got = run(scenario, store, backend)
        except Exception as error:  # noqa: BLE001 - whatever it is
            got = f"{type(error).__name__}: {error}"
        if got != want:
            wrong.append(f"before write {at}: {got!r} instead of {want!r}")
        wrong += [f"before write {at}: {each} is left" for each in faults(store)]
    return {"writes": total, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
