"""Ids that differ where they have to, and are the same whenever the same is compiled.

    unique_id("sha256 of the Dockerfile and …", "0/3")  →  "mzk0c3v1r8j2…", 25 letters and digits

The reference draws them at random. No id is part of a digest, save the one of a local source; see `CompileOptions.unique_id`.
"""

from __future__ import annotations

import hashlib

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 25


def unique_id(seed: str, what: str) -> str:
    """An id for `what` in the build of this seed."""
    number = int.from_bytes(hashlib.sha256(f"{seed}\0{what}".encode()).digest(), "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
