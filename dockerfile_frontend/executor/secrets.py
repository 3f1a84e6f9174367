r"""Secrets of a step: files in memory, and kept out of its log.

    write_secret("/run/dfc/…/7", SecretFile("/run/secrets/token", b"hunter2", mode=0o400, uid=1000), host)  ──▶ path to mount
    Redactor([b"hunter2"]) .feed(1, b"token hun"), .feed(1, b"ter2\n")  ──▶ b"token ", b"*****\n"

A value is never an argument or in the environment of a program of ours; a step's secret environment goes through the runtime's
config, a file in the same private tmpfs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .runtime.faults import ContainerError
from .runtime.host import check_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .runtime.container import SecretFile
    from .runtime.host import Host

SHORTEST, LONGEST = 6, 16 << 10
"""Bytes of a value that is looked for in logs: a shorter one would hit words that are no secrets, a longer one is no password."""

MASK = b"*****"


def write_secret(path: str, secret: SecretFile, host: Host) -> None:
    """Write the file at `path`, which lies in a tmpfs of ours, with the secret's owner and mode."""
    check_ids(host, secret.uid, secret.gid, f"secret {secret.dest}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        rest = memoryview(secret.value)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fchown(fd, secret.uid, secret.gid)
        os.fchmod(fd, secret.mode & 0o777)
    finally:
        os.close(fd)


def secret_options(secret: SecretFile) -> tuple[str, ...]:
    """Mount options, as the reference sets them."""
    return ("nodev", "nosuid") if secret.mode & 0o111 else ("nodev", "nosuid", "noexec")


def secret_variable(name: str, value: bytes) -> tuple[str, str]:
    """A secret as an environment variable. Raises ContainerError for what no environment can hold."""
    if b"\0" in value:
        raise ContainerError(f"secret for environment variable {name} holds a NUL byte")
    try:
        return name, value.decode()
    except UnicodeDecodeError:
        raise ContainerError(
            f"secret for environment variable {name} is not UTF-8",
            hint="mount it as a file: any bytes can be in a file",
        ) from None


class Redactor:
    """Replaces secret values in a step's output, also where a value comes in several pieces."""

    def __init__(self, values: Iterable[bytes]) -> None:
        found = {form for value in values for form in (value, value.strip()) if SHORTEST <= len(form) <= LONGEST}
        self._values = sorted(found, key=len, reverse=True)
        self._held: dict[int, bytes] = {}

    def feed(self, stream: int, data: bytes) -> bytes:
        """What of `data`, and of what was held back before it, can be shown now."""
        if not self._values:
            return data
        text = self._masked(self._held.pop(stream, b"") + data)
        held = max((_overlap(text, value) for value in self._values), default=0)
        if held:
            self._held[stream] = text[-held:]
            return text[:-held]
        return text

    def flush(self, stream: int) -> bytes:
        """What is left when the stream has ended."""
        return self._held.pop(stream, b"")

    def _masked(self, text: bytes) -> bytes:
        for value in self._values:
            text = text.replace(value, MASK)
        return text


def _overlap(text: bytes, value: bytes) -> int:
    """How much of the end of `text` is a beginning of `value`."""
    window = text[-(len(value) - 1) :]
    start = window.find(value[:1])
    while start >= 0:
        if value.startswith(window[start : start + SHORTEST]) and value.startswith(window[start:]):
            return len(window) - start
        start = window.find(value[:1], start + 1)
    return 0
