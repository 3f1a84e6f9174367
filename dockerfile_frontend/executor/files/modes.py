"""Symbolic modes, as chmod(1) of BSD takes them and BuildKit with it.

    parse_mode("u=rwX,go-w")(0o644, is_directory=False)       ──▶ 0o644
    parse_mode("a+X")(0o644, is_directory=True)               ──▶ 0o755

mode = clause {"," clause}; clause = {who} action {action}; who = "u" | "g" | "o" | "a"; action = ("+" | "-" | "=") {permission};
permission = "r" | "w" | "x" | "X" | "s" | "t" | "u" | "g" | "o". The umask is 0. A number is the mode itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dockerfile_frontend.executor.db import StoreError

Change = Callable[..., int]
"""change(mode, is_directory=…) -> mode; 12 bits each."""

_EVERYBODY = 0o6777
_WHO = {"a": _EVERYBODY, "u": 0o4700, "g": 0o2070, "o": 0o0007}
_OTHERS, _SET_ID, _STICKY, _EXECUTE = 0o0007, 0o6000, 0o1000, 0o0111
_PLAIN = {"r": 0o444, "w": 0o222, "x": _EXECUTE}
_TRIPLES = {"u": 6, "g": 3, "o": 0}
"""How far each triple of bits is from the right."""

_Step = tuple[str, int]
"""What to do, and with which bits: + - X; or "u=" and the like, copying a triple into these bits."""


class ModeError(StoreError):
    """A mode that is none, in BuildKit's words."""

    def __init__(self, message: str = "invalid syntax") -> None:
        super().__init__(message)


def parse_mode(text: str) -> Change:
    """What the mode does to another. Raises ModeError."""
    if text[:1].isdigit():
        if text.strip("01234567"):
            raise ModeError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if len(text) > 12 or int(text, 8) > 0o7777:
            raise ModeError
        return partial(_apply, [("-", 0o7777), ("+", int(text, 8))])
    return partial(_apply, [step for clause in text.split(",") for step in _parse_clause(clause)])


def _parse_clause(clause: str) -> list[_Step]:
    rest = clause.lstrip("ugoa")
    who = 0
    for letter in clause[: len(clause) - len(rest)]:
        who |= _WHO[letter]
    if not rest:
        raise ModeError
    steps: list[_Step] = []
    while rest:
        operator, rest = rest[0], rest[1:]
        if operator not in "+-=":
            raise ModeError
        tail = rest.lstrip("rwxXstugo")
        names, rest = rest[: len(rest) - len(tail)], tail
        _add_action(steps, operator, who, names)
    return steps


def _add_action(steps: list[_Step], operator: str, who: int, names: str) -> None:
    """Add the steps of one operator. A sticky bit is for itself: with nobody named, what stands beside it is for nobody.

    "=" clears once for each run of plain permissions, so that "o=gw" is "o=w": BSD's quirk.
    """
    bits = execute = 0
    clears = operator == "="
    for name in names:
        if name in _TRIPLES:
            if bits:
                _add_plain(steps, operator, who, bits)
            _add_plain(steps, "X", who, execute)
            bits = execute = 0
            clears = False
            steps.append((name + operator, _whole_triples(who)))
        elif name == "X" and operator != "-":
            execute = _EXECUTE
        elif name in "st":
            if not who or who & ~_OTHERS:  # neither means anything for others alone
                bits |= _STICKY if name == "t" else _SET_ID
                who |= _STICKY if name == "t" else 0
        else:
            bits |= _PLAIN[name.lower()]
    if bits or clears:
        _add_plain(steps, operator, who, bits)
    _add_plain(steps, "X", who, execute)


def _add_plain(steps: list[_Step], operator: str, who: int, bits: int) -> None:
    if operator == "=":
        steps.append(("-", who or _EVERYBODY))
        operator = "+"
    if bits:
        steps.append((operator, bits & (who or 0o7777)))


def _whole_triples(who: int) -> int:
    found = sum(7 << at for name, at in _TRIPLES.items() if who & _WHO[name] & 0o444)
    return found or (0 if who else 0o777)


def _apply(steps: list[_Step], mode: int, *, is_directory: bool) -> int:
    executable = is_directory or mode & _EXECUTE
    for step, bits in steps:
        if step == "+" or (step == "X" and executable):
            mode |= bits
        elif step == "-":
            mode &= ~bits
        elif step != "X":
            triple = mode >> _TRIPLES[step[0]] & 7
            copied = (triple << 6 | triple << 3 | triple) & bits
            mode = {"+": mode | copied, "-": mode & ~copied, "=": mode & ~bits | copied}[step[1]]
    return mode
