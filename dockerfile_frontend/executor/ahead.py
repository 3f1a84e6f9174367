"""A build that gets ready while its graph is still being made: two processes, on both sides of the namespaces.

    ahead = start_ahead()               # returns twice, as fork does; None where it is not possible or does not pay
    if ahead and ahead.inside:
        job = ahead.receive()           # in the new process, which has entered the namespaces and loads what builds need
    elif ahead:
        ahead.hand_over(job)            # in the old one, when the graph is there: waits for the build, and ends as it ends

Compiling and getting ready take 40 ms each, and machines have two cores. The process that compiles is the one that was called, so
that a fault of the Dockerfile is told as ever, and the other one is gone without having done anything.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from .runtime.faults import ContainerError

if TYPE_CHECKING:
    from .userns import Outside

USUAL = (
    "exporters.layout", "exporters.images", "exporters.outputs", "files.digest", "files.run", "gc", "layers.imports", "layers.pack",
    "layers.extract", "ops.exec_run", "progress.plain", "runtime.runtime", "sources.image", "sources.local",
)  # fmt: skip
"""Modules of this package that most builds of something new need."""


class Ahead:
    """One of the two processes."""

    def __init__(self, outside: Outside | None, pipe: tuple[int, int]) -> None:
        self._outside = outside
        self._read, self._write = pipe
        os.close(self._read if outside else self._write)

    @property
    def inside(self) -> bool:
        """Whether this is the one in the namespaces."""
        return self._outside is None

    def receive(self) -> Any:  # noqa: ANN401  whatever the other one hands over
        """Load what builds need, then wait. Ends the process when nothing comes."""
        for name in USUAL:
            import_module(f"{__package__}.{name}")
        import pickle

        with open(self._read, "rb") as file:
            data = file.read()
        if not data:
            os._exit(0)
        return pickle.loads(data)  # noqa: S301  from the process that made this one

    def hand_over(self, job: object) -> NoReturn:
        """Give `job` to the build and end as it ends."""
        import pickle

        assert self._outside  # noqa: S101  the one that was called
        with suppress(BrokenPipeError), open(self._write, "wb") as file:  # an ended build is waited for as well
            file.write(pickle.dumps(job, pickle.HIGHEST_PROTOCOL))
        self._outside.wait()

    def give_up(self) -> None:
        """There is nothing to build."""
        assert self._outside  # noqa: S101  the one that was called
        os.close(self._write)
        self._outside.end()


def start_ahead() -> Ahead | None:
    """Call it while no database is open. None where namespaces are refused, too: whoever needs them will say so."""
    import threading

    from . import userns

    if userns.inside() or threading.active_count() > 1 or len(os.sched_getaffinity(0)) < 2:
        return None
    pipe = os.pipe()
    try:
        outside = userns.divide()
    except (ContainerError, OSError):
        for fd in pipe:
            os.close(fd)
        return None
    ahead = Ahead(outside, pipe)
    if outside:
        outside.release()
    return ahead
