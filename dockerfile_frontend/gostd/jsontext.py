r"""JSON as Go's encoding/json writes it, so that a config made here has the bytes of one made there.

    encode_json({"Cmd": ["a && b"]})  →  b'{"Cmd":["a \\u0026\\u0026 b"]}'

Keys keep the order they are given in: Go writes a struct's fields as declared and a map's keys sorted, and only the
caller knows which of the two it has.
"""

from __future__ import annotations

import json
import re

_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_FALLBACK = "\\ufffd"
"""What a byte that is no UTF-8 becomes."""


def encode_json(value: object) -> bytes:
    """The value (of dicts, lists, strings, numbers, booleans, None) without blanks, safe to put into HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if _ESCAPED.search(text) is not None:
        text = _ESCAPED.sub(_escape, text)
    return text.encode()


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _FALLBACK if "\ud800" <= char <= "\udfff" else f"\\u{ord(char):04x}"
