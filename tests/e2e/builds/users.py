"""Builders that are ordinary users of this machine: one has a single id, one has subordinate ids, too.

    with ordinary_users(folder, base) as users: users["one id"].build(request, archive)  ->  Built(0, "")
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.casefiles import Case
from tests.components import require
from tests.e2e.builds.builders import PATIENCE, Base, Built, Request
from tests.executor.runtime.box import NOBODY
from tests.running import as_user

SUBORDINATE = f"{NOBODY}:100000:65536\n"


@dataclass(frozen=True, slots=True)
class User:
    """A process that builds as the user, in namespaces that know of its subordinate ids or of none."""

    process: subprocess.Popen[str]
    home: Path
    base: Base
    agent: str
    """Socket of the user's own SSH agent: agents talk to nobody else."""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def build(self, request: Request, archive: Path) -> Built:
        base = f"--build-context=base=oci-layout://{self.base.layout}:{self.base.tag}"
        options = [f"--ssh=default={self.agent}" if word.startswith("--ssh=") else word for word in request.options]
        made, log = self.home / archive.name, self.home / "log"
        job = {
            "argv": ["build", base, *options, f"--output=type=oci,dest={made}", "."],
            "cwd": str(request.context),
            "env": {"PATH": os.environ["PATH"], "HOME": str(self.home), "DFC_ROOT": str(self.home / "store"), **request.environment},
            "log": str(log),
        }
        with self.turn:
            status = self._ask(job)
        if made.exists():
            shutil.move(made, archive)
        return Built(status, log.read_text(errors="replace"))

    def _ask(self, job: Mapping[str, object]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(job)}\n")
        self.process.stdin.flush()
        hung = threading.Timer(PATIENCE, end, [self.process])
        hung.start()
        try:
            return int(self.process.stdout.readline() or "-9")
        finally:
            hung.cancel()


@contextmanager
def ordinary_users(folder: Path, base: Base) -> Iterator[dict[str, User]]:
    """`folder` lies where everybody may look."""
    mine = Base(shutil.copytree(base.layout, folder / "base"), base.tag, base.digest)
    mine.layout.chmod(0o755)
    with (
        running_agent(folder / "agent") as agent,
        running_builder(folder / "one", "") as one,
        running_builder(folder / "many", SUBORDINATE) as many,
    ):
        yield {"one id": User(one, folder / "one", mine, agent), "many ids": User(many, folder / "many", mine, agent)}


def lend(context: Path, copy: Path) -> Path:
    """A copy of a context that belongs to the users; times and modes stay as they are."""
    subprocess.run(["cp", "--archive", context, copy], check=True)
    for each in (copy, *copy.rglob("*")):
        mode = each.lstat().st_mode
        os.chown(each, NOBODY, NOBODY, follow_symlinks=False)
        if not each.is_symlink():
            each.chmod(mode & 0o7777)  # changing the owner takes setuid away
    return copy


def read_limits(case: Case) -> dict[str, str]:
    """What the case's section `rootless` says: a text by whom it is told; "but" is a path that differs."""
    limits = {}
    for line in case.sections.get("rootless", "").splitlines():
        who, _, text = line.partition(": ")
        assert text, f"{case.path}: {line!r}"
        if who.startswith("but "):
            limits["but"] = who.removeprefix("but ")
        else:
            assert who in ("one id", "everybody"), f"{case.path}: {line!r}"
            limits[who] = text
    return limits


@contextmanager
def running_builder(home: Path, subordinate: str) -> Iterator[subprocess.Popen[str]]:
    require("newuidmap")
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    ids = home.with_name(f"{home.name}-ids")
    ids.write_text(subordinate)
    mounts = " && ".join(f"mount --bind {ids} /etc/{name}" for name in ("subuid", "subgid"))
    command = as_user(NOBODY, home.with_name(f"{home.name}-code"), "tests/e2e/builds/as_user.py", mounts)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Kill it and a build that still runs."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def running_agent(home: Path) -> Iterator[str]:
    """An agent without keys; its socket."""
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    command = ["ssh-agent", "-D", "-a", f"{home}/socket"]
    with subprocess.Popen(command, user=NOBODY, group=NOBODY, extra_groups=[], stdout=subprocess.DEVNULL) as agent:
        try:
            yield f"{home}/socket"
        finally:
            agent.terminate()
