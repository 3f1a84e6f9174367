"""What `dfc cache du` and `dfc cache prune` share: the store if there is one, filters, and a table of what is in it.

    --filter kind=step --filter description~=apt        ──▶ a test of one `Usage`; all must hold, of one name any
    --filter kind!=cache --filter until=24h
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.stores import store_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.executor.store import Store
    from dockerfile_frontend.executor.usage import Usage

    Test = Callable[[Usage], bool]

FILTER_FLAG = click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Only what this holds for; may be repeated.")

NAMES = ("kind", "type", "id", "description", "until", "inuse", "shared")
_FILTER = re.compile(r"(\w+)(?:(!=|~=|==|=)(.*))?", re.DOTALL)
_TRUE = ("", "true", "1")
_MOST = 60
"""Characters of a description that are shown."""


@contextmanager
def opened_store(root: str | None, *, make_room: bool = False) -> Iterator[Store | None]:
    """The store; None where there is none yet, and none is made. Its errors become faults."""
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  `--help` needs no executor
    from dockerfile_frontend.executor.store import Store as Opened  # noqa: PLC0415  the same

    place = store_place(root)
    try:
        if not os.path.exists(os.path.join(place, "format")):
            yield None
            return
        with Opened.open(place, make_room=make_room) as store:
            yield store
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint) from error


def read_filters(texts: tuple[str, ...]) -> Test | None:
    """One test for all the filters; None for none. Raises Fault for what is no filter."""
    if not texts:
        return None
    by_name: dict[str, list[Test]] = {}
    for text in texts:
        name, operator, value = _split(text)
        by_name.setdefault(f"{name}{'!' if operator == '!=' else ''}", []).append(_test(name, operator, value, text))

    def holds(item: Usage) -> bool:
        return all(all(t(item) for t in tests) if name.endswith("!") else any(t(item) for t in tests) for name, tests in by_name.items())

    return holds


def _split(text: str) -> tuple[str, str, str]:
    found = _FILTER.fullmatch(text)
    if found is None or found[1] not in NAMES:
        raise Fault(f"--filter {text!r} is not supported", hint=f"filters are {', '.join(NAMES)}", code=EXIT_USAGE)
    return found[1], found[2] or "=", found[3] or ""


def _test(name: str, operator: str, value: str, text: str) -> Test:
    if name == "until":
        return _older_than(value)
    if name in ("inuse", "shared"):
        wanted = (value in _TRUE) != (operator == "!=")
        return lambda item: (item.in_use if name == "inuse" else item.shared) == wanted
    if name in ("kind", "type"):
        _check_kind(value, text)
    if operator == "~=":
        try:
            expression = re.compile(value)
        except re.error as error:
            raise Fault(f"--filter {text!r}: {error}", code=EXIT_USAGE) from None
        return lambda item: any(expression.search(each) for each in _texts(name, item))
    return lambda item: (value in _texts(name, item)) != (operator == "!=")


def _older_than(value: str) -> Test:
    before = time.time() - age(value, "--filter until")
    return lambda item: item.used < before


def _texts(name: str, item: Usage) -> tuple[str, ...]:
    from dockerfile_frontend.executor.usage import KINDS  # noqa: PLC0415  `--help` needs no executor

    match name:
        case "kind" | "type":
            return item.kind, KINDS[item.kind]
        case "id":
            return (item.id,)
        case _:
            return (item.description,)


def _check_kind(value: str, text: str) -> None:
    from dockerfile_frontend.executor.usage import KINDS  # noqa: PLC0415  the same

    if value not in KINDS and value not in KINDS.values():
        raise Fault(f"--filter {text!r}: there is no such kind", hint=f"kinds are {', '.join(KINDS)}", code=EXIT_USAGE)


def age(text: str, flag: str) -> float:
    """Seconds. Raises Fault that names the flag."""
    from dockerfile_frontend.executor.db import StoreError  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.sizes import parse_age  # noqa: PLC0415  the same

    try:
        return parse_age(text)
    except StoreError as error:
        raise Fault(f"{flag}: {error}", hint=error.hint, code=EXIT_USAGE) from None


def print_table(items: list[Usage]) -> None:
    """A line for each."""
    from dockerfile_frontend.executor.sizes import format_size  # noqa: PLC0415  the same

    rows = [("KIND", "ID", "SIZE", "LAST USED", "", "WHAT")]
    for item in items:
        marks = "in use" if item.in_use else "shared" if item.shared else ""
        rows.append((item.kind, _short(item.id), format_size(item.size), _ago(item.used), marks, _line(item.description)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[2] = row[2].rjust(widths[2])
        print("  ".join(cells).rstrip())


def _short(identity: str) -> str:
    return identity.removeprefix("sha256:")[:20]


def _line(text: str) -> str:
    """One line that a terminal takes, whatever is in it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= _MOST else f"{shown[: _MOST - 1]}…"


def _ago(used: float) -> str:
    seconds = time.time() - used
    if not used:
        return ""
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "now"
