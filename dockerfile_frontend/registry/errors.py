"""What can go wrong between us and an image, one class a cause, one line a message.

    NotFound("docker.io/library/nope:latest: not found")
    UnexpectedStatus("GET", "https://registry-1.docker.io/v2/…", 429, "Too Many Requests", "toomanyrequests: slow down")

Messages are worded as the reference's, where it has words, since those are what people search for.
"""

# ruff: noqa: N818  NotFound says that it is an error

from __future__ import annotations

MAX_TEXT = 400
"""Longest piece of text from a server that a message quotes, in characters."""


class RegistryError(Exception):
    """A fault with an image's source; `str(error)` is one line for the user, `hint` what they may do about it."""

    priority = 1
    """Of several hosts' errors the one with the highest priority is shown; of equals the first."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(RegistryError):
    """Our own settings are wrong: a host table, a credential file, a certificate."""

    priority = 5


class Unreachable(RegistryError):
    """No usable answer: connection, TLS, time-out, a body cut short."""


class Broken(Unreachable):
    """An exchange that broke at the network, before anybody tried again."""

    def __init__(self, reason: str, *, retry: bool, hint: str = "") -> None:
        """`retry` says whether it may go better next time."""
        super().__init__(reason, hint=hint)
        self.retry = retry


class NotFound(RegistryError):
    """The source answered, and has no such thing."""

    priority = 2


class Denied(RegistryError):
    """The source wants credentials that we do not have, or refuses those we have."""

    priority = 3


class BadContent(RegistryError):
    """What the source sent is not what it should be: digest, size, media type, malformed JSON."""

    priority = 4


class UnexpectedStatus(RegistryError):
    """An HTTP status that the protocol does not foresee here."""

    priority = 3

    def __init__(self, method: str, url: str, status: int, reason: str, detail: str = "", *, hint: str = "") -> None:
        text = f"unexpected status from {method} request to {url}: {status} {reason}".rstrip()
        super().__init__(f"{text}: {detail}" if detail else text, hint=hint)
        self.status = status


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """`text` from a stranger made safe to print: control characters become spaces, length is bounded."""
    clean = "".join(char if char.isprintable() else " " for char in text[: limit * 2])
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[:limit] + "…"
