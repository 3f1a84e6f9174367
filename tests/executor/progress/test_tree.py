"""The live tree, on a terminal of a given size."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios

import pytest

from dockerfile_frontend.executor.progress.tree import _lines, _Row
from tests.running import ROOT

SCRIPT = """
import sys, time
from dockerfile_frontend.executor.progress import open_display, settle_mode, tree
from tests.executor.progress.steps import BASE, COPY, LINT, MAKE
tree.APPEARS_AFTER = {appears_after}
display = open_display(settle_mode("auto", sys.stderr), sys.stderr)
try:
    display.planned((BASE, COPY, MAKE, LINT))
    display.completed(BASE, cached=True)
    display.started(COPY)
    display.status(COPY.digest, "transferring", 700_000, 1_000_000)
    {middle}
    display.completed(COPY)
    display.started(MAKE)
    display.log(MAKE.digest, 1, b"cc \\x1b[2J-c main.c\\n" + b"linking " + b"x" * 200)
    {wait}
    display.completed(MAKE, error="exit code: 1")
    display.completed(LINT, error="canceled")
except KeyboardInterrupt:
    pass
finally:
    display.close()
    display.close()
"""
WAIT = "print(flush=True); sys.stdin.readline()"
"""Until what is there has been drawn."""
DRAWN = b"[+] Building"


def on_terminal(
    columns: int, rows: int, *, middle: str = WAIT, wait: str = WAIT, appears_after: float = 0.1, interrupt: bool = False, **env: str
) -> str:
    """All that the script above writes to a terminal of that size."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env}
    for name in ("COLUMNS", "LINES", *(() if "NO_COLOR" in env else ("NO_COLOR",))):
        environment.pop(name, None)
    command = [sys.executable, "-c", SCRIPT.format(middle=middle, wait=wait, appears_after=appears_after)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=follower, cwd=ROOT, env=environment, bufsize=0) as running:
        os.close(follower)
        assert running.stdin
        assert running.stdout
        text, enough = b"", 0
        while data := read_terminal(leader):
            text += data
            if interrupt and b"transferring" in text:
                interrupt = False
                running.send_signal(signal.SIGINT)
            if not enough and select.select([running.stdout], [], [], 0)[0] and running.stdout.read(1):
                enough = text.count(DRAWN) + 3  # one may have been begun before, and one is not yet whole
            if enough and text.count(DRAWN) >= enough:
                enough = 0
                running.stdin.write(b"\n")
    os.close(leader)
    assert running.returncode == 0
    return text.decode()


def read_terminal(leader: int) -> bytes:
    """What comes next; nothing at the end."""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""


def last_picture(text: str) -> list[str]:
    """The last thing drawn, as lines without styles."""
    end = text[text.rindex("[+] Building") :]
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).rstrip() for line in end.splitlines() if line.strip()]


def test_the_tree_while_it_runs_and_at_the_end() -> None:
    text = on_terminal(100, 30)
    for seen in ("━━━━━━━━━━━━━━ ", "700.00kB / 1.00MB", " => => transferring", " => => # cc -c main.c", " => => # linking xx"):
        assert seen in text
    picture = last_picture(text)
    assert re.fullmatch(r"\[\+\] Building \d+\.\ds \(4/4\) FAILED", picture[0])
    assert [re.sub(r" +\d+\.\ds$", "", line) for line in picture[1:5]] == [
        " => CACHED [1/3] FROM docker.io/library/base",
        " => [2/3] COPY . .",
        " => ERROR [3/3] RUN make",
        " => CANCELED [lint 2/2] RUN lint",
    ]
    assert all(len(line) == 100 for line in picture[1:5])
    assert "\x1b[2J" not in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is there again


def test_a_narrow_and_low_terminal() -> None:
    text = on_terminal(24, 4)
    assert "━" not in text
    for line in last_picture(text):
        assert len(line) <= 24
    assert last_picture(text)[3].startswith(" => ERROR [3/3] R")


def test_no_colour_when_it_is_not_wanted() -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3\d[0-9;]*m")
    assert coloured.search(on_terminal(80, 24))
    assert not coloured.search(on_terminal(80, 24, NO_COLOR="1"))


def test_a_dumb_terminal_and_a_pipe_get_plain_lines() -> None:
    text = on_terminal(80, 24, TERM="dumb", middle="pass", wait="pass")
    assert text.startswith("#1 [1/3] FROM docker.io/library/base\r\n#1 CACHED\r\n")
    assert "\x1b" not in text


def test_a_build_that_is_over_at_once_is_one_line() -> None:
    text = on_terminal(80, 24, middle="pass", wait="pass", appears_after=60)
    assert re.fullmatch(r"\[\+\] Building \d+\.\ds \(4/4\) FAILED\r\n", text)


def test_an_interrupt_gives_the_terminal_back() -> None:
    text = on_terminal(80, 24, middle="time.sleep(60)", interrupt=True)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


@pytest.mark.parametrize(("room", "names"), [(None, "abcde"), (5, "abcde"), (3, "bde"), (1, "d")])
def test_where_there_is_no_room_running_steps_and_the_newest_stay(room: int | None, names: str) -> None:
    rows = []
    for name, began, ended in (("a", 1, 2), ("b", 1, 0), ("c", 2, 3), ("d", 2, 0), ("e", 3, 4)):
        row = _Row(name)
        row.began, row.ended = float(began), float(ended)
        rows.append(row)
    assert "".join(text.removeprefix(" => ") for text, _, _ in _lines(rows, 80, room)) == names
