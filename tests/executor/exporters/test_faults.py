"""Full disks, pipes that nobody reads, Ctrl-C, kill -9: nothing half written has the final name, and nothing else is left."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.executor.syscalls import MNT_DETACH, mount, umount

from .conftest import AMD64, Export, add_layer, image_config
from .reading import ReadImage

SIZE = 3 << 20
KINDS = [
    "type=oci,dest={}/a.tar", "type=docker,dest={}/a.tar", "type=oci,tar=false,dest={}/a", "type=tar,dest={}/a.tar", "type=local,dest={}/a",
]  # fmt: skip


@pytest.fixture
def large(store: Store) -> Image:
    """An image of some megabytes that do not become smaller."""
    layers = add_layer(store, (), lambda root: (root / "random").write_bytes(os.urandom(SIZE)))
    return Image(AMD64, layers, image_config())


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount("none", folder, "tmpfs", data="size=1m")
    try:
        yield folder
    finally:
        umount(folder, MNT_DETACH)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk(large: Image, machine: Machine, tmp_path: Path, kind: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with pytest.raises(ExecutorError, match=r"cannot write .*: No space left on device") as full:
            export([parse_output(kind.format(disk))], [large], machine, BuildFacts())
        assert "free some space" in full.value.hint
        left = [path for path in disk.rglob("*") if path.is_file() and path.stat().st_size]
        assert {path.stat().st_size for path in left} <= {path.stat().st_size for path in left if path.parent.name == "sha256"}
        assert not (disk / "a.tar").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_keeps_what_was_there(large: Image, machine: Machine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "a.tar").write_text("old")
        with pytest.raises(ExecutorError, match="No space left on device"):
            export([parse_output(f"type=oci,dest={disk}/a.tar")], [large], machine, BuildFacts())
        assert os.listdir(disk) == ["a.tar"]
        assert (disk / "a.tar").read_text() == "old"


def test_a_device_that_is_full(large: Image, machine: Machine) -> None:
    for text in ("type=oci,dest=/dev/full", "type=tar,dest=/dev/full"):
        with pytest.raises(ExecutorError, match="cannot write /dev/full: No space left on device"):
            export([parse_output(text)], [large], machine, BuildFacts())


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt(large: Image, machine: Machine, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    interrupt_when_written(machine)
    with contextlib.suppress(KeyboardInterrupt):
        export([parse_output(kind.format(out))], [large], machine, BuildFacts())
    assert [path.name for path in out.rglob(".*")] == []
    assert not (out / "a.tar").exists() or kind == KINDS[2]


def interrupt_when_written(machine: Machine) -> None:
    def status(digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        if label.startswith(("writing", "sending", "copying")) and current:
            raise KeyboardInterrupt

    machine.events.status = status  # type: ignore[method-assign]  # as Ctrl-C at this moment


PROGRAM = """
import os, signal, sys
from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.store import Store
from ir_schema.ops import Platform

root, layer, text, end = sys.argv[1:]
with Store.open(root) as store, Machine(store, Session()) as machine:
    def status(digest, label, current, total, *, done=False):
        if end == "kill" and label.startswith(("writing", "sending", "copying")) and current:
            os.kill(os.getpid(), signal.SIGKILL)
    machine.events.status = status
    try:
        export([parse_output(text)], [Image(Platform("amd64", "linux"), (layer,))], machine, BuildFacts())
    except ExecutorError as error:
        sys.exit(str(error))
"""


def command(store: Store, image: Image, text: str, end: str = "") -> list[str]:
    return [sys.executable, "-c", PROGRAM, store.path, image.layers[0], text, end]


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3]])
def test_kill_9(large: Image, store: Store, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    killed = subprocess.run(command(store, large, kind.format(out), "kill"), check=False)
    assert killed.returncode == -9
    assert os.listdir(out) == []


def test_standard_output(large: Image, store: Store, tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as out:
        subprocess.run(command(store, large, "type=oci"), check=True, stdout=out)
    assert ReadImage(tmp_path / "a.tar").names() == [["random"]]
    piped = subprocess.run(command(store, large, "-"), check=True, stdout=subprocess.PIPE)
    assert b"random" in piped.stdout[:100]


@pytest.mark.parametrize("text", ["type=oci", "-"])
def test_a_pipe_that_nobody_reads(large: Image, store: Store, text: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken = subprocess.run(command(store, large, text), check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert broken.returncode == 1
    assert broken.stderr == "cannot write standard output: nobody reads it any more\n"


def test_a_read_only_folder(give: Export, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=r"cannot write /proc/a\.tar: "):
        give("type=oci,dest=/proc/a.tar")
    with pytest.raises(ExecutorError, match="cannot write /proc/out: "):
        give("type=local,dest=/proc/out")
    assert os.listdir(tmp_path) == ["store"]


SIGNALLED = PROGRAM.replace('if end == "kill"', 'if end == "signal"').replace("SIGKILL", "SIGINT")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal(large: Image, store: Store, tmp_path: Path, kind: str) -> None:
    """Real Ctrl-C, and the process ends as Python ends for one."""
    out = tmp_path / "out"
    out.mkdir()
    arguments = [sys.executable, "-c", SIGNALLED, store.path, large.layers[0], kind.format(out), "signal"]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert [path.name for path in out.rglob(".*")] == []
    if kind != KINDS[2]:  # a folder says nothing while it is written
        assert done.stderr.endswith("KeyboardInterrupt: SIGINT\n")
    if (out / "a.tar").exists():
        ReadImage(out / "a.tar")  # whole
