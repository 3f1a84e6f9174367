from __future__ import annotations

import threading

import pytest

from dockerfile_frontend.resolvers.concurrent import Concurrent
from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveError
from tests.resolvers.samples import AMD64, ARM64, Counting


def test_each_question_once() -> None:
    inner = Counting()
    resolver = Concurrent(inner)
    answers = [resolver.resolve_image("a/b:1", AMD64, "default") for _ in range(3)]
    resolver.resolve_image("a/b:1", ARM64, "default")
    assert inner.asked == [("a/b:1", AMD64), ("a/b:1", ARM64)]
    assert answers[0] == answers[1] == answers[2]


def test_a_refusal_is_remembered() -> None:
    inner = Counting()
    resolver = Concurrent(inner)
    for _ in range(2):
        with pytest.raises(ResolveError, match="nowhere/a:1: not found"):
            resolver.resolve_image("nowhere/a:1", AMD64, "default")
    assert len(inner.asked) == 1


def meet(barrier: threading.Barrier) -> None:
    barrier.wait()


def test_what_is_announced_is_asked_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=120)
    inner = Counting(lambda _: meet(together))
    resolver = Concurrent(inner)
    requests = [ImageRequest(f"a/{name}:1", AMD64) for name in "xyz"]
    resolver.prefetch([*requests, *requests])
    for request in requests:
        assert resolver.resolve_image(request.ref, request.platform, "default").ref == request.ref
    assert len(inner.asked) == 3


def test_no_more_than_allowed_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    turn = threading.Semaphore(0)

    def count(_: str) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        turn.release()
        turn.acquire(timeout=120)
        with lock:
            running -= 1

    resolver = Concurrent(Counting(count), workers=2)
    requests = [ImageRequest(f"a/b:{number}", AMD64) for number in range(20)]
    resolver.prefetch(requests)
    for request in requests:
        resolver.resolve_image(request.ref, request.platform, "default")
    assert most <= 3  # two workers, and the one who asks


def test_a_single_question_is_left_to_who_asks_it() -> None:
    inner = Counting()
    Concurrent(inner).prefetch([ImageRequest("a/b:1", AMD64)])
    assert inner.asked == []


def test_many_threads_get_the_one_answer() -> None:
    together = threading.Barrier(8, timeout=120)
    inner = Counting()
    resolver = Concurrent(inner)
    got: list[ResolvedImage] = []

    def ask() -> None:
        together.wait()
        got.append(resolver.resolve_image("a/b:1", AMD64, "default"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(inner.asked) == 1
    assert len(got) == 8


def test_a_broken_resolver_does_not_hang_those_who_wait() -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError

    resolver = Concurrent(Counting(fail))
    requests = [ImageRequest(f"a/{name}:1", AMD64) for name in "xyz"]
    resolver.prefetch(requests)
    for request in requests:
        with pytest.raises(ZeroDivisionError):
            resolver.resolve_image(request.ref, request.platform, "default")


def test_the_other_questions_are_asked_once_too() -> None:
    inner = Counting()
    resolver = Concurrent(inner)
    for _ in range(3):  # each stage that begins with the layout asks
        assert resolver.resolve_layout("store", "a@b", AMD64).ref == "store:a@b"
        assert resolver.source_time("https://a/b", {"x": "y"}) == 1
        assert resolver.source_time("git://a/b", {}) is None
    resolver.resolve_layout("store", "a@b", ARM64)
    resolver.source_time("https://a/b", {})
    assert inner.others == [
        ("store", "a@b", "amd64"),
        ("https://a/b", "x"),
        ("git://a/b",),
        ("store", "a@b", "arm64"),
        ("https://a/b",),
    ]
