r"""JSON as Go's encoding/json writes it, so that a config made here has the bytes of one made there.

    encode_json({"Cmd": ["a && b"]})  →  b'{"Cmd":["a \\u0026\\u0026 b"]}'

Keys keep the order they are given in: Go writes a struct's fields as declared and a map's keys sorted, and only the
caller knows which of the two it has.
"""

from __future__ import annotations

import json

from dockerfile_frontend.gostd.text import repair

_ESCAPED = "<>&\u2028\u2029"


def encode_json(value: object) -> bytes:
    """The value (of dicts, lists, strings, numbers, booleans, None) without blanks, safe to put into HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in _ESCAPED:  # they stand only inside of strings
        text = text.replace(char, f"\\u{ord(char):04x}")
    return repair(text, "\\ufffd").encode()
