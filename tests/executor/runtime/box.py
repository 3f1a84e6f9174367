r"""A root file system of busybox and containers in it, as root and rootless.

box.run("id -u", user="app").out == "1000\n"
box.write("etc/passwd", "app:x:1000:1000::/home/app:/bin/sh\n")
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from dockerfile_frontend.executor.runtime.container import ContainerMount, ContainerSpec, Process
from tests.executor.runtime.driver import Job, Outcome

NOBODY = 65534
APPLETS = (
    "cat", "chmod", "chown", "cp", "dd", "df", "echo", "env", "find", "grep", "head", "hostname", "id", "ip", "kill",
    "ln", "ls", "mkdir", "mknod", "mount", "mv", "nc", "ps", "pwd", "readlink", "rm", "rmdir", "sed", "seq", "sh",
    "sleep", "sort", "stat", "stty", "sync", "tail", "test", "touch", "tr", "true", "tty", "umask", "umount", "uname",
    "unshare", "wc", "which", "yes",
)  # fmt: skip


class Box:
    """One root file system and how containers in it are run. `user` is the uid that runs them: 0 or an ordinary one."""

    def __init__(self, home: Path, uid: int, busybox: Path) -> None:
        self.home = home
        self.uid = uid
        self.root = home / "root"
        self.store = home / "store"
        home.mkdir(mode=0o755)
        for folder in (self.store, self.root, self.root / "bin", self.root / "etc", self.root / "tmp"):
            folder.mkdir()
        shutil.copy(busybox, self.root / "bin/busybox")
        for applet in APPLETS:
            (self.root / "bin" / applet).symlink_to("busybox")
        self.give(home)

    @property
    def rootless(self) -> bool:
        return self.uid != 0

    def give(self, path: Path) -> None:
        """Make the user the owner of all below `path`."""
        if os.geteuid() == 0:
            for found in (path, *path.rglob("*")):
                os.chown(found, self.uid, self.uid, follow_symlinks=False)

    def write(self, path: str, text: str | bytes, mode: int = 0o644) -> Path:
        """A file in the root file system."""
        return self.place(self.root / path, text, mode)

    def place(self, target: Path, text: str | bytes, mode: int = 0o644) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        target.chmod(mode)
        self.give(target.parent)
        return target

    def folder(self, name: str, **files: str) -> Path:
        """A directory beside the root file system, to be mounted."""
        path = self.home / name
        path.mkdir(exist_ok=True)
        for file, text in files.items():
            (path / file).write_text(text)
        self.give(path)
        return path

    def run(self, *command: str, mounts: tuple[ContainerMount, ...] = (), engine: str = "", **fields: Any) -> Outcome:
        """Run a shell command, or with several words a program; fields are those of Process and ContainerSpec."""
        return self.send(self.job(*command, mounts=mounts, engine=engine, **fields))

    def job(
        self, *command: str, engine: str = "", private_network: bool = False, enter: bool = True, **fields: Any
    ) -> Job:
        args = ("/bin/sh", "-c", *command) if len(command) == 1 else command
        own = {name: fields.pop(name) for name in Process.__match_args__ if name in fields}
        own.setdefault("env", ("PATH=/bin",))
        spec = ContainerSpec(str(self.root), Process(args, **own), **fields)
        return Job(spec, str(self.store), engine, private_network, enter)

    def send(self, job: Job, setup: str = "") -> Outcome:
        """Run a job. `setup` is a shell command that runs before it in a mount namespace of root's."""
        driver = [sys.executable, str(Path(__file__).with_name("driver.py")), str(self.uid)]
        command = ["unshare", "-m", "sh", "-c", f"{setup} && exec {' '.join(driver)}"] if setup else driver
        environment = {"PATH": os.environ["PATH"], "SENTINEL": "host-only", "HOME": "/nowhere"}
        done = subprocess.run(
            command, input=pickle.dumps(job), capture_output=True, env=environment, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr.decode()
        outcome = pickle.loads(done.stdout)  # noqa: S301 - our own driver wrote it
        assert isinstance(outcome, Outcome)
        return outcome

    def tree(self) -> set[str]:
        """Paths in the root file system, without busybox's."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in found if not path.startswith("bin/")}
