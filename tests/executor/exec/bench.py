"""Graphs of steps over a busybox root, and builds of them, as root and rootless.

    graph = bench.graph()
    outcome = bench.build(graph.run("make > /out"))
    outcome.files["out"].text
"""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.session import Session
from ir_schema import Definition, Vertex, encode_llb
from ir_schema.ops import (
    Body,
    BuildOp,
    CacheOpt,
    CacheSharing,
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Meta,
    Mount,
    MountType,
    Op,
    OpMetadata,
    Platform,
    SecretOpt,
    SourceOp,
    SSHOpt,
    TmpfsOpt,
)
from tests.executor.exec.driver import Job, Outcome
from tests.executor.runtime.box import APPLETS

PATH = ("PATH=/bin",)
NOTHING = -1


class Bench:
    """A store, a client's directories, and the user who builds."""

    def __init__(self, home: Path, uid: int, busybox: Path, engine: str, driver: str) -> None:
        self.home = home
        self.uid = uid
        self.engine = engine
        self._driver = driver
        home.mkdir(mode=0o755)
        self.store = home / "store"
        self.contexts: dict[str, Path] = {}
        self.base = self.context("base", {"etc/passwd": "", "tmp/keep": ""})
        (self.base / "bin").mkdir()
        shutil.copy(busybox, self.base / "bin/busybox")
        for applet in APPLETS:
            (self.base / "bin" / applet).symlink_to("busybox")
        self.write("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n")
        self.give(home)

    @property
    def rootless(self) -> bool:
        return self.uid != 0

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            for found in (path, *path.rglob("*")):
                os.chown(found, self.uid, self.uid, follow_symlinks=False)

    def context(self, name: str, files: dict[str, str]) -> Path:
        """A directory of the client under this name."""
        folder = self.contexts[name] = self.home / f"context-{name}"
        folder.mkdir(exist_ok=True)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self.give(folder)
        return folder

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file of the base."""
        target = self.base / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        self.give(target.parent)
        return target

    def graph(self) -> Graph:
        return Graph()

    def session(self, **fields: Any) -> Session:
        return Session(contexts=self.contexts, **fields)

    def job(self, *definitions: Definition, session: Session | None = None, **fields: Any) -> Job:
        return Job(list(definitions), str(self.store), session or self.session(), self.uid, self.engine, **fields)

    def build(self, *definitions: Definition, **fields: Any) -> Outcome:
        """Solve the graphs; fields are those of Job, or of Session."""
        own = {name: fields.pop(name) for name in ("jobs", "backend") if name in fields}
        return self.send(self.job(*definitions, session=self.session(**fields), **own))

    def start(self, job: Job) -> Running:
        """A build that goes on."""
        return Running(self._driver, job)

    def send(self, job: Job) -> Outcome:
        return self.start(job).finish()


class Running:
    """A build in a process of its own."""

    def __init__(self, driver: str, job: Job) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(120)
        self._connection.connect(driver)
        self._stream = self._connection.makefile("rwb")
        pickle.dump(job, self._stream)
        self._stream.flush()
        self.pid = int(self._stream.readline())
        """The process that waits for the one in the namespaces."""

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def finish(self) -> Outcome:
        """What came of it; nothing must be left."""
        data = self.end()
        try:
            outcome = pickle.loads(data)  # noqa: S301 - our own driver wrote it
        except pickle.UnpicklingError:
            pytest.fail(data.decode())
        assert isinstance(outcome, Outcome)
        assert outcome.left == [], outcome
        return outcome

    def end(self) -> bytes:
        """All that it said, once it has ended in whatever way."""
        with self._connection, self._stream:
            return self._stream.read()


@contextmanager
def driver() -> Iterator[str]:
    """A process that builds when asked; where to ask it."""
    folder = tempfile.mkdtemp(prefix="dfc-driver-")
    path = f"{folder}/socket"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    args = [sys.executable, str(Path(__file__).with_name("driver.py")), path]
    with subprocess.Popen(args, stdout=subprocess.PIPE, env=environment, cwd="/") as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"up\n"
            yield path
        finally:
            process.kill()
            shutil.rmtree(folder)


class Graph:
    """Ops put one after the other, the first a root file system of busybox."""

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.metadata: dict[str, OpMetadata] = {}
        self.root = self.copy("base", "/")

    def add(self, body: Body, *inputs: Input, name: str = "", **fields: Any) -> Input:
        platform = fields.pop("platform", Platform("amd64", "linux") if isinstance(body, ExecOp) else None)
        vertex = Vertex.of(Op(inputs, body, platform))
        self.vertices[vertex.digest] = vertex
        self.metadata[vertex.digest] = OpMetadata(description={"llb.customname": name} if name else {}, **fields)
        return Input(vertex.digest)

    def local(self, name: str) -> Input:
        return self.add(SourceOp(f"local://{name}"))

    def copy(self, context: str, dest: str, *, base: Input | None = None) -> Input:
        """A client's directory copied into a file system."""
        action = FileAction(
            0 if base else NOTHING,
            1 if base else 0,
            0,
            Copy("/", dest, mode=-1, dir_copy_contents=True, create_dest_path=True),
        )
        source = self.local(context)
        return self.add(FileOp((action,)), *((base, source) if base else (source,)))

    def step(
        self,
        *command: str,
        base: Input | None = None,
        mounts: Sequence[tuple[Mount, Input | None]] = (),
        name: str = "",
        meta: dict[str, Any] | None = None,
        root: Mount | None = None,
        fields: dict[str, Any] | None = None,
        **body: Any,
    ) -> Input:
        """A shell command, or with several words a program; its root is the first output.

        Each of `mounts` comes with its input. `meta` are fields of Meta, `fields` of OpMetadata, others of ExecOp.
        """
        args = ("/bin/sh", "-c", *command) if len(command) == 1 else command
        inputs = [base or self.root]
        found = [root or Mount(0, dest="/", output=0)]
        for mount, source in mounts:
            found.append(replace(mount, input=len(inputs) if source else NOTHING))
            inputs += [source] if source else []
        given = {"env": PATH, "cwd": "/", "remove_mount_stubs_recursive": True, **(meta or {})}
        return self.add(
            ExecOp(Meta(args, **given), tuple(found), **body), *inputs, name=name or " ".join(command), **(fields or {})
        )

    def build(self, definition: Definition) -> Input:
        """A graph in this graph."""
        return self.add(BuildOp(NOTHING, definition=encode_llb(definition)))

    def at(self, *outputs: Input) -> list[Definition]:
        return [Definition(dict(self.vertices), output, dict(self.metadata)) for output in outputs]

    def run(self, *command: str, **fields: Any) -> Definition:
        """The graph that ends with this step."""
        (definition,) = self.at(self.step(*command, **fields))
        return definition


def bind(dest: str, selector: str = "", output: int = NOTHING, *, readonly: bool = True) -> Mount:
    return Mount(selector=selector, dest=dest, output=output, readonly=readonly)


def cache(dest: str, name: str = "", sharing: CacheSharing = CacheSharing.SHARED, **fields: Any) -> Mount:
    return Mount(dest=dest, output=NOTHING, type=MountType.CACHE, cache=CacheOpt(name or dest, sharing), **fields)


def tmpfs(dest: str, size: int = 0) -> Mount:
    return Mount(dest=dest, output=NOTHING, type=MountType.TMPFS, tmpfs=TmpfsOpt(size))


def secret(dest: str, name: str, *, mode: int = 0o400, uid: int = 0, gid: int = 0, optional: bool = False) -> Mount:
    wanted = SecretOpt(name, uid, gid, mode, optional)
    return Mount(dest=dest, output=NOTHING, type=MountType.SECRET, secret=wanted)


def agent(dest: str, name: str = "default", *, mode: int = 0o600, uid: int = 0, optional: bool = False) -> Mount:
    return Mount(dest=dest, output=NOTHING, type=MountType.SSH, ssh=SSHOpt(name, uid, 0, mode, optional))
