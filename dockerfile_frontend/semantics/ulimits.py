"""Limits of a RUN's process, as github.com/docker/go-units and the reference read them.

parse_ulimit("nofile=1024:2048")   →  ("nofile", 1024, 2048)
check_cpuset("0-3,7")              →  nothing to complain of
"""

from __future__ import annotations

from dockerfile_frontend.gostd.numbers import NumberError, parse_decimal, parse_int
from dockerfile_frontend.gostd.text import quote


class UlimitError(ValueError):
    """Text that is no limit, with the reference's message."""


NAMES = frozenset({
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
    "sigpending", "stack",
})  # fmt: skip

_UNLIMITED = -1
_MAX_CPU = 8192


def parse_ulimit(text: str) -> tuple[str, int, int]:
    """Name, soft and hard limit of name=soft[:hard]; -1 is unlimited."""
    name, equals, limits = text.partition("=")
    if not equals:
        raise UlimitError(f"invalid ulimit argument: {text}")
    if name not in NAMES:
        raise UlimitError(f"invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2:  # noqa: PLR2004  soft and hard
        raise UlimitError(f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`")
    try:
        hard = parse_int(parts[-1], 10, 64)
        soft = parse_int(parts[0], 10, 64)
    except NumberError as error:
        raise UlimitError(str(error)) from None
    wanted = "ulimit soft limit must be less than or equal to hard limit:"
    if hard != _UNLIMITED and soft == _UNLIMITED:
        raise UlimitError(f"{wanted} soft: -1 (unlimited), hard: {hard}")
    if hard != _UNLIMITED and soft > hard:
        raise UlimitError(f"{wanted} {soft} > {hard}")
    return name, soft, hard


def check_cpuset(text: str) -> None:
    """Whether this is a list of CPUs or memory nodes, such as 0-3,7."""
    for part in text.split(","):
        entry = part.strip()
        if entry:
            _check_cpus(entry)


def _check_cpus(entry: str) -> None:
    low, dash, high = entry.partition("-")
    what = "range" if dash else "element"
    try:
        first = parse_decimal(low.strip() if dash else low)
        last = parse_decimal(high.strip()) if dash else first
    except NumberError:
        raise UlimitError(f"invalid cpuset {what} {quote(entry)}") from None
    if first < 0 or last < first:
        raise UlimitError(f"invalid cpuset {what} {quote(entry)}")
    if last > _MAX_CPU:
        raise UlimitError(f"cpuset {what} {quote(entry)} exceeds maximum {_MAX_CPU}")
