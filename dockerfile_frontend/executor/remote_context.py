"""Files of a build context that is no folder, which a frontend has to read before there is a build.

    digest = take_upload(root, sys.stdin.buffer, b"")        a tar on standard input becomes a blob: http://buildkit-session/…
    with opened_context(job, definition, display) as files:  a graph of a git or HTTP source is brought
        files.read("Dockerfile", 16 << 20)                   links are followed inside the context alone
    build(replace(job, pins=files.pins, targets=…), display)    builds from what was read, whatever the branch is by now
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .solver.model import ExecutorError, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from ir_schema.definition import Definition

    from .build import Display
    from .files.source import Source
    from .job import BuildJob
    from .machine import Machine
    from .solver.model import Result
    from .sources.pin import Pin

PIECE = 1 << 20
HEAD = 1024
"""First bytes of a file by which an archive is known, as many as the reference looks at."""


class ContextFiles:
    """The files, for as long as they are open."""

    def __init__(self, source: Source, pins: Mapping[str, Pin]) -> None:
        self._source = source
        self.pins = pins
        """What the sources were found to be, by vertex."""

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's content; None when there is none. Raises ExecutorError for what is too long or something else."""
        from .files.source import read_file

        return read_file(self._source, path, limit)

    def is_archive(self, path: str) -> bool:
        """Whether a file is a tar, compressed or not, by its first bytes."""
        import os

        from .files.source import open_file

        try:
            fd = open_file(self._source.locate(self._source.resolve(path)))
        except FileNotFoundError:
            return False
        try:
            return is_archive(os.read(fd, HEAD))
        finally:
            os.close(fd)


def is_archive(start: bytes) -> bool:
    """Whether a file that begins like this is a tar or compressed."""
    from dockerfile_frontend.registry.tarindex import BLOCK, is_sound

    from .layers.decompress import detect

    return detect(start) != "uncompressed" or (len(start) >= BLOCK and is_sound(start[:BLOCK]))


def take_upload(root: str, stream: BinaryIO, start: bytes) -> str:
    """Keep `start` and what follows in the stream as a blob of the store in `root`; its digest. Raises ExecutorError."""
    from .store import Store

    try:
        with Store.open(root) as store, store.new_blob() as out:
            out.write(start)
            while piece := stream.read(PIECE):
                out.write(piece)
    except OSError as error:
        raise ExecutorError(f"the build context on standard input cannot be kept: {error.strerror}") from None
    return out.digest


@contextmanager
def opened_context(job: BuildJob, definition: Definition, display: Display) -> Iterator[ContextFiles]:
    """The files that a graph gives; of `job` the store and the session count. Raises ExecutorError.

    Namespaces are entered when there is something to do, as in `build`: call it while there is one thread.
    """
    from .build import opened
    from .solve import outputs_of, solve
    from .solver.plan import make_plan

    with opened(job) as machine:
        plan = make_plan([definition], machine)
        pins = dict(machine.sources.pins)
        if not plan.work:
            with _reading(outputs_of(plan, [definition])[0], machine) as source:
                yield ContextFiles(source, pins)
            return
    from .userns import enter

    enter()
    with display() as events, opened(job) as machine:
        machine.events = events
        machine.sources.adopt(pins)
        with _reading(solve([definition], machine)[0], machine) as source:
            yield ContextFiles(source, dict(machine.sources.pins))


@contextmanager
def _reading(result: Result, machine: Machine) -> Iterator[Source]:
    from .files.source import TreeSource

    if not isinstance(result, Tree):
        raise ExecutorError("a directory of the client is no remote context")
    with machine.store.view(result.layers) as view, TreeSource(view.fd) as source:
        yield source
