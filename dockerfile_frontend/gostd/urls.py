"""URLs as Go's net/url reads and writes them.

    parse_url("HTTPS://host/a%2fb?x=1#f")  →  Url(scheme="https", host="host", path="/a/b", raw_path="/a%2fb", …)
    str(parse_url("git://h/a b"))          →  "git://h/a%20b"
    parse_url("http://h:port/")            →  UrlError: parse "http://h:port/": invalid port ":port" after host

Bytes that are no UTF-8, as escapes may give, are held as lone surrogates (``surrogateescape``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from dockerfile_frontend.gostd.text import quote
from ir_schema.record import Record


class UrlError(ValueError):
    """Text that is no URL, with Go's message."""


class User(Record):
    """Who asks, unescaped."""

    name: str
    password: str | None = None

    def __str__(self) -> str:
        name = _escape(self.name, _USER)
        return name if self.password is None else f"{name}:{_escape(self.password, _USER)}"


class Url(Record):
    """A URL in its parts, unescaped but for those called raw."""

    scheme: str = ""
    opaque: str = ""
    """What follows the scheme where that is no slash."""
    user: User | None = None
    host: str = ""
    """With its port."""
    path: str = ""
    raw_path: str = ""
    """The path as it was written, where writing it anew would give other text."""
    no_host: bool = False
    """Written without the two slashes: scheme:/path."""
    raw_query: str = ""
    bare_query: bool = False
    """Written with a question mark at its end."""
    fragment: str = ""
    raw_fragment: str = ""
    """The fragment as it was written, where writing it anew would give other text."""

    def __str__(self) -> str:
        """The URL as Go writes it."""
        out = f"{self.scheme}:" if self.scheme else ""
        out += self.opaque or self._hierarchy(written=bool(out))
        if self.bare_query or self.raw_query:
            out += f"?{self.raw_query}"
        if self.fragment:
            out += f"#{_as_written(self.fragment, self.raw_fragment, _FRAGMENT)}"
        return out

    def _hierarchy(self, *, written: bool) -> str:
        """The host and path, after a scheme or after nothing."""
        out = ""
        named = bool(self.host) or self.user is not None
        if (named or self.path) and (named or (self.scheme and not self.no_host)):
            out = "//" + (f"{self.user}@" if self.user is not None else "") + _escape(self.host, _HOST)
        path = "*" if self.path == "*" else _as_written(self.path, self.raw_path, _PATH)
        if path and not path.startswith("/") and self.host:
            out += "/"
        if not out and not written and ":" in path.partition("/")[0]:
            out = "./"
        return out + path


_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_HOST = _UNRESERVED | frozenset("!$&'()*+,;=:[]<>\"")
_PATH = _UNRESERVED | frozenset("$&+,/:;=@")
_USER = _UNRESERVED | frozenset("$&+,;=")
_FRAGMENT = _UNRESERVED | frozenset("$&+,/:;=?@!()*")
"""Characters that each part of a URL holds as they are."""

_LEFT_ALONE = frozenset("!$&'()*+,;=:@[]%")
"""Characters that a path or fragment may hold as they were written."""

_CONTROL = r"[\x00-\x1f\x7f]"
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):"
_USERINFO = r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*"
_PORT = r"(?::[0-9]*)?"
_PERCENT = rb"%(?P<hex>[0-9A-Fa-f]{2})?"
_MAX_PARAMETERS = 10_000


def parse_url(text: str) -> Url:
    """Any URL: absolute, relative or opaque. Raises UrlError."""
    before, _, fragment = text.partition("#")
    shown = before
    try:
        url = _parse(before)
        if fragment:
            shown = text
            plain = unescape(fragment)
            url = replace(url, fragment=plain, raw_fragment=_raw(plain, fragment, _FRAGMENT))
    except UrlError as error:
        raise UrlError(f"parse {quote(shown)}: {error}") from None
    return url


def parse_query(query: str) -> tuple[dict[str, list[str]], str]:
    """The parameters of key=value&…, and the first fault (whose parameter is left out) or nothing."""
    if query.count("&") >= _MAX_PARAMETERS:
        return {}, "number of URL query parameters exceeded limit"
    values: dict[str, list[str]] = {}
    fault = ""
    for parameter in query.split("&"):
        if ";" in parameter:
            fault = "invalid semicolon separator in query"
            continue
        key, _, value = parameter.partition("=")
        if not parameter:
            continue
        try:
            plain_key, plain_value = (unescape(part, plus=" ") for part in (key, value))
        except UrlError as error:
            fault = fault or str(error)
            continue
        values.setdefault(plain_key, []).append(plain_value)
    return values, fault


def unescape(text: str, *, plus: str = "+") -> str:
    """The text with the bytes that its escapes stand for, and `plus` for each plus sign.

    Raises UrlError at a percent sign that begins no escape.
    """
    if "%" not in text:
        return text.replace("+", plus)
    raw = _bytes(text)
    _check_escapes(raw)
    return _text(re.sub(_PERCENT, _byte, raw.replace(b"+", plus.encode())))


def _check_escapes(raw: bytes) -> None:
    for match in re.finditer(_PERCENT, raw):
        if match["hex"] is None:
            raise _bad_escape(match)


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match["hex"].decode())


def _bad_escape(match: re.Match[bytes]) -> UrlError:
    return UrlError(f"invalid URL escape {quote(_text(match.string[match.start() : match.start() + 3]))}")


def _parse(text: str) -> Url:
    """A URL without fragment."""
    if re.search(_CONTROL, text) is not None:
        raise UrlError("net/url: invalid control character in URL")
    if text.startswith(":"):
        raise UrlError("missing protocol scheme")
    match = re.match(_SCHEME, text)
    scheme = match[1].lower() if match is not None else ""
    rest, mark, query = text[match.end() if match is not None else 0 :].partition("?")
    url = Url(scheme, raw_query=query, bare_query=bool(mark) and not query)
    if not rest.startswith("/"):
        if scheme:
            return replace(url, opaque=rest)
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, rest = rest[2:].partition("/")
        rest = slash + rest
        user, host = _parse_authority(scheme, authority)
        url = replace(url, user=user, host=host)
    elif scheme:
        url = replace(url, no_host=True)
    path = unescape(rest)
    return replace(url, path=path, raw_path=_raw(path, rest, _PATH) if text != "*" else "")


def _raw(plain: str, written: str, allowed: frozenset[str]) -> str:
    """The text as it was written, or nothing where writing it anew gives the same."""
    return "" if _escape(plain, allowed) == written else written


def _as_written(plain: str, raw: str, allowed: frozenset[str]) -> str:
    """The text as it was written, if that was right, or written anew."""
    return raw if raw and (_LEFT_ALONE | allowed).issuperset(raw) else _escape(plain, allowed)


def _parse_authority(scheme: str, authority: str) -> tuple[User | None, str]:
    userinfo, sign, host = authority.rpartition("@")
    host = _parse_host(scheme, host)
    if not sign:
        return None, host
    if re.fullmatch(_USERINFO, userinfo) is None:
        raise UrlError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    return User(unescape(name), unescape(password) if colon else None), host


def _parse_host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _parse_literal(host)
    first, last = host.find(":"), host.rfind(":")
    if first >= 0:
        # more colons than one pass where databases want them, but not over HTTP
        _check_port(host[first if scheme in ("http", "https") else last :])
    return _unescape_host(host)


def _parse_literal(host: str) -> str:
    """An IPv6 address in brackets, with a zone behind %25 and a port or without."""
    close = host.rfind("]")
    if close < 0:
        raise UrlError("missing ']' in host")
    _check_port(host[close + 1 :])
    name, mark, zone = host[1:close].partition("%25")
    address = _unescape_host(name) + (_unescape_host(mark + zone, zone=True) if mark else "")
    from dockerfile_frontend.gostd.addresses import AddressError, address_version  # noqa: PLC0415 - rare

    try:
        version = address_version(address)
    except AddressError as error:
        raise UrlError(f"invalid host: {error}") from None
    if version == 4:  # noqa: PLR2004 - of the two there are
        raise UrlError("invalid IP-literal")
    return f"[{address}]{host[close + 1 :]}"


def _check_port(port: str) -> None:
    if re.fullmatch(_PORT, port) is None:
        raise UrlError(f"invalid port {quote(port)} after host")


def _unescape_host(text: str, *, zone: bool = False) -> str:
    """The host, where only bytes beyond ASCII may be escaped; in a zone, what it could also hold as it is."""
    raw = _bytes(text)
    at, escape = 0, re.compile(_PERCENT)
    while at < len(raw):
        char = chr(raw[at])
        if char == "%":
            match = cast("re.Match[bytes]", escape.match(raw, at))
            if match["hex"] is None or not _may_escape(match["hex"], zone=zone):
                raise _bad_escape(match)
            at += 3
            continue
        if char.isascii() and char not in _HOST:
            raise UrlError(f"invalid character {quote(char)} in host name")
        at += 1
    return unescape(text)


def _may_escape(code: bytes, *, zone: bool) -> bool:
    char = chr(int(code, 16))
    return char == "%" or (char == " " or char in _HOST if zone else not char.isascii())


def _escape(text: str, allowed: frozenset[str]) -> str:
    if allowed.issuperset(text):
        return text
    return "".join(chr(byte) if chr(byte) in allowed else f"%{byte:02X}" for byte in _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
