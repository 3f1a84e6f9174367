"""What a build shows while it runs: `--progress auto|tty|plain|rawjson|quiet`.

open_progress("plain", stream, logs) ──▶ Events; `logs` keeps every step's output on disk, whole
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from dockerfile_frontend.executor.solver.events import Events, Silent
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Mode = Literal["auto", "tty", "plain", "rawjson", "quiet"]
MODES: tuple[Mode, ...] = ("auto", "tty", "plain", "rawjson", "quiet")


class Warned(Record):
    """A finding about the source file, for displays that machines read."""

    text: str
    """As a person reads it, with its excerpt."""
    short: str
    filename: str
    source: bytes
    """All of the file."""
    lines: tuple[tuple[int, int], ...] = ()
    """First and last line, counted from 1."""
    url: str = ""


class Display(Events, Protocol):
    """Events that are shown, until closed."""

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        """Findings about the source file, before anything runs."""

    def close(self) -> None:
        """Show what is pending and give the terminal back. May be called twice."""


class Quiet(Silent):
    """Nothing is shown."""

    def warned(self, warnings: tuple[Warned, ...]) -> None:
        pass

    def close(self) -> None:
        pass


def settle_mode(mode: Mode, stream: TextIO, environment: Mapping[str, str] = os.environ) -> Mode:
    """What "auto" means here: the live tree on a terminal that can move its cursor, plain lines elsewhere.

    Raises ExecutorError for "tty" without a terminal.
    """
    terminal = stream.isatty()
    if mode == "tty" and not terminal:
        raise ExecutorError("failed to get console: standard error is not a terminal", hint="use --progress=plain")
    if mode == "auto":
        return "tty" if terminal and environment.get("TERM", "dumb") != "dumb" else "plain"
    return mode


def open_display(mode: Mode, stream: TextIO, before: int = 0, *, early: bool = False) -> Display:
    """The display of a settled mode. It starts no thread before the first `planned`.

    `before` says how many steps another has shown; an `early` one shows what another goes on from.
    """
    match mode:
        case "quiet":
            return Quiet()
        case "rawjson":
            from .rawjson import RawJson

            return RawJson(stream)
        case "tty":
            from .grouped import Grouped
            from .tree import LiveTree

            return Grouped(LiveTree(stream, early=early))
        case _:
            from .grouped import Grouped
            from .plain import PlainLines

            return Grouped(PlainLines(stream, before))
