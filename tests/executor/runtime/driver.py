"""Runs in a process of its own: enters the namespaces, runs one container, tells what came out.

stdin   pickle of Job      stdout   pickle of Outcome
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.executor.runtime import driver  # what is pickled belongs to the module, not to the script

    driver.main(int(sys.argv[1]))
    sys.exit()

from dockerfile_frontend.executor import userns
from dockerfile_frontend.executor.network import PrivateNetwork
from dockerfile_frontend.executor.runtime.container import ContainerSpec
from dockerfile_frontend.executor.runtime.runtime import Runtime
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.syscalls import prctl


@dataclass
class Job:
    """What to run, and where."""

    spec: ContainerSpec
    store: str
    engine: str = ""
    private_network: bool = False
    enter: bool = True


@dataclass
class Outcome:
    """What came of it."""

    code: int = -1
    out: str = ""
    err: str = ""
    raw: bytes = b""
    error: str = ""
    hint: str = ""
    engine: str = ""
    cgroups: bool = False
    out_of_memory: bool = False
    out_of_processes: bool = False
    fault: str = ""
    """Name of the exception."""
    left: list[str] = field(default_factory=list)
    """Mounts and children that were there afterwards and not before."""

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def main(uid: int) -> None:
    become(uid)
    job = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own test wrote it
    answer = os.dup(1)
    os.dup2(2, 1)
    if job.enter:
        userns.enter()
    outcome = run(job)
    with os.fdopen(answer, "wb") as file:
        pickle.dump(outcome, file)


LAZY = (
    "base64", "encodings.ascii", "encodings.latin_1", "encodings.unicode_escape", "hashlib", "pwd", "socket", "struct",
    "dockerfile_frontend.executor.binfmt", "dockerfile_frontend.executor.ssh",
)  # fmt: skip


def become(uid: int) -> None:
    """Go on as this user. Everything is imported before: the interpreter may lie in a folder of root's."""
    for module in LAZY:
        importlib.import_module(module)
    if uid != os.geteuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        prctl(PR_SET_DUMPABLE, 1)  # as after exec, so that /proc/self is ours


PR_SET_DUMPABLE = 4


def run(job: Job) -> Outcome:
    outcome = Outcome()
    streams: dict[int, list[bytes]] = {1: [], 2: []}
    before = remains()
    try:
        sandbox = PrivateNetwork if job.private_network else None
        with Runtime(job.store, wanted=job.engine, sandbox=sandbox) as runtime:
            outcome.engine, outcome.cgroups = runtime.engine.name, runtime.engine.cgroups
            status = runtime.run(job.spec, on_data=lambda stream, data: streams[stream].append(data))
            outcome.code, outcome.out_of_memory = status.code, status.out_of_memory
            outcome.out_of_processes = status.out_of_processes
    except ExecutorError as error:
        outcome.error, outcome.hint, outcome.fault = str(error), error.hint, type(error).__name__
    outcome.raw = b"".join(streams[1])
    outcome.out, outcome.err = outcome.raw.decode("utf-8", "replace"), b"".join(streams[2]).decode("utf-8", "replace")
    outcome.left = sorted(remains() - before)
    return outcome


def remains() -> set[str]:
    """What a run must not leave: mounts of ours, children that still run, open descriptors."""
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    me = os.getpid()
    children = Path(f"/proc/self/task/{me}/children").read_text().split()
    running = {f"child {pid} {state}" for pid in children if (state := state_of(pid)) not in {"Z", ""}}
    return mounts | running | {f"fd {os.readlink(f'/proc/self/fd/{fd}')}" for fd in open_descriptors()}


def state_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def open_descriptors() -> list[int]:
    found = [int(name) for name in os.listdir("/proc/self/fd")]
    return [fd for fd in found if os.path.exists(f"/proc/self/fd/{fd}")]
