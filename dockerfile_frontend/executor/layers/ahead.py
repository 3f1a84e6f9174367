"""Work on pieces in one thread while another makes the next ones.

    for chunk in ahead(chunks): …        # the same chunks, in order; at most `DEPTH` are made before they are taken
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 4
WORTH_A_THREAD = 1 << 18
"""Bytes of a first piece that promises more."""


def ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks`, made by a thread of their own when there is much of them. What they raise is raised here."""
    first = next(chunks, None)
    if first is None:
        return
    if len(first) < WORTH_A_THREAD:
        yield first
        yield from chunks
        return
    yield from _by_thread(first, chunks)


def _by_thread(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    import queue
    import threading

    line: queue.Queue[bytes | BaseException | None] = queue.Queue(DEPTH)
    stop = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        while not stop.is_set():
            try:
                line.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for chunk in chunks:
                put(chunk)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the chunks are taken
            put(error)

    thread = threading.Thread(target=read, name="ahead", daemon=True)
    thread.start()
    try:
        yield first
        while (item := line.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
