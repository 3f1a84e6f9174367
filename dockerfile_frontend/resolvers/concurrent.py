"""Every question once, several at a time. The one place where resolving knows of threads.

    resolver = Concurrent(registry)
    resolver.prefetch([ImageRequest("docker.io/library/node:22", amd64), ImageRequest("docker.io/library/go:1", amd64)])
    resolver.resolve_image("docker.io/library/node:22", amd64, "default")   # under way already: waits for the answer

Answers and refusals are kept for as long as the object lives, so that an image means the same to all of a build.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from dockerfile_frontend.semantics.resolver import ImageRequest, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from dockerfile_frontend.semantics.platforms import Platform
    from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveMode

Known = TypeVar("Known")


class Concurrent(Resolver):
    """Makes a resolver fit for many stages. Safe in threads."""

    def __init__(self, inner: Resolver, workers: int = 8) -> None:
        """`workers` is how many questions are under way at once, at most."""
        self._inner = inner
        self._workers = workers
        self._running = 0
        self._answers: dict[ImageRequest, _Answer[ResolvedImage]] = {}
        self._layouts: dict[Hashable, _Answer[ResolvedImage]] = {}
        self._times: dict[Hashable, _Answer[int | None]] = {}
        self._waiting: deque[ImageRequest] = deque()
        self._lock = threading.Lock()

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:
        request = ImageRequest(ref, platform, mode)
        with self._lock:
            answer = self._answers.setdefault(request, _Answer())
        return answer.get(partial(self._ask, request))

    def resolve_layout(self, store: str, ref: str, platform: Platform) -> ResolvedImage:
        with self._lock:
            answer = self._layouts.setdefault((store, ref, platform), _Answer())
        return answer.get(partial(self._inner.resolve_layout, store, ref, platform))

    def source_time(self, identifier: str, attrs: Mapping[str, str]) -> int | None:
        with self._lock:
            answer = self._times.setdefault((identifier, tuple(sorted(attrs.items()))), _Answer())
        return answer.get(partial(self._inner.source_time, identifier, attrs))

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
            answer.work_on(partial(self._ask, request))

    def _ask(self, request: ImageRequest) -> ResolvedImage:
        return self._inner.resolve_image(request.ref, request.platform, request.mode)


class _Answer(Generic[Known]):
    """What will be known about one question."""

    __slots__ = ("_claim", "_done", "_error", "_value")

    _value: Known

    def __init__(self) -> None:
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._error: BaseException | None = None

    def get(self, ask: Callable[[], Known]) -> Known:
        """The answer. The first who comes asks for it, the others wait."""
        self.work_on(ask)
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value

    def work_on(self, ask: Callable[[], Known]) -> None:
        """Get the answer, unless somebody else is at it."""
        if not self._claim.acquire(blocking=False):
            return
        try:
            self._value = ask()
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._done.set()
