"""One of many processes on one store.

python crowd.py STORE NUMBER      everything that killed.py knows, in an order of its own
python crowd.py STORE once        makes a layer under a lock, unless somebody has
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor.gc import Policy, prune
from dockerfile_frontend.executor.store import Store
from tests.executor.store.killed import SCENARIOS, file_op, importing, packing, recording, step

ROUNDS = 3


def mix(path: str, number: int) -> None:
    chance = random.Random(number)
    want: dict[str, str] = {}
    for _ in range(ROUNDS):
        for scenario in chance.sample([file_op, step, packing, importing, recording], 5):
            with Store.open(path) as store:
                got = scenario(store)
            if want.setdefault(scenario.__name__, got) != got:
                raise SystemExit(f"{scenario.__name__}: {got!r} after {want[scenario.__name__]!r}")
        with Store.open(path) as store:
            prune(store, Policy(precious=True) if number % 2 else Policy(keep_bytes=300_000))


def once(path: str) -> str:
    with Store.open(path) as store, store.exclusive("key"):
        if store.recall("test", "made") is not None:
            return "found"
        SCENARIOS["step"](store)
        store.remember("test", "made", "yes")
        return "made"


if __name__ == "__main__":
    if sys.argv[2] == "once":
        print(once(sys.argv[1]), end="")
    else:
        mix(sys.argv[1], int(sys.argv[2]))
