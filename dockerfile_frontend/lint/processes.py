"""Files shared out to processes, their reports in order.

in_processes(paths, wishes, 4)  ──▶  reports as `run` gives them, up to four times as fast
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.run import lint_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dockerfile_frontend.lint.run import Report, Wishes

_CHUNK = 4
"""Files a process takes at once."""


def in_processes(paths: Sequence[str], wishes: Callable[[str], Wishes], jobs: int) -> Iterator[Report]:
    """Processes are forked, so that they have what is loaded and need no copy of the wishes."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(jobs, len(paths)), context, _begin, (wishes,)) as pool:
        try:
            yield from pool.map(_lint, paths, chunksize=_CHUNK)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_given: list[Callable[[str], Wishes]] = []


def _begin(wishes: Callable[[str], Wishes]) -> None:
    _given[:] = [wishes]


def _lint(path: str) -> Report:
    return lint_path(path, _given[0](path))
