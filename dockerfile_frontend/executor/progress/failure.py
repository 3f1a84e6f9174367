"""What is shown of a step that failed: its log, and where it stands in the file it was compiled from.

    ------
     > [2/3] RUN make:
    cc: error: main.c: No such file or directory
    ------
    Dockerfile:5
    --------------------
       3 |     WORKDIR /src
       4 |     COPY . .
       5 | >>> RUN make
    --------------------
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.executor.solver.model import StepError
    from ir_schema.definition import Definition
    from ir_schema.ops import Location, SourceInfo

    from .logs import StepLogs

WHOLE_LOG = 256 << 10
"""Bytes of a log that are shown; of a longer one the end, and where the rest is."""
SHORT_LOG = 10
"""Lines that are repeated where the whole log has been printed already."""
SHORT_BYTES = 16 << 10
ALONE, TOGETHER = 4, 2
"""Lines shown beside one line, or several, of the source."""


def failure_lines(error: StepError, definitions: Sequence[Definition], logs: StepLogs, *, whole: bool) -> Iterator[str]:
    """The lines about a failed step. `whole` shows all of its log, for when nobody has seen it yet."""
    yield "------"
    yield f" > {printable(error.name)}:"
    yield from _log_lines(error.digest, logs, whole=whole)
    yield "------"
    for definition in definitions:
        if error.digest in definition.vertices:
            yield from excerpt(definition, error.digest)
            return


def _log_lines(digest: str, logs: StepLogs, *, whole: bool) -> Iterator[str]:
    size = logs.size(digest)
    limit = WHOLE_LOG if whole else SHORT_BYTES
    text = b"".join(logs.read(digest, max(0, size - limit))).decode("utf-8", "replace")
    lines = text.removesuffix("\n").split("\n") if text else []
    if size > limit:
        lines = lines[1:]  # the first is cut
    if not whole:
        lines = lines[-SHORT_LOG:]
    elif size > limit:
        yield f"[the last {limit >> 10} KiB; the whole log is {logs.path(digest)}]"
    if logs.fault:
        yield f"[the log is not whole: {logs.fault}]"
    for line in lines:
        yield printable(line.rstrip("\r").rpartition("\r")[2])


def excerpt(definition: Definition, digest: str) -> Iterator[str]:
    """The lines of the source that a vertex was made of, with some around them; nothing when the graph does not say."""
    source = definition.source
    found = source.locations.get(digest) if source else None
    if source and found:
        for location in found.locations:
            yield from _excerpt(source.infos, location)


def _excerpt(infos: Sequence[SourceInfo], location: Location) -> Iterator[str]:
    spans = [(r.start.line, max(r.start.line, r.end.line)) for r in location.ranges if r.start and r.end]
    if not 0 <= location.source_index < len(infos) or not spans:
        return
    info = infos[location.source_index]
    source = info.data.decode("utf-8", "replace").split("\n")
    first, last = min(start for start, _ in spans), min(max(end for _, end in spans), len(source))
    if not 1 <= first <= last:
        return
    yield f"{printable(info.filename)}:{first}"
    yield "--------------------"
    start, end = _widened(first, last, len(source))
    for number in range(start, end + 1):
        mark = ">>>" if any(a <= number <= b for a, b in spans) else "   "
        yield f" {number:>3} | {mark} {printable(source[number - 1])}"
    yield "--------------------"


def _widened(start: int, end: int, count: int) -> tuple[int, int]:
    """As the reference widens it: one more line on each side where there is one, until so many more are shown."""
    wanted, added = (ALONE if start == end else TOGETHER), 0
    while added < wanted:
        more = (start > 1) + (end < count)
        start, end = max(1, start - 1), min(count, end + 1)
        added += more + 1
    return start, end
