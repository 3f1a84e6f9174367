"""Several jobs of an export at once, ended soon when one fails or a signal comes."""

from __future__ import annotations

from collections import deque
from threading import Event
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.interrupts import run_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockerfile_frontend.executor.machine import Machine


def side_by_side(jobs: Iterable[Callable[[], object]], count: int, machine: Machine, failed: Event | None = None) -> None:
    """Do all jobs, `count` at once, none of them on this thread. Raises what the first that failed raised, or KeyboardInterrupt.

    After a signal `machine.stopped` is set, after a fault `failed`, which jobs that take long look at.
    """
    waiting = deque(jobs)
    failed = failed or Event()

    def work() -> None:
        while waiting and not (failed.is_set() or machine.stopped.is_set()):
            try:
                job = waiting.popleft()
            except IndexError:  # another thread took it
                return
            try:
                job()
            except BaseException:
                failed.set()
                raise

    def stop() -> None:
        if not failed.is_set():
            machine.stop()

    if waiting:
        run_threads(work, min(count, len(waiting)), stop)
