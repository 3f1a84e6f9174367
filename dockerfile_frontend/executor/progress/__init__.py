"""What a build shows while it runs: `--progress auto|tty|plain|rawjson|quiet`.

open_progress("plain", stream, logs) ──▶ Events; `logs` keeps every step's output on disk, whole
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from dockerfile_frontend.executor.solver.events import Events, Silent
from dockerfile_frontend.executor.solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .logs import StepLogs

Mode = Literal["auto", "tty", "plain", "rawjson", "quiet"]
MODES: tuple[Mode, ...] = ("auto", "tty", "plain", "rawjson", "quiet")


class Display(Events, Protocol):
    """Events that are shown, until closed."""

    def close(self) -> None:
        """Show what is pending and give the terminal back. May be called twice."""


@contextlib.contextmanager
def open_progress(mode: Mode, stream: TextIO, logs: StepLogs) -> Iterator[Events]:
    """The display for `mode`; "auto" is the live tree on a terminal and plain lines elsewhere.

    Raises ExecutorError for "tty" without a terminal.
    """
    if mode == "quiet":
        yield logs.recording(Silent())
        return
    display = _make(mode, stream)
    try:
        yield logs.recording(display)
    finally:
        display.close()


def _make(mode: Mode, stream: TextIO) -> Display:
    terminal = stream.isatty()
    if mode == "rawjson":
        from .rawjson import RawJson

        return RawJson(stream)
    if mode == "tty" or (mode == "auto" and terminal):
        if not terminal:
            raise ExecutorError("failed to get console: standard error is not a terminal", hint="use --progress=plain")
        from .tree import LiveTree

        return LiveTree(stream)
    from .plain import PlainLines

    return PlainLines(stream)
