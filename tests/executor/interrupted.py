"""Runs in a process of its own: short builds, each stopped by one signal at some moment.

interrupted.py ROUNDS SEED    prints how many KeyboardInterrupts came out, and how many threads and descriptors were left
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from dockerfile_frontend.executor.interrupts import run_threads


class Build:
    """Threads that wait for each other all the time, as the solver's do, until they are stopped."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.stopped = False
        self.turn = 0

    def work(self) -> None:
        while True:
            with self.changed:
                if self.stopped:
                    return
                self.turn += 1
                self.changed.notify_all()
                if self.turn % 3 == 0:
                    self.changed.wait(0.001)

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


def send_signals(orders: int, seed: str) -> None:
    """A process that sends one signal for each byte it reads, a little later."""
    dice = random.Random(seed)
    while os.read(orders, 1):
        time.sleep(dice.random() ** 3 * 0.003)
        os.kill(os.getppid(), dice.choice([signal.SIGINT, signal.SIGTERM]))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def main(rounds: str, seed: str) -> None:
    orders, order = os.pipe()
    if os.fork() == 0:
        os.close(order)
        send_signals(orders, seed)
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = descriptors()
    interrupted = 0
    for _ in range(int(rounds)):
        build = Build()
        try:
            os.write(order, b"x")
            run_threads(build.work, 3, build.stop)
        except KeyboardInterrupt:
            interrupted += 1
    print(interrupted, threading.active_count() - 1, descriptors() - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
