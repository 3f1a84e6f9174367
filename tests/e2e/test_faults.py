"""What goes wrong around a whole build: it is killed, meets others on its store, finds no space, or its files change.

After each: one clear message or none, no mount, process or temporary file, and the next build makes the whole image.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.components import give_up, require
from tests.e2e.builds.images import Tree, read_image
from tests.running import DFC, ROOT
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DOCKERFILE = """\
FROM base AS a
COPY src /src
RUN --mount=type=cache,target=/cache,id=faults,sharing=locked \\
    find /src -type f | sort | xargs cat > /all; cp /all /cache/last; sleep 0.1
FROM base AS b
RUN mkdir -p /x/y; for i in $(seq 100); do echo $i > /x/y/$i; done; sleep 0.1
RUN rm /x/y/50 && chmod 700 /x/y
FROM base
COPY --from=a /all /all
COPY --from=b --chown=3:4 /x /x
COPY --link src /s
RUN --mount=type=secret,id=key sha256sum < /run/secrets/key > /sum
"""
SECRET = "5f1b-not-to-be-found"  # noqa: S105  it is meant to be looked for
FILES = 100
LEFT_EMPTY = ("work", "ingest", "sessions", "locks")
"""Folders of a store that hold something only while a build runs."""
"""Seconds after which a build counts as hung."""


@dataclass(frozen=True, slots=True)
class Project:
    """A context, a store and where the image goes, all below one folder."""

    folder: Path
    base: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def write(self, name: str = "context", content: str = "") -> Path:
        context = self.folder / name
        (context / "src").mkdir(parents=True)
        (context / "Dockerfile").write_text(DOCKERFILE)
        for number in range(FILES):
            (context / "src" / f"f{number}").write_text(f"{content}{number}\n" * 50)
        return context

    def command(self, context: Path, archive: str, store: Path | None = None) -> list[str]:
        key = self.folder / "key"
        key.write_text(SECRET)
        base = f"base=oci-layout://{self.base}:1.37"
        where = ["--root", str(store or self.store), "--build-context", base, "--secret", f"id=key,src={key}"]
        return [*DFC, "build", *where, "-o", f"type=oci,dest={self.folder / archive}", str(context)]

    def start(self, context: Path, archive: str, store: Path | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = self.command(context, archive, store)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def build(self, context: Path, archive: str = "image.tar", store: Path | None = None) -> tuple[int, str]:
        """How it ended and what it said."""
        with self.start(context, archive, store) as process:
            said = process.communicate(timeout=PATIENCE)[0]
        assert "Traceback" not in said
        return process.returncode, said

    def tree(self, archive: str = "image.tar") -> Tree:
        return read_image(self.folder / archive).tree

    def check_clean(self) -> None:
        """No mount, process or temporary file of a build below the folder, and the secret in no file but its own."""
        assert self.remains() == []
        for name in LEFT_EMPTY:
            assert list((self.store / name).iterdir()) == [], name
        archives = {"image.tar", "next.tar"}
        assert {path.name for path in self.folder.iterdir() if path.is_file()} <= archives | {"key"}
        found = subprocess.run(["grep", "-rl", SECRET, str(self.folder)], capture_output=True, text=True, check=False)
        assert found.stdout.split() == [str(self.folder / "key")]

    def remains(self) -> list[str]:
        """Mounts below the folder, and processes that name it or have mounts of a store's.

        A namespace that another test makes while a disk is mounted here keeps that disk, and nothing in it.
        """
        mine, stores = f"{self.folder}/", (f" {self.store}/", f" {self.folder}/disk/store/")
        found = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if mine in line]
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                try:
                    command = (process / "cmdline").read_text().replace("\0", " ")
                    mounts = (process / "mountinfo").read_text()
                except OSError:
                    continue
                if mine in command or any(store in mounts for store in stores):
                    found.append(f"{process.name}: {command}")
        return found


@pytest.fixture
def project(base_layout: Path, tmp_path: Path) -> Project:
    require("runc")
    if os.geteuid() != 0:
        give_up("mounts and owners need root here")
    return Project(tmp_path, base_layout)


def check_tree(tree: Tree, context: Path) -> None:
    """The image holds what the context holds, and what the steps made of it."""
    contents = {path.name: path.read_bytes() for path in (context / "src").iterdir()}
    for name, content in contents.items():
        assert tree[f"s/{name}"]["sha256"] == hashlib.sha256(content).hexdigest()
    whole = b"".join(contents[name] for name in sorted(contents))
    assert tree["all"]["sha256"] == hashlib.sha256(whole).hexdigest()
    assert (tree["x/y"]["mode"], tree["x/y"]["owner"]) == ("700", "3:4")
    assert sum(name.startswith("x/y/") for name in tree) == 99
    assert tree["sum"]["content"].startswith(hashlib.sha256(SECRET.encode()).hexdigest().encode())


def test_a_killed_build_leaves_nothing_and_the_next_one_completes(project: Project) -> None:
    """Six moments from the first import to the last byte of the archive."""
    context = project.write()
    began = time.monotonic()
    assert project.build(context)[0] == 0
    whole = time.monotonic() - began
    for count in range(6):
        (context / "src" / "f0").write_text(f"round {count}\n")
        with project.start(context, "image.tar") as process:
            time.sleep(whole * (count + 0.5) / 6)
            process.kill()
        until(lambda: not project.remains(), "the kernel to end the children")
        status, said = project.build(context, "next.tar")
        assert status == 0, said
        check_tree(project.tree("next.tar"), context)
        project.check_clean()


@pytest.mark.parametrize("count", [2, 8])
def test_builds_of_one_project_at_once(project: Project, count: int) -> None:
    context = project.write()
    check_together(project, [context] * count)


def test_builds_of_eight_projects_at_once(project: Project) -> None:
    """They share a base, a cache mount and a stage, and nothing else."""
    check_together(project, [project.write(f"context{number}", f"{number}-") for number in range(8)])


def check_together(project: Project, contexts: list[Path]) -> None:
    folder = project.folder / "archives"
    folder.mkdir()
    running = [project.start(context, f"archives/{number}.tar") for number, context in enumerate(contexts)]
    for process in running:
        said = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, said
    for number, context in enumerate(contexts):
        check_tree(project.tree(f"archives/{number}.tar"), context)
    project.check_clean()


@contextmanager
def mounted(point: Path, *arguments: str) -> Iterator[None]:
    point.mkdir(exist_ok=True)
    subprocess.run(["mount", *arguments, str(point)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True)


@pytest.mark.parametrize("size", ["1m", "2m", "3m"])
def test_a_full_disk_is_told_and_builds_go_on_when_there_is_space(project: Project, size: str) -> None:
    """One is full while the base image comes, one while files are copied, one while layers are packed."""
    context, disk = project.write(), project.folder / "disk"
    (context / "src" / "big").write_bytes(os.urandom(1 << 20))
    with mounted(disk, "-t", "tmpfs", "-o", f"size={size}", "none"):
        status, said = project.build(context, store=disk / "store")
        assert status == 1
        assert "no space left" in said
        assert not (project.folder / "image.tar").exists()
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        status, said = project.build(context, store=disk / "store")
        assert status == 0, said
    check_tree(project.tree(), context)
    assert project.remains() == []


def test_a_store_that_cannot_be_written_is_told(project: Project) -> None:
    context = project.write()
    assert project.build(context)[0] == 0
    (context / "src" / "f0").write_text("new\n")
    with mounted(project.store, "--bind", str(project.store)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(project.store)], check=True)
        status, said = project.build(context)
    assert status == 1
    assert "read-only file system" in said
    assert project.build(context)[0] == 0
    check_tree(project.tree(), context)
    project.check_clean()


def test_a_context_that_changes_while_it_is_read(project: Project) -> None:
    """Each file in the image is one that was there, whole; else the build says which one changed."""
    context = project.write()
    stop = threading.Event()
    sizes = [f"{letter}" * (100_000 + number) for number, letter in enumerate("ABCDEFG")]

    def change() -> None:
        while not stop.is_set():
            for text in sizes:
                for number in range(0, FILES, 7):
                    (context / "src" / f"f{number}").write_text(text)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(3):
            status, said = project.build(context)
            if status == 0:
                whole = {hashlib.sha256(text.encode()).hexdigest() for text in sizes}
                tree = project.tree()
                assert {tree[f"s/f{number}"]["sha256"] for number in range(0, FILES, 7)} <= whole
            else:
                assert "changed while the build read it" in said
    finally:
        stop.set()
        writer.join()
    status, said = project.build(context)
    assert status == 0, said
    check_tree(project.tree(), context)
    project.check_clean()


def test_a_context_file_that_vanishes_is_told(project: Project) -> None:
    context = project.write()
    (context / "src" / "gone").symlink_to("nowhere")
    (context / "Dockerfile").write_text("FROM base\nCOPY src/gone/file /file\n")
    status, said = project.build(context)
    assert status == 1
    assert "not found" in said
    project.check_clean()
