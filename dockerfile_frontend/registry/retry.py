"""Trying again: how often, how long between, and when to stop.

Retry().run(call)      # `call` raises Again(error, after=3.0) for a fault that may pass
-> what `call` returned in the end, or its last error
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from dockerfile_frontend.registry.errors import RegistryError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

T = TypeVar("T")

_MAX_AFTER = 7 * 24 * 3600.0


class Again(Exception):  # noqa: N818  a request, not an error
    """The fault may pass. `error` is what to raise when it does not; `after` how long the peer asks to wait."""

    def __init__(self, error: RegistryError, after: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


def _jitter() -> float:
    """Evenly between 0 and 1; spares the import of random."""
    return int.from_bytes(os.urandom(2), "big") / 65536


class Retry(Record):
    """Exponential back-off, in seconds. Clock, sleep and chance can be replaced, for tests."""

    attempts: int = 5
    first: float = 0.5
    longest: float = 8.0
    budget: float = 120.0
    """No new attempt begins later than this after the first."""
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = _jitter

    def woken_by(self, event: Event) -> Retry:
        """The same, but pauses end when the event is set."""
        return replace(self, sleep=event.wait) if self.sleep is time.sleep else self

    def run(self, call: Callable[[], T]) -> T:
        """Call until it does not raise Again, or attempts or budget are used up."""
        end = self.clock() + self.budget
        pause = self.first
        for attempt in range(1, self.attempts + 1):
            try:
                return call()
            except Again as again:
                # Half of the pause is left to chance, so that many clients do not come back at the same moment.
                wait = max(again.after, pause * (0.5 + self.jitter() / 2))
                if attempt == self.attempts:
                    raise again.error from None
                if self.clock() + wait > end:
                    raise _impatient(again) from None
            self.sleep(wait)
            pause = min(2 * pause, self.longest)
        raise RegistryError("no attempt was allowed")

    def pause(self, failures: int) -> None:
        """Sleep as after the given number of failures (from 1) in a row."""
        self.sleep(min(self.first * 2 ** (failures - 1), self.longest) * (0.5 + self.jitter() / 2))


def _impatient(again: Again) -> RegistryError:
    if again.after and not again.error.hint:
        again.error.hint = f"the server asks to wait {again.after:.0f} s before the next attempt"
    return again.error


def parse_retry_after(text: str, now: float) -> float:
    """Seconds to wait by a Retry-After header, in either of its forms; 0 when it says nothing. RFC 9110, 10.2.3."""
    if text.isdecimal():
        return min(float(text[:12]), _MAX_AFTER)
    if not text:
        return 0.0
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  rare form

    try:
        return min(max(parsedate_to_datetime(text[:64]).timestamp() - now, 0.0), _MAX_AFTER)
    except (ValueError, OverflowError):
        return 0.0
