from __future__ import annotations

import io

import pytest

from dockerfile_frontend.executor.progress import plain
from dockerfile_frontend.executor.progress.grouped import Grouped
from dockerfile_frontend.executor.progress.plain import PlainLines
from tests.executor.progress.steps import BASE, COPY, LINK, LINKED, LINT, MAKE, timeless


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def display(stream: io.StringIO) -> PlainLines:
    found = PlainLines(stream)
    found.planned((BASE, COPY, MAKE, LINT))
    return found


class Clock:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(plain, "time", found)
    return found


def test_a_build_reads_as_builders_of_buildkit_know_it(display: PlainLines, stream: io.StringIO, clock: Clock) -> None:
    display.completed(BASE, cached=True)
    display.started(COPY)
    clock.now += 0.2
    display.completed(COPY)
    display.started(MAKE)
    clock.now += 0.312
    display.log(MAKE.digest, 1, b"cc -c main.c\ncc: err")
    clock.now += 12
    display.log(MAKE.digest, 2, b"or\n")
    display.completed(MAKE, error='process "/bin/sh -c make" did not complete successfully: exit code: 2')
    display.close()
    assert stream.getvalue() == (
        "#1 [1/3] FROM docker.io/library/base\n#1 CACHED\n"
        "\n#2 [2/3] COPY . .\n#2 DONE 0.2s\n"
        "\n#3 [3/3] RUN make\n#3 0.312 cc -c main.c\n#3 0.312 cc: error\n"
        '#3 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2\n'
    )


def test_digits_of_a_time_grow_fewer(display: PlainLines, stream: io.StringIO, clock: Clock) -> None:
    display.started(MAKE)
    for seconds in (9, 90, 900):
        clock.now = 1000 + seconds
        display.log(MAKE.digest, 1, b"x\n")
    assert stream.getvalue().splitlines()[1:] == ["#1 9.000 x", "#1 90.00 x", "#1 900.0 x"]


def test_steps_at_once_are_not_woven_into_each_other(display: PlainLines, stream: io.StringIO) -> None:
    display.started(MAKE)
    display.started(LINT)
    for _ in range(3):
        display.log(MAKE.digest, 1, b"make\n")
        display.log(LINT.digest, 1, b"lint\n")
    display.completed(MAKE)
    display.log(LINT.digest, 1, b"more\n")
    display.completed(LINT)
    assert timeless(stream.getvalue()) == (
        "#1 [3/3] RUN make\n#1 T make\n#1 T make\n#1 T make\n#1 DONE Ts\n"
        "\n#2 [lint 2/2] RUN lint\n#2 T lint\n#2 T lint\n#2 T lint\n#2 T more\n#2 DONE Ts\n"
    )


def test_a_step_that_ends_is_told_of_at_once(display: PlainLines, stream: io.StringIO) -> None:
    display.started(MAKE)
    display.log(MAKE.digest, 1, b"begun\n")
    display.completed(LINT, cached=True)
    display.log(MAKE.digest, 1, b"on\n")
    assert timeless(stream.getvalue()) == (
        "#1 [3/3] RUN make\n#1 T begun\n#1 ...\n\n#2 [lint 2/2] RUN lint\n#2 CACHED\n\n#1 [3/3] RUN make\n#1 T on\n"
    )


def test_another_step_speaks_when_one_has_spoken_long_enough(
    display: PlainLines, stream: io.StringIO, clock: Clock
) -> None:
    display.started(MAKE)
    display.started(LINT)
    display.log(MAKE.digest, 1, b"begun\n")
    display.log(LINT.digest, 1, b"waiting\n")
    assert "lint" not in stream.getvalue()
    clock.now += plain.HOLD_SECONDS
    display.log(LINT.digest, 1, b"now\n")
    assert stream.getvalue().endswith("#1 ...\n\n#2 [lint 2/2] RUN lint\n#2 0.000 waiting\n#2 2.000 now\n")
    display.close()


def test_what_waits_is_shown_though_nothing_more_happens(
    display: PlainLines, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "HOLD_SECONDS", 0.01)
    monkeypatch.setattr(plain, "QUICK_SECONDS", 0.01)
    display.started(MAKE)
    wait_for(display)
    assert stream.getvalue() == "#1 [3/3] RUN make\n"
    display.log(LINT.digest, 1, b"waiting\n")
    wait_for(display)
    assert "waiting" in stream.getvalue()


def wait_for(display: PlainLines) -> None:
    """Until nothing more is to come by itself."""
    while timer := display._timer:  # noqa: SLF001  what a test can wait for
        timer.join()


def test_a_stopped_step_has_not_failed(display: PlainLines, stream: io.StringIO) -> None:
    display.started(MAKE)
    display.completed(MAKE, error="canceled")
    assert stream.getvalue().endswith("#1 CANCELED\n")


def test_a_transfer_says_how_far_it_is_in_steps(display: PlainLines, stream: io.StringIO, clock: Clock) -> None:
    display.started(BASE)
    for current in range(0, 1_000_001, 10_000):
        clock.now += 0.05
        display.status(BASE.digest, "sha256:aa", current, 1_000_000)
    display.status(BASE.digest, "sha256:aa", 1_000_000, 1_000_000, done=True)
    display.status(BASE.digest, "sha256:aa", 1_000_000, 1_000_000, done=True)
    lines = stream.getvalue().splitlines()[1:]
    assert lines[0] == "#1 sha256:aa 50.00kB / 1.00MB 0.2s"
    assert 10 < len(lines) <= 21
    assert lines[-1] == "#1 sha256:aa 1.00MB / 1.00MB 5.0s done"


def test_a_quick_transfer_is_told_of_once(display: PlainLines, stream: io.StringIO, clock: Clock) -> None:
    display.started(BASE)
    display.status(BASE.digest, "extracting", 0, 0)
    display.status(BASE.digest, "extracting", 0, 0, done=True)
    assert stream.getvalue().splitlines()[1:] == ["#1 extracting done"]


def test_output_cannot_steer_the_terminal(display: PlainLines, stream: io.StringIO) -> None:
    display.started(MAKE)
    display.log(MAKE.digest, 1, b"\x1b[2J\x1b]0;title\x07red \x1b[31mred\x1b[0m\x08\n10%\r20%\r\nbad \xff\n")
    assert timeless(stream.getvalue()).splitlines()[1:] == ["#1 T red red", "#1 T 20%", "#1 T bad \ufffd"]


def test_an_unfinished_line_is_shown_when_the_build_ends(display: PlainLines, stream: io.StringIO) -> None:
    display.started(MAKE)
    display.log(MAKE.digest, 1, b"no newline")
    display.close()
    assert timeless(stream.getvalue()).endswith("#1 T no newline\n")


def test_a_group_is_one_step(stream: io.StringIO) -> None:
    display = Grouped(PlainLines(stream))
    display.planned((BASE, *LINKED))
    display.completed(BASE, cached=True)
    for vertex in LINKED:
        display.started(vertex)
    display.log(LINKED[0].digest, 1, b"said\n")
    for vertex in LINKED:
        display.completed(vertex)
    assert timeless(stream.getvalue()).endswith(f"\n#2 {LINK.name}\n#2 T said\n#2 DONE Ts\n")


def test_a_group_of_weak_members_alone_is_shown_by_its_name(stream: io.StringIO) -> None:
    display = Grouped(PlainLines(stream))
    display.planned(LINKED[1:])
    display.completed(LINKED[1], cached=True)
    display.close()
    assert stream.getvalue() == f"#1 {LINK.name}\n#1 CACHED\n"


def test_a_group_fails_with_its_member(stream: io.StringIO) -> None:
    display = Grouped(PlainLines(stream))
    display.planned(LINKED)
    display.started(LINKED[0])
    display.completed(LINKED[0], error="no such file")
    assert stream.getvalue().endswith("#1 ERROR: no such file\n")


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:  # noqa: ARG002  what a stream is given
        raise BrokenPipeError


def test_a_reader_that_goes_away_does_not_end_the_build() -> None:
    display = PlainLines(Closed())
    display.started(MAKE)
    display.completed(MAKE)
    display.close()
