"""HTTP/2's headers, as far as a gRPC client needs them (RFC 7541).

    encode_headers([(":method", "POST")])  ──▶  bytes; no compression: they are few and short
    decode_headers(block, 1 << 20)         ──▶  {b":status": b"200", b"content-type": b"application/grpc"}

There is no table that grows with the connection: the other side is told that ours holds nothing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OVERHEAD = 32
"""Bytes that a header counts beside its name and value. RFC 9113, SETTINGS_MAX_HEADER_LIST_SIZE."""
_INDEXED, _KEPT, _SIZE = 0x80, 0x40, 0x20
"""What a field begins with: one of the table, one to be put into it, or the table's new size."""
_HUFFMAN = 0x80
_MOST_DIGITS = 5
"""Bytes behind the first that a number may have."""
_END = 256
"""The symbol that never stands in a string."""
_PADDING = 7
"""Bits that may follow the last symbol, all of them ones."""


def encode_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    """Each as it is."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)


def _text(text: str) -> bytes:
    data = text.encode()
    return _number(len(data)) + data


def _number(value: int) -> bytes:
    """Behind a bit that is not set."""
    most = 0x7F
    if value < most:
        return bytes([value])
    digits, value = bytearray([most]), value - most
    while value > most:
        digits.append(value & most | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def decode_headers(block: bytes, most: int) -> dict[bytes, bytes]:
    """The last value of each name. `most` is how many bytes they may be in all. Raises ValueError."""
    found: dict[bytes, bytes] = {}
    at, size = 0, 0
    try:
        while at < len(block):
            first = block[at]
            if first & _INDEXED:
                index, at = _read_number(block, at, 7)
                name, value = _table()[index - 1] if index else _nothing()
            elif first & _KEPT or not first & _SIZE:
                index, at = _read_number(block, at, 6 if first & _KEPT else 4)
                name, at = (_table()[index - 1][0], at) if index else _read_text(block, at)
                value, at = _read_text(block, at)
            else:
                new, at = _read_number(block, at, 5)
                if new:
                    raise ValueError("its table of headers is larger than it may be")
                continue
            size += len(name) + len(value) + OVERHEAD
            if size > most:
                raise ValueError(f"headers of more than {most >> 20} MiB")
            found[name] = value
    except IndexError:
        raise ValueError("headers that are cut off, or of an unknown number") from None
    return found


def _nothing() -> tuple[bytes, bytes]:
    raise ValueError("a header without a number")


def _read_number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """A number that begins in the low bits of a byte, and where it ends."""
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    for digit in range(_MOST_DIGITS):
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << 7 * digit
        if byte < 0x80:  # noqa: PLR2004  no digit follows
            return value, at
    raise ValueError("a number that is too large")


def _read_text(block: bytes, at: int) -> tuple[bytes, int]:
    packed = block[at] & _HUFFMAN
    size, at = _read_number(block, at, 7)
    end = at + size
    if end > len(block):
        raise IndexError
    text = bytes(block[at:end])
    return _unpack(text) if packed else text, end


def _unpack(data: bytes) -> bytes:
    """A string in Huffman's code."""
    symbols, out, code = _symbols(), bytearray(), 1
    for byte in data:
        for shift in (7, 6, 5, 4, 3, 2, 1, 0):
            code = code << 1 | byte >> shift & 1
            if (symbol := symbols.get(code)) is not None:
                if symbol == _END:
                    raise ValueError("a header that goes on behind its end")
                out.append(symbol)
                code = 1
    if code & code + 1 or code >> _PADDING + 1:
        raise ValueError("a header that ends within a character")
    return bytes(out)


@cache
def _symbols() -> dict[int, int]:
    """Symbols by their codes, each behind a 1. Codes follow from their lengths: shorter ones first, then in the symbols' order."""
    lengths = [int(digit, 36) for digit in _LENGTHS]
    found, code, last = {}, 0, 0
    for symbol in sorted(range(len(lengths)), key=lengths.__getitem__):
        code <<= lengths[symbol] - last
        last = lengths[symbol]
        found[1 << last | code] = symbol
        code += 1
    return found


@cache
def _table() -> list[tuple[bytes, bytes]]:
    """RFC 7541, appendix A."""
    entries = [entry.encode().partition(b"=") for entry in _TABLE.split("|")]
    return [(name, value) for name, _, value in entries]


_LENGTHS = (
    "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565656"
    "66577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrq"
    "opjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu"
)
"""Bits of each symbol's code, in base 36. RFC 7541, appendix B."""
_TABLE = (
    ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|"
    ":status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|"
    "accept-encoding=gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|"
    "allow|authorization|cache-control|content-disposition|content-encoding|content-language|"
    "content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|"
    "if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|"
    "max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|"
    "set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate"
)
