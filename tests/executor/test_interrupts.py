"""Signals at any moment: the build ends, nothing waits for ever, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from dockerfile_frontend.executor.interrupts import Hold, run_threads

ROOT = str(Path(__file__).parents[2])


def program(body: str) -> subprocess.Popen[str]:
    """A process of its own, which has said that it is up."""
    code = (
        "import os, signal, time\n"
        "from dockerfile_frontend.executor import interrupts\n"
        "from dockerfile_frontend.executor.interrupts import Hold, install\n"
        f"say = lambda *words: print(*words, flush=True)\n{textwrap.dedent(body)}"
    )
    args = [sys.executable, "-c", code]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def rest(process: subprocess.Popen[str]) -> str:
    """All that it says from now on; `communicate` would leave out what was read together with a line before."""
    assert process.stdout
    assert process.stderr
    said = process.stdout.read()
    assert process.stderr.read() == ""
    return said


def test_signals_at_many_moments() -> None:
    script = str(Path(__file__).with_name("interrupted.py"))
    seed = os.urandom(4).hex()
    ended = subprocess.run(
        [sys.executable, script, "800", seed], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stdout == "800 0 0\n", (seed, ended.stderr)


def test_work_that_ends_by_itself() -> None:
    done: list[int] = []
    run_threads(lambda: done.append(1), 3, lambda: done.append(100))
    assert sum(done) == 3


def test_a_thread_that_fails_stops_the_others() -> None:
    stopped = threading.Event()
    turns = iter(range(3))

    def work() -> None:
        if next(turns) == 1:
            raise ValueError("one of three")
        assert stopped.wait(60)

    with pytest.raises(ValueError, match="one of three"):
        run_threads(work, 3, stopped.set)


def test_the_block_ends_before_the_interrupt_comes_and_handlers_are_as_before() -> None:
    steps: list[str] = []
    with pytest.raises(KeyboardInterrupt, match="SIGHUP"), Hold() as hold:
        os.kill(os.getpid(), signal.SIGHUP)
        hold.wait()
        steps.append("after the signal")
    assert steps == ["after the signal"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Hold() as hold:
            os.kill(os.getpid(), signal.SIGHUP)
        assert hold.noted == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_one_hold_in_another() -> None:
    with pytest.raises(KeyboardInterrupt), Hold() as outer, Hold():
        os.kill(os.getpid(), signal.SIGINT)
    assert outer.noted == 0


def test_the_third_ends_it_hard() -> None:
    body = """
        interrupts.PATIENCE = 600
        with Hold() as hold:
            say("up")
            while True:
                hold.wait()
                say("noted")
        """
    with program(body) as process:
        assert process.stdout
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "noted\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_a_burst_is_one() -> None:
    """A terminal that closes, its shell and a waiting process may all send at once."""
    body = """
        interrupts.BURST = 600
        try:
            with Hold() as hold:
                say("up")
                for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    os.kill(os.getpid(), number)
                hold.wait()
        except KeyboardInterrupt:
            say("whole")
        """
    with program(body) as process:
        assert rest(process) == "whole\n"


def test_outside_of_a_block_only_the_first_raises_once_installed() -> None:
    body = """
        interrupts.PATIENCE = 600
        install()
        try:
            say("up")
            signal.pause()
        except KeyboardInterrupt as error:
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGTERM)
            say(error)
        """
    with program(body) as process:
        process.send_signal(signal.SIGTERM)
        assert rest(process) == "SIGTERM\n"


def test_without_a_block_a_signal_does_what_it_did() -> None:
    with program("with Hold(): pass\nsay('up'); signal.pause()") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
