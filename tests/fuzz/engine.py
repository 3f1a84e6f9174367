"""A small fuzzer: mutates seeds, keeps what shows new behaviour, reports what crashes or hangs.

    search(target, seeds, rng, rounds=10_000)  ->  Report(runs=10_000, kept=21, findings=[Finding(b"…", "KeyError: …")])

A target takes bytes and returns a word on what happened; inputs that give a new word are kept and mutated further. A
refusal is such a word. Any exception, and more than `PATIENCE` seconds, is a finding.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import NoReturn

Target = Callable[[bytes], str]
PATIENCE = 10.0
"""Seconds of the processor that one input may take: on a busy machine the clock goes on without us."""
SAID = 400
"""Characters of a message that tell its kind."""
LONGEST = 1 << 16
"""Bytes of one input: longer ones are the business of tests of their own."""


class Hang(BaseException):
    """Raised inside a target that takes too long; no Exception, so that nothing on the way catches it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input and what it did."""

    data: bytes
    what: str


@dataclass(slots=True)
class Report:
    """What a search did."""

    runs: int = 0
    kept: int = 0
    findings: list[Finding] = field(default_factory=list)


def search(
    target: Target,
    seeds: Sequence[bytes],
    rng: Random,
    *,
    tokens: Sequence[bytes] = (),
    rounds: int | None = None,
    seconds: float | None = None,
) -> Report:
    """Run until `rounds` or `seconds` are used up. One finding is kept of each kind."""
    report, corpus, words, kinds = Report(), list(seeds) or [b""], set[str](), set[str]()
    end = None if seconds is None else time.monotonic() + seconds
    pending = list(corpus)
    while (rounds is None or report.runs < rounds) and (end is None or time.monotonic() < end):
        data = pending.pop() if pending else mutate(rng.choice(corpus), corpus, tokens, rng)
        report.runs += 1
        try:
            with patience():
                word = target(data)
        except (Exception, Hang) as error:  # noqa: BLE001  anything is a finding
            kind = generalize(f"{type(error).__name__}: {error}")
            if kind not in kinds:
                kinds.add(kind)
                report.findings.append(Finding(data, f"{type(error).__name__}: {error}"))
            continue
        if word not in words:
            words.add(word)
            corpus.append(data)
            report.kept += 1
    return report


def generalize(message: str) -> str:
    """A message without what varies from input to input: names, numbers, quoted text."""
    message = message[:SAID]
    return re.sub(r"\"[^\"]*(?:\"|$)|'[^']*'|`[^`]*`|\S*[\[\]{}%.\d\\][^ ]*", "_", message)[:50]


@contextmanager
def patience() -> Iterator[None]:
    def give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise Hang(f"more than {PATIENCE:.0f} seconds")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def mutate(data: bytes, corpus: Sequence[bytes], tokens: Sequence[bytes], rng: Random) -> bytes:
    """Between one and six small changes."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        data = rng.choice(CHANGES)(data, corpus, tokens, rng)
    return data[:LONGEST]


Change = Callable[[bytes, Sequence[bytes], Sequence[bytes], Random], bytes]


def span(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 1, 2, 4, 16, 64, 256)))


def flip(data: bytes, _corpus: Sequence[bytes], _tokens: Sequence[bytes], rng: Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def put_byte(data: bytes, _corpus: Sequence[bytes], _tokens: Sequence[bytes], rng: Random) -> bytes:
    start, end = span(data, rng)
    return (
        data[:start]
        + bytes([rng.choice(b"\x00\x01\x7f\x80\xff\n\r\t \"'\\`${}<>-=[],:@/") for _ in range(2)])
        + data[end:]
    )


def put_token(data: bytes, corpus: Sequence[bytes], tokens: Sequence[bytes], rng: Random) -> bytes:
    if not tokens:
        return put_byte(data, corpus, tokens, rng)
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(tokens) + data[at:]


def remove(data: bytes, _corpus: Sequence[bytes], _tokens: Sequence[bytes], rng: Random) -> bytes:
    start, end = span(data, rng)
    return data[:start] + data[end:]


def repeat(data: bytes, _corpus: Sequence[bytes], _tokens: Sequence[bytes], rng: Random) -> bytes:
    start, end = span(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 2, 8, 100)) + data[end:]


def splice(data: bytes, corpus: Sequence[bytes], _tokens: Sequence[bytes], rng: Random) -> bytes:
    other = rng.choice(corpus)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


CHANGES: tuple[Change, ...] = (flip, put_byte, put_token, put_token, remove, repeat, splice)
