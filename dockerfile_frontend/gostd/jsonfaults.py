"""Why a text is no JSON, in the words of Go's encoding/json: people search for them.

    find_fault(b"this")     →  "invalid character 'h' in literal true (expecting 'r')"
    find_fault(b'{"a": 1')  →  "unexpected end of JSON input"
    find_fault(b'{"a": 1}') →  None

Asked only when a reader has refused the text: it goes through it byte by byte. Go: encoding/json, scanner.
"""

from __future__ import annotations

from dockerfile_frontend.gostd.text import quote

_SPACE = b" \t\r\n"
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF"
_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_END = "unexpected end of JSON input"
_DEEPEST = 10_000
_CONTROL = 0x20
_ESCAPED = b'bfnrt\\/"u'


class _FaultError(Exception):
    """The first byte that does not fit."""


def find_fault(data: bytes) -> str | None:
    """The message; None for a text that is JSON."""
    try:
        _Scanner(data).scan()
    except _FaultError as fault:
        return str(fault)
    return None


class _Scanner:
    """Goes through the text once, without recursion."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._open: list[bytes] = []
        """What is not closed: { or [."""

    def scan(self) -> None:
        """Raises _FaultError."""
        wanted = True
        while wanted or self._open:
            wanted = self._value() if wanted else self._after_value()
        self._skip()
        if self._at < len(self._data):
            raise self._wrong("after top-level value")

    def _value(self) -> bool:
        """A value, or the beginning of one that holds others; whether another must follow."""
        self._skip()
        char = self._next()
        if char in b"{[":
            return self._enter(char)
        if char == b'"':
            self._string()
        elif char in b"-0123456789":
            self._number(char)
        elif char[0] in _LITERALS:
            self._literal(_LITERALS[char[0]])
        else:
            self._at -= 1
            raise self._wrong("looking for beginning of value")
        return False

    def _enter(self, char: bytes) -> bool:
        if len(self._open) >= _DEEPEST:
            self._at -= 1
            raise self._wrong("exceeded max depth")
        self._open.append(char)
        self._skip()
        if self._peek() == (b"}" if char == b"{" else b"]"):
            self._leave()
            return False
        if char == b"{":
            self._key()
        return True

    def _leave(self) -> None:
        self._at += 1
        self._open.pop()

    def _key(self) -> None:
        self._skip()
        if self._next() != b'"':
            self._at -= 1
            raise self._wrong("looking for beginning of object key string")
        self._string()
        self._skip()
        if self._next() != b":":
            self._at -= 1
            raise self._wrong("after object key")

    def _after_value(self) -> bool:
        """What follows a value inside of another: whether one more does, or that ends."""
        self._skip()
        inside, char = self._open[-1], self._next()
        if char == b",":
            if inside == b"{":
                self._key()
            return True
        self._at -= 1
        if char != (b"}" if inside == b"{" else b"]"):
            raise self._wrong("after object key:value pair" if inside == b"{" else "after array element")
        self._leave()
        return False

    def _string(self) -> None:
        while (char := self._next()) != b'"':
            if char == b"\\":
                self._escape()
            elif char[0] < _CONTROL:
                self._at -= 1
                raise self._wrong("in string literal")

    def _escape(self) -> None:
        char = self._one_of(_ESCAPED, "in string escape code")
        for _ in range(4 if char == b"u" else 0):
            self._one_of(_HEX, "in \\u hexadecimal character escape")

    def _number(self, char: bytes) -> None:
        if char == b"-":
            char = self._one_of(_DIGITS, "in numeric literal")
        if char != b"0":
            self._digits()
        if self._peek() == b".":
            self._at += 1
            self._one_of(_DIGITS, "after decimal point in numeric literal")
            self._digits()
        if self._peek() in (b"e", b"E"):
            self._at += 1
            if self._peek() in (b"+", b"-"):
                self._at += 1
            self._one_of(_DIGITS, "in exponent of numeric literal")
            self._digits()

    def _one_of(self, allowed: bytes, where: str) -> bytes:
        """The next byte, in the middle of something; for Go, a space follows the text."""
        char = self._peek() or b" "
        if char not in allowed:
            raise self._wrong(where)
        self._at += 1
        return char

    def _digits(self) -> None:
        while self._peek() and self._peek() in _DIGITS:
            self._at += 1

    def _literal(self, word: bytes) -> None:
        for expected in word[1:]:
            self._one_of(bytes([expected]), f"in literal {word.decode()} (expecting '{chr(expected)}')")

    def _skip(self) -> None:
        while self._peek() and self._peek() in _SPACE:
            self._at += 1

    def _peek(self) -> bytes:
        """The next byte; empty at the end."""
        return self._data[self._at : self._at + 1]

    def _next(self) -> bytes:
        char = self._peek()
        if not char:
            raise _FaultError(_END)
        self._at += 1
        return char

    def _wrong(self, where: str) -> _FaultError:
        return _FaultError(f"invalid character {_quoted((self._peek() or b' ')[0])} {where}")


def _quoted(byte: int) -> str:
    """A byte as Go quotes one: as the character of that number."""
    special = {ord("'"): "'\\''", ord('"'): "'\"'"}
    return special.get(byte) or f"'{quote(chr(byte))[1:-1]}'"
