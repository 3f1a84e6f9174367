"""Digests from outside: only what is one becomes part of a path.

    check_digest("sha256:../../etc/passwd") ──▶ StoreError
    hex_of("sha256:9f86…") ──▶ "9f86…"
"""

from __future__ import annotations

import hashlib
import re

from dockerfile_frontend.executor.db import StoreError

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def check_digest(text: object) -> str:
    """`text` if it is a sha256 digest. Raises StoreError."""
    if not isinstance(text, str) or not _SHA256.fullmatch(text):
        raise StoreError(f"invalid digest: {str(text)[:200]!r}")
    return text


def hex_of(digest: str) -> str:
    return check_digest(digest).removeprefix("sha256:")


def digest_of(data: bytes | memoryview) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
