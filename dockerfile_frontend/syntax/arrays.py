r"""The JSON form: an array of strings, as Go's decoder reads it.

    ["/bin/sh", "-c", "a\u0062"]    ("/bin/sh", "-c", "ab")
    [ -f x ] && y                    None: it is the shell form
    ["a", 1]                         DockerfileError

Two limits are Go's and no grammar's: how deep arrays nest, and how large a number is. Most arrays are of strings without escapes;
one expression finds those, with the grammar's own terminals, and saves a start the 2 ms that the grammar's table costs.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import repair
from dockerfile_frontend.syntax.grammars import Parser, UnexpectedError
from dockerfile_frontend.syntax.lines import from_bytes

if TYPE_CHECKING:
    from dockerfile_frontend.syntax.grammars import Piece
    from dockerfile_frontend.syntax.lines import LogicalLine

MAX_DEPTH = 10_000
_BLANKS, _PLAIN = r"[ \t\r\n]*+", r'"[^"\\\x00-\x1f]*+"'
PLAIN_ARRAY = rf"\[{_BLANKS}(?:{_PLAIN}{_BLANKS}(?:,{_BLANKS}{_PLAIN}{_BLANKS})*+)?\]"
"""An array of strings without escapes."""
_LONE_SURROGATE = "[\ud800-\udfff]"


class _NoArrayError(Exception):
    """Go's decoder gives up on it, though it is well formed."""


class _Values:
    """What `grammar/json.lark` is reduced to: strings stay tokens, of everything else its depth is all that matters."""

    def json(self, values: list[Any]) -> list[Any]:
        _depth(values)
        return [_value(value) for value in values]

    def array(self, values: list[Any]) -> int:
        return _depth(values)

    object = array


def parse_array(line: LogicalLine, start: int) -> tuple[str, ...] | None:
    """The strings of the array that a line ends with; None if it is none. Raises DockerfileError for one of other things."""
    text = line.text[start:]
    if re.fullmatch(PLAIN_ARRAY, text) is not None:
        return tuple([repair(from_bytes(found[1:-1])) for found in re.findall(_PLAIN, text)])
    try:
        values: Any = _load().parse("json", text)
    except (UnexpectedError, _NoArrayError):
        return None
    if not all(isinstance(value, str) for value in values):
        message = "when using JSON array syntax, arrays must be comprised of strings only"
        raise DockerfileError(message, line.span_of(start, len(line.text)), code="json-form")
    return tuple(values)


@cache
def _load() -> Parser:
    return Parser("json", _Values())


def _depth(values: list[Any]) -> int:
    depth = 1 + max((value for value in values if isinstance(value, int)), default=0)
    if depth > MAX_DEPTH:
        raise _NoArrayError
    for value in values:
        if not isinstance(value, int) and value.type == "NUMBER" and math.isinf(float(value)):
            raise _NoArrayError
    return depth


def _value(value: Piece | int) -> str | None:
    """A string, or None for anything else."""
    if isinstance(value, int) or value.type != "STRING":
        return None
    if "\\" not in value:
        return repair(from_bytes(value[1:-1]))
    text: str = json.loads(repair(from_bytes(value)))
    return text if text.isascii() else re.sub(_LONE_SURROGATE, "\ufffd", text)
