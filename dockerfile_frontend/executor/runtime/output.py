"""What of a step's output is handed on: secrets masked, and a flood cut short.

    run() prints 900 MiB  ──▶  the first 256 MiB, "[output clipped, log limit 256 MiB reached]", the last 64 KiB

The reference clips a step at 2 MiB and 200 KiB a second, and so loses what people look for. Ours are whole on disk; the limit is
there for steps that never stop printing.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.redact import passwords
from dockerfile_frontend.executor.secrets import Redactor

from .container import SecretFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from .container import ContainerSpec
    from .process import OnData

MAX_OUTPUT = 256 << 20
"""Bytes of a step, both streams together."""

TAIL = 64 << 10


class Clipper:
    """Hands on up to `limit` bytes, and at the end the last of what came after them."""

    def __init__(self, on_data: OnData, limit: int) -> None:
        self._on_data = on_data
        self._limit = limit
        self._left = limit
        self._clipped = False
        self._tail: deque[tuple[int, bytes]] = deque()
        self._kept = 0

    def feed(self, stream: int, data: bytes) -> None:
        if self._left:
            ready, data = data[: self._left], data[self._left :]
            self._left -= len(ready)
            self._on_data(stream, ready)
        if data:
            if not self._clipped:
                self._clipped = True
                self._on_data(2, f"\n[output clipped, log limit {self._limit >> 20} MiB reached]\n".encode())
            self._keep(stream, data[-TAIL:])

    def flush(self) -> None:
        for stream, data in self._tail:
            self._on_data(stream, data)

    def _keep(self, stream: int, data: bytes) -> None:
        self._tail.append((stream, data))
        self._kept += len(data)
        while self._kept - len(self._tail[0][1]) >= TAIL:
            self._kept -= len(self._tail.popleft()[1])


def shown(spec: ContainerSpec, on_data: OnData, limit: int, run: Callable[[OnData], int | None]) -> int | None:
    """Call `run` with what shows output as it should be shown; its result."""
    clipper = Clipper(on_data, limit)
    values = [mount.value for mount in spec.mounts if isinstance(mount, SecretFile)]
    values += [os.fsencode(value) for _, value in spec.process.secret_env]
    values += [os.fsencode(value) for entry in spec.process.env for value in passwords(entry)]
    redactor = Redactor(values)

    def show(stream: int, data: bytes) -> None:
        if ready := redactor.feed(stream, data):
            clipper.feed(stream, ready)

    code = run(show)
    for stream in (1, 2):
        if rest := redactor.flush(stream):
            clipper.feed(stream, rest)
    clipper.flush()
    return code
