"""JSON as Go's encoding/json writes it, so that equal documents have equal digests here and there."""

from __future__ import annotations

import json

_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def go_json(document: object, *, indent: int | None = None) -> bytes:
    """Keys stay in their order. `indent` is a number of spaces; without, there is no white space."""
    text = json.dumps(document, separators=(",", ": " if indent else ":"), ensure_ascii=False, indent=indent)
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text.encode("utf-8", "replace")
