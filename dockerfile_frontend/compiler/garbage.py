"""The collector of cyclic garbage, out of the way while a graph grows.

A compilation makes objects that all stay, and hardly a cycle. The collector looks through them again and again: a quarter of the
time of a large Dockerfile, and more than linear in its length. Everything else is freed by reference counts all the same.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection inside the block; afterwards as before. With several threads, the first to end turns it on again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
