"""One blob on its way to us: goes on where it was cut, and ends only when it is proven right.

Download(open_at, Verifier("sha256:…", size=31_457_280), Retry()).pieces()  -> b"…", b"…", …
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.registry.errors import BadContent, Broken, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.registry.digests import Verifier
    from dockerfile_frontend.registry.retry import Retry
    from dockerfile_frontend.registry.transport import Answer

_PROGRESS = 1 << 20
"""A transfer that got on by this many bytes has all its attempts again."""

_PARTIAL = 206


class Download:
    """State of one transfer: what has come is counted and hashed in `verifier`."""

    def __init__(self, open_at: Callable[[Retry, int], Answer], verifier: Verifier, retry: Retry) -> None:
        """`open_at` asks for the blob from an offset on, with the retries given."""
        self._open_at = open_at
        self._verifier = verifier
        self._retry = retry

    def pieces(self) -> Iterator[bytes]:
        """The bytes still missing. Raises RegistryError; what came before the error is then not to be trusted."""
        held = b""
        for chunk in self._received():
            # The last piece is held back until the whole is proven.
            if held:
                yield held
            held = chunk
        self._verifier.finish()
        if held:
            yield held

    def passing_pieces(self) -> Iterator[bytes]:
        """The same, with none held back: who takes them has to prove the whole himself."""
        yield from self._received()
        self._verifier.finish()

    def _received(self) -> Iterator[bytes]:
        failures = 0
        while True:
            start = self._verifier.count
            if start == self._verifier.size:
                return
            try:
                with self._open_at(self._retry, start) as answer:
                    yield from self._body(answer, start)
            except Broken as broken:
                failures = 1 if self._verifier.count - start >= _PROGRESS else failures + 1
                if not broken.retry or failures >= self._retry.attempts:
                    raise Unreachable(f"{self._verifier.expected}: {broken}", hint=broken.hint) from None
                self._retry.pause(failures)
            else:
                return

    def _body(self, answer: Answer, start: int) -> Iterator[bytes]:
        """What is new in `answer`; a server may not know ranges and send all of it again."""
        skip = start
        if start and answer.status == _PARTIAL:
            if not answer.header("content-range").startswith(f"bytes {start}-"):
                raise BadContent(f"{self._verifier.expected}: the server sent another part than asked for")
            skip = 0
        for chunk in answer.chunks():
            fresh = chunk[skip:]
            skip -= min(skip, len(chunk))
            if fresh:
                self._verifier.feed(fresh)
                yield fresh
