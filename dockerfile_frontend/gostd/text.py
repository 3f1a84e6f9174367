r"""Text as Go sees it, since the reference's answers and messages follow Go's rules for characters.

    quote('say "hi"')      →  "say \"hi\""
    repair("a\udcff")      →  "a\ufffd"
    name_end("$añb-c", 1)  →  4

Bytes that are no UTF-8 are held as lone surrogates (``surrogateescape``) throughout this package.
"""

from __future__ import annotations

import re

SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The characters of Go's ``unicode.IsSpace`` (``str.isspace`` also takes U+001C to U+001F)."""

_NAME = re.compile(r"[A-Za-z0-9_]*")
_TO_ESCAPE = r"[^ !#-\[\]-~]"  # named by what it leaves out: a range up to U+10FFFF costs 5 ms to compile
_NAMED = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"',
}  # fmt: skip


def repair(text: str, replacement: str = "\ufffd") -> str:
    """The text with U+FFFD for each byte that is no UTF-8, as Go reads it rune by rune."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(replacement if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def trim_space(text: str) -> str:
    """The text without the spaces around it."""
    return text.strip(SPACES)


def lower(text: str) -> str:
    """The text in lower case, a character for a character; bytes that are no UTF-8 become U+FFFD."""
    return text.lower() if text.isascii() else "".join(map(str.lower, repair(text).replace("İ", "i")))


def upper(text: str) -> str:
    """The text in upper case, a character for a character; bytes that are no UTF-8 become U+FFFD."""
    if text.isascii():
        return text.upper()
    return "".join([char if len(char.upper()) != 1 else char.upper() for char in repair(text)])


def name_end(text: str, start: int) -> int:
    """Where the letters, digits and underscores that begin at `start` end (of Unicode's L and Nd only)."""
    end = _NAME.match(text, start).end()  # type: ignore[union-attr]  # it matches everywhere
    while end < len(text) and (text[end] == "_" or text[end].isalpha() or text[end].isdecimal()):
        end += 1
    return end


def quote(text: str) -> str:
    """The text as ``%q`` writes it: in double quotes, with escapes for what is not printable."""
    return f'"{re.sub(_TO_ESCAPE, _escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if (named := _NAMED.get(char)) is not None:
        return named
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0x7F:  # noqa: PLR2004 - the control characters of ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - end of the basic plane
