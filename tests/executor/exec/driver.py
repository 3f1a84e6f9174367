"""Solves graphs on a store in processes of their own, which enter the namespaces and tell what came out.

    driver.py SOCKET    imports everything once, then forks for each connection: a pickle of Job in, the pid and a pickle of Outcome out
"""

from __future__ import annotations

import importlib
import os
import pickle
import pkgutil
import signal
import socket
import stat
import sys
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.executor.exec import driver  # what is pickled belongs to the module, not to the script

    driver.serve(sys.argv[1])

import dockerfile_frontend.executor
from dockerfile_frontend.executor import userns
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.events import Silent, VertexInfo
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError, Tree
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.executor.syscalls import PR_SET_PDEATHSIG, prctl
from ir_schema import Definition
from tests.executor.runtime.driver import become, remains


@dataclass
class Job:
    """Graphs to solve, and with what."""

    definitions: list[Definition]
    store: str
    session: Session
    uid: int = 0
    engine: str = ""
    jobs: int = 2
    backend: str = ""


@dataclass
class Entry:
    """A file of a result."""

    mode: int
    uid: int
    gid: int
    text: bytes = b""
    """Content, or where a link leads."""

    @property
    def kind(self) -> str:
        return stat.filemode(self.mode)[0]

    @property
    def permissions(self) -> int:
        return stat.S_IMODE(self.mode)


@dataclass
class Outcome:
    """What came of it."""

    trees: list[dict[str, Entry]] = field(default_factory=list)
    """For each definition the files of its result by path, without those of /bin."""
    logs: dict[str, bytearray] = field(default_factory=dict)
    """Both streams of a step by its name."""
    ended: dict[str, str] = field(default_factory=dict)
    """By name: done, cached, or the error."""
    error: str = ""
    hint: str = ""
    cause: str = ""
    """Name of the exception behind the error."""
    left: list[str] = field(default_factory=list)
    """Mounts, children and descriptors that were there afterwards and not before."""

    @property
    def log(self) -> str:
        """All that was said."""
        return b"".join(self.logs.values()).decode("utf-8", "replace")

    @property
    def files(self) -> dict[str, Entry]:
        (tree,) = self.trees
        return tree


class Heard(Silent):
    """Remembers what steps said and how they ended."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.names: dict[str, str] = {}

    def planned(self, vertices: tuple[VertexInfo, ...]) -> None:
        self.names |= {vertex.digest: vertex.name for vertex in vertices}

    def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:
        self.outcome.ended[vertex.name] = error or ("cached" if cached else "done")

    def log(self, digest: str, stream: int, data: bytes) -> None:
        del stream
        self.outcome.logs.setdefault(self.names[digest], bytearray()).extend(data)


def serve(path: str) -> None:
    """Answer until whoever started us has ended."""
    import_all()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("up", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.setsid()
                answer(connection)
            connection.close()


def answer(connection: socket.socket) -> None:
    with connection.makefile("rwb") as stream:
        job: Job = pickle.load(stream)  # noqa: S301 - our own test wrote it
        stream.write(f"{os.getpid()}\n".encode())
        stream.flush()
        code = 0
        try:
            os.environ |= {"SENTINEL": "host-only", "DFC_RUNTIME": job.engine}
            become(job.uid)
            userns.enter()
            pickle.dump(run(job), stream)
            stream.flush()
        except BaseException:  # noqa: BLE001 - the test shows it
            stream.write(traceback.format_exc().encode())
            code = 1
        finally:
            stream.flush()
            os._exit(code)


def import_all() -> None:
    """What is imported late would not be found by a user who may not read our folder."""
    for module in pkgutil.walk_packages(dockerfile_frontend.executor.__path__, "dockerfile_frontend.executor."):
        importlib.import_module(module.name)
    for name in ("dockerfile_frontend.gostd.text", "dockerfile_frontend.patterns", "sqlite3", "json", "pwd", "queue"):
        importlib.import_module(name)


def run(job: Job) -> Outcome:
    outcome = Outcome()
    before = remains()
    try:
        with (
            Store.open(job.store, backend=job.backend) as store,
            Machine(store, job.session, Heard(outcome), jobs=job.jobs) as machine,
        ):
            for result in solve(job.definitions, machine):
                assert isinstance(result, Tree)
                with store.view(result.layers) as view:
                    outcome.trees.append(listing(view.fd))
    except ExecutorError as error:
        outcome.error, outcome.hint = str(error), error.hint
        outcome.cause = type(error.cause if isinstance(error, StepError) else error).__name__
    except KeyboardInterrupt as signalled:
        outcome.error, outcome.cause = f"interrupted by {signalled}", "KeyboardInterrupt"
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
    outcome.left = sorted(remains() - before)
    return outcome


def listing(root: int) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for folder, names, others, fd in os.fwalk(".", dir_fd=root):
        for name in [*names, *others]:
            path = os.path.normpath(os.path.join(folder, name))
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            text = b""
            if stat.S_ISREG(status.st_mode) and not path.startswith("bin/"):
                with open(os.open(name, os.O_RDONLY, dir_fd=fd), "rb") as file:
                    text = file.read(1 << 16)
            elif stat.S_ISLNK(status.st_mode):
                text = os.fsencode(os.readlink(name, dir_fd=fd))
            found[path] = Entry(status.st_mode, status.st_uid, status.st_gid, text)
    return {path: entry for path, entry in found.items() if path != "bin" and not path.startswith("bin/")}
