"""Signals by name or number, as STOPSIGNAL takes them.

    parse_signal("SIGTERM")   →  15
    parse_signal("rtmin+3")   →  37
    parse_signal("0")         →  SignalError: invalid signal: 0
"""

from __future__ import annotations

from dockerfile_frontend.gostd.numbers import NumberError, parse_decimal

_FROM_ONE = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
)  # fmt: skip
_OTHER_NAMES = {"IOT": 6, "CLD": 17, "POLL": 29}
_RTMIN, _RTMAX = 34, 64
SIGNALS = {
    **{name: number for number, name in enumerate(_FROM_ONE, start=1)},
    **_OTHER_NAMES,
    "RTMIN": _RTMIN,
    **{f"RTMIN+{offset}": _RTMIN + offset for offset in range(1, 16)},
    **{f"RTMAX-{offset}": _RTMAX - offset for offset in range(14, 0, -1)},
    "RTMAX": _RTMAX,
}
"""Linux signals by name, without SIG."""


class SignalError(ValueError):
    """Text that is no signal, with the reference's message."""


def parse_signal(text: str) -> int:
    """The number of a signal given by name, with SIG or without, or by any number but 0."""
    try:
        number = parse_decimal(text)
    except NumberError:
        number = SIGNALS.get(text.upper().removeprefix("SIG"), 0)
    if number == 0:
        raise SignalError(f"invalid signal: {text}")
    return number
