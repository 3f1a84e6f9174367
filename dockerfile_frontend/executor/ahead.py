"""A build that gets ready while its graph is still being made: two processes, on both sides of the namespaces.

    ahead = start_ahead()               # returns twice, as fork does; None where it is not possible or does not pay
    if ahead and ahead.inside:
        job = ahead.receive()           # in the new process, which has entered the namespaces and loads what builds need
    elif ahead:
        with ahead:                     # in the old one; nothing handed over, nothing is built
            ahead.hand_over(job)        # when the graph is there: waits for the build, and ends as it ends

The new process makes its namespaces and loads modules without asking anybody. It goes on when the old one answers it.

Compiling and getting ready take 40 ms each, and machines have two cores. The process that compiles is the one that was called, so
that a fault of the Dockerfile is told as ever, and the other one is gone without having done anything.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .runtime.faults import ContainerError
from .userns import ProcRefusedError, divide, inside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from .userns import Outside

USUAL = (
    ".binfmt", ".build", ".explain", ".exporters.images", ".exporters.layout", ".exporters.outputs", ".exporters.parallel",
    ".files.digest", ".files.run", ".gc", ".layers.ahead", ".layers.compress", ".layers.decompress", ".layers.extract",
    ".layers.imports", ".layers.pack", ".ops.exec_caches", ".ops.exec_run", ".progress.grouped", ".progress.plain", ".runtime.runtime",
    ".snapshots.changes", ".snapshots.overlay", ".sources.image", ".sources.local", ".sources.manifests",
    "dockerfile_frontend.registry.images", "ir_schema.definition", "isal.igzip_lib", "isal.isal_zlib", "pickle", "queue", "socket",
)  # fmt: skip
"""Modules that most builds of something new need; as `import_module` takes them."""


class Ahead:
    """One of the two processes."""

    def __init__(self, outside: Outside | None, pipe: tuple[int, int]) -> None:
        self._outside = outside
        self._read, self._write = pipe
        self.inside = outside is None
        """Whether this is the one in the namespaces."""
        os.close(self._read if outside else self._write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._outside:
            self._outside.give_up()

    def receive(self) -> Any:  # noqa: ANN401  whatever the other one hands over
        """Wait for it."""
        import pickle

        with open(self._read, "rb") as file:
            return pickle.load(file)  # noqa: S301  from the process that made this one

    def hand_over(self, job: object) -> None:
        """Give `job` to the build and end as it ends. Returns where namespaces are refused: whoever needs them will say so."""
        import pickle

        assert self._outside  # noqa: S101  the one that was called
        outside, self._outside = self._outside, None
        try:
            outside.settle()
        except (ContainerError, OSError, ProcRefusedError):
            os.close(self._write)
            return
        with suppress(BrokenPipeError), open(self._write, "wb") as file:  # an ended build is waited for as well
            pickle.dump(job, file, pickle.HIGHEST_PROTOCOL)
        outside.wait()


def start_ahead(*modules: str) -> Ahead | None:
    """Call it while no database is open. None where a second process would be of no use, or in the way of threads.

    `modules` are what the caller wants loaded beside what builds need.
    """
    if inside() or threading.active_count() > 1 or len(os.sched_getaffinity(0)) < 2:
        return None
    pipe = os.pipe()
    outside = divide(first=lambda: load((*USUAL, *modules)))
    ahead = Ahead(outside, pipe)
    if outside:
        outside.release()
    return ahead


def load(modules: Iterable[str]) -> None:
    for name in modules:
        import_module(name, __package__)
