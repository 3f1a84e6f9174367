"""Every question once, several at a time. The one place where resolving knows of threads.

    resolver = Concurrent(registry)
    resolver.prefetch([ImageRequest("docker.io/library/node:22", amd64), ImageRequest("docker.io/library/go:1", amd64)])
    resolver.resolve_image("docker.io/library/node:22", amd64, "default")   # under way already: waits for the answer

Answers and refusals are kept for as long as the object lives, so that an image means the same to all of a build.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from dockerfile_frontend.semantics.resolver import ImageRequest, Resolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveMode


class Concurrent(Resolver):
    """Makes a resolver fit for many stages. Safe in threads."""

    def __init__(self, inner: Resolver, workers: int = 8) -> None:
        """`workers` is how many questions are under way at once, at most."""
        self._inner = inner
        self._workers = workers
        self._running = 0
        self._answers: dict[ImageRequest, _Answer] = {}
        self._waiting: deque[ImageRequest] = deque()
        self._lock = threading.Lock()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        request = ImageRequest(ref, platform, mode)
        with self._lock:
            answer = self._answers.setdefault(request, _Answer())
        self._work_on(request, answer)
        return answer.wait()

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        return self._inner.resolve_layout(store, ref, platform)

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        return self._inner.source_time(identifier, attrs)

    def prefetch(self, requests: Iterable[ImageRequest]) -> None:
        """Begin with those that nobody has asked for; a single one is left to the one who asks for it."""
        with self._lock:
            fresh = [request for request in dict.fromkeys(requests) if request not in self._answers]
            if len(fresh) + len(self._waiting) <= 1:
                return
            self._answers.update({request: _Answer() for request in fresh})
            self._waiting.extend(fresh)
            more = min(len(self._waiting), self._workers) - self._running
            self._running += max(more, 0)
        for _ in range(more):
            # Daemons: an interrupted compilation does not wait for a registry.
            threading.Thread(target=self._serve, name="resolve", daemon=True).start()

    def close(self) -> None:
        self._inner.close()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                request = self._waiting.popleft()
                answer = self._answers[request]
            self._work_on(request, answer)

    def _work_on(self, request: ImageRequest, answer: _Answer) -> None:
        """Get the answer, unless somebody else is at it."""
        if answer.claim():
            try:
                answer.give(self._inner.resolve_image(request.ref, request.platform, request.mode))
            except BaseException as error:
                answer.refuse(error)
                if not isinstance(error, Exception):
                    raise


class _Answer:
    """What will be known about one request."""

    __slots__ = ("_claim", "_done", "_error", "_value")

    def __init__(self) -> None:
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._value: ResolvedImage | None = None
        self._error: BaseException | None = None

    def claim(self) -> bool:
        """True for the first who asks."""
        return self._claim.acquire(blocking=False)

    def give(self, value: ResolvedImage) -> None:
        self._value = value
        self._done.set()

    def refuse(self, error: BaseException) -> None:
        self._error = error
        self._done.set()

    def wait(self) -> ResolvedImage:
        self._done.wait()
        if self._value is None:
            raise self._error or AssertionError("an answer or an error is given")
        return self._value
