r"""Names of downloaded files: a server or a URL may propose one, and never says where it lies.

safe_name("../../etc/passwd")                                ──▶ "passwd"
name_of_url("https://host/a/b.tar.gz?x=1")                   ──▶ "b.tar.gz"
name_of_answer('attachment; filename="na\"me.txt"')          ──▶ 'na"me.txt'

As in BuildKit: the last part of the path; "download" where that says nothing.
"""

from __future__ import annotations

import re

NAMELESS = "download"
MOST_BYTES = 255
MOST_HEADER = 4096

_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*')


def safe_name(text: str) -> str:
    """The last part of `text`, if that can be a file's name."""
    name = text.strip().rstrip("/").rpartition("/")[2]
    good = name not in ("", ".", "..") and name.isprintable() and len(name.encode("utf-8", "surrogateescape")) <= MOST_BYTES
    return name if good else NAMELESS


def name_of_url(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    return safe_name(unquote(urlsplit(url).path))


def name_of_answer(disposition: str) -> str:
    """The name in a Content-Disposition header, empty where there is none. RFC 6266, and RFC 2231 for other characters."""
    found: dict[str, str] = {}
    head, semicolon, rest = disposition[:MOST_HEADER].partition(";")
    if not head.strip() or not semicolon:
        return ""
    at, rest = 0, f";{rest}"
    while match := _PARAMETER.match(rest, at):
        name, quoted, bare = match.groups()
        found.setdefault(name.lower(), bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    if rest[at:].strip("; ") or not (stated := _extended(found.get("filename*", "")) or found.get("filename", "")):
        return ""  # a header that is none in part says nothing at all
    return "" if stated.endswith("/") else safe_name(stated)


def _extended(text: str) -> str:
    """utf-8'en'na%C3%AFve.txt ──▶ naïve.txt."""
    charset, _, rest = text.partition("'")
    _, quote, encoded = rest.partition("'")
    if not quote or charset.lower() not in ("utf-8", "us-ascii"):
        return ""
    from urllib.parse import unquote_to_bytes

    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return ""
