"""A shell in a failed step's container, on the terminal of whoever started the build."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.waiting import PATIENCE

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor.runtime.container import ContainerSpec, Process
from dockerfile_frontend.executor.runtime.runtime import Runtime
from tests.executor.runtime.box import Box


def main(uid: str, store: str, root: str) -> None:
    from dockerfile_frontend.executor import userns
    from tests.executor.runtime.driver import become

    become(int(uid))
    userns.enter()
    spec = ContainerSpec(root, Process(("/bin/sh",), env=("PATH=/bin", "PS1=> "), terminal=True))
    with Runtime(store) as runtime:
        try:
            print("code", runtime.run(spec).code)
        except KeyboardInterrupt:
            print("interrupted")


Talk = Callable[[bytes, bytes], None]


@contextmanager
def shell(box: Box) -> Iterator[tuple[int, Talk]]:
    """A shell in a container on a new terminal: the process that started it, and how to talk to it."""
    pid, terminal = pty.fork()
    if pid == 0:
        args = [sys.executable, __file__, str(box.uid), str(box.store), str(box.root)]
        os.execv(sys.executable, args)  # noqa: S606 - the test's own program

    def talk(text: bytes, answer: bytes) -> None:
        """Type, and wait for the answer; what gets lost while the shell changes the terminal's mode is typed again."""
        heard = b""
        deadline = time.monotonic() + PATIENCE
        while answer not in heard:
            assert time.monotonic() < deadline, heard
            os.write(terminal, text)
            while select.select([terminal], [], [], 1)[0] and answer not in heard:
                heard += os.read(terminal, 1000)

    try:
        yield pid, talk
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.close(terminal)


def test_a_shell_on_the_terminal(box: Box) -> None:
    with shell(box) as (pid, talk):
        talk(b"", b"> ")
        talk(b"tty\n", b"/dev/")
        talk(b"echo re''ady; sleep 999\n", b"ready")  # what is typed is echoed; only the command prints it so
        talk(b"\x03", b"> ")
        talk(b"exit 4\n", b"code 4")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_signal_ends_the_shell(box: Box) -> None:
    with shell(box) as (pid, talk):
        talk(b"echo re''ady\n", b"ready")
        os.kill(pid, signal.SIGTERM)
        talk(b"", b"interrupted")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert list(box.store.glob("*.lock")) == []


if __name__ == "__main__":
    main(*sys.argv[1:])
