"""Waiting for a state: a test looks again and again, and fails only when the state stays away for long.

until(lambda: (folder / "up").exists(), "the step to begin")
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 120.0
"""Seconds that anything may take on a busy machine. Nothing is waited for that long where things are well."""

T = TypeVar("T")


def until(state: Callable[[], T], what: str) -> T:
    """The state's value, once it is true. `what` is waited for, in words that follow "waited for"."""
    deadline = time.monotonic() + PATIENCE
    while not (found := state()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(0.01)
    return found
