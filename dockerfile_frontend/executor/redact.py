"""What is shown and kept of URLs: everything but who asks.

without_credentials("ADD https://joe:s3cret@host/x /x") ──▶ "ADD https://xxxxx:xxxxx@host/x /x"
"""

from __future__ import annotations

import re

_USER_INFO = re.compile(r"(?<=://)([^/?#\s@:]*)(:?)([^/?#\s]*)@")


def without_credentials(text: str) -> str:
    """`text` without users and passwords in URLs; the reference's marks in their places."""
    return _USER_INFO.sub(_mask, text) if "@" in text else text


def passwords(text: str) -> list[str]:
    """The passwords of URLs in a text: of https://joe:s3cret@host s3cret."""
    return [found[3] for found in _USER_INFO.finditer(text) if found[2] and found[3]] if "@" in text else []


def _mask(match: re.Match[str]) -> str:
    user, colon, password = match.groups()
    return f"{'xxxxx' if user else ''}{colon}{'xxxxx' if password else ''}@"
