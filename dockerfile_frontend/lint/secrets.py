"""Names and values that look like secrets.

secret_name("DB_PASSWORD")            True
secret_name("PASSWORD_FILE")          False: it is where one is kept
weak_value("/run/secrets/x")          True: a place, not a secret
"""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = frozenset({"password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "credentials"})
_PAIRS = frozenset({
    ("access", "key"), ("api", "key"), ("auth", "key"), ("encryption", "key"), ("license", "key"), ("private", "key"),
    ("secret", "key"), ("signing", "key"), ("ssh", "key"),
})  # fmt: skip
_HARMLESS = frozenset({
    "dir", "enabled", "expiry", "file", "folder", "header", "id", "length", "mode", "name", "path", "public", "sock", "socket", "ttl",
    "type", "url", "version",
})  # fmt: skip
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "0", "1"})


def secret_name(name: str) -> bool:
    """Whether a variable's name says that it holds a secret."""
    tokens = name.lower().split("_")
    if tokens[-3:] == ["access", "key", "id"]:
        return True  # half of a pair: who has it in the image has the other half there, too
    if not _HARMLESS.isdisjoint(tokens):
        return False
    if not _WORDS.isdisjoint(tokens) or not _PAIRS.isdisjoint(pairwise(tokens)):
        return True
    return any(token.endswith(("password", "passwd", "apikey")) for token in tokens)


def weak_value(value: str) -> bool:
    """Whether a value is none that anybody would keep secret: a path, a switch, another variable."""
    return (
        value.startswith(("/", "./")) or value.lower() in _SWITCHES or re.fullmatch(r"\$\{?\w+\}?", value) is not None
    )
