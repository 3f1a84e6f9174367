"""A shell where a step failed: what it wrote is there, so are its mounts, and none of it becomes part of anything."""

from __future__ import annotations

import os
import pickle
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor.session import Secret
from tests.executor.exec.bench import Bench, bind, cache, secret
from tests.executor.exec.driver import Job

Talk = Callable[[bytes, bytes], bytes]


def main(path: str) -> None:
    """Solve a job whose step fails, and open the shell."""
    from dockerfile_frontend.executor import userns
    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.ops.exec_run import open_shell
    from dockerfile_frontend.executor.runtime.faults import ProcessError
    from dockerfile_frontend.executor.solve import solve
    from dockerfile_frontend.executor.solver.model import StepError
    from dockerfile_frontend.executor.store import Store
    from tests.executor.exec.driver import import_all
    from tests.executor.runtime.driver import become

    job: Job = pickle.loads(Path(path).read_bytes())  # noqa: S301 - our own test wrote it
    import_all()
    os.environ["DFC_RUNTIME"] = job.engine
    become(job.uid)
    userns.enter()
    with Store.open(job.store) as store, Machine(store, job.session) as machine:
        with pytest.raises(StepError) as caught:
            solve(job.definitions, machine)
        failure = caught.value.cause
        assert isinstance(failure, ProcessError)
        assert failure.failed
        print(failure)
        print("code", open_shell(failure.failed, machine))


@contextmanager
def shell(job: Job, tmp_path: Path) -> Iterator[tuple[int, Talk]]:
    """The process on a new terminal, and how to talk to it."""
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, __file__, str(tmp_path / "job")])  # noqa: S606 - this file

    def talk(text: bytes, answer: bytes) -> bytes:
        """Type, and wait for the answer; what gets lost while the shell changes the terminal's mode is typed again."""
        heard = b""
        deadline = time.monotonic() + PATIENCE
        while answer not in heard:
            assert time.monotonic() < deadline, heard
            os.write(terminal, text)
            while select.select([terminal], [], [], 2)[0] and answer not in heard:
                heard += os.read(terminal, 1000)
        return heard

    try:
        yield pid, talk
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.close(terminal)


def test_it_sees_what_the_step_saw_and_wrote(bench: Bench, tmp_path: Path) -> None:
    token = bench.home.parent / "token"
    token.write_text("the-secret")
    bench.give(token)
    bench.context("src", {"file": "of the client"})
    graph = bench.graph()
    mounts = [
        (bind("/src", readonly=False), graph.local("src")),
        (cache("/c"), None),
        (secret("/s", "token"), None),
    ]
    step = graph.step("echo half > /half; echo changed > /src/file; echo > /c/cached; exit 3", mounts=mounts)
    session = bench.session(secrets={"token": Secret(token)}, keep_failed=True)
    with shell(bench.job(*graph.at(step), session=session), tmp_path) as (pid, talk):
        assert b"did not complete successfully: exit code: 3" in talk(b"", b"# ")
        heard = talk(b"cat /half /src/file /s; ls /c; echo do''ne\n", b"done")
        assert b"half\r\nchanged\r\nthe-secret" in heard
        assert b"cached\r\n" in heard
        talk(b"exit 4\n", b"code 4")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (bench.contexts["src"] / "file").read_text() == "of the client"
    again = bench.build(*graph.at(step), secrets={"token": Secret(token)})
    assert again.error.endswith("exit code: 3")


def test_without_being_asked_nothing_is_kept(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("head -c 3000000 /dev/zero > /big; exit 1"))
    assert outcome.error
    sizes = [path.stat().st_size for path in bench.store.glob("layers/**/big")]
    assert sizes == []


@pytest.mark.parametrize(
    ("args", "shell"),
    [
        (("/bin/sh", "-c", "make"), "/bin/sh"),
        (("/bin/bash", "-o", "pipefail", "-c", "make"), "/bin/bash"),
        (("/app/server", "--flag", "x"), "/bin/sh"),
        (("/bin/sh",), "/bin/sh"),
    ],
)
def test_the_shell_that_ran_the_step_is_taken(args: tuple[str, ...], shell: str) -> None:
    from dockerfile_frontend.executor.ops.exec_run import shell_of

    assert shell_of(args) == shell


if __name__ == "__main__":
    main(*sys.argv[1:])
