"""Exec ops that make no sense, or ask for what the client does not have: refused before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor import binfmt
from dockerfile_frontend.executor.machine import Machine, RunningStep
from dockerfile_frontend.executor.ops import exec as exec_op
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from dockerfile_frontend.executor.solver.plan import Task
from dockerfile_frontend.executor.store import Store
from ir_schema.ops import (
    CDIDevice,
    ExecOp,
    Meta,
    Mount,
    MountType,
    Op,
    OpMetadata,
    Platform,
    SecretEnv,
    SecretOpt,
    SSHOpt,
)

META = Meta(("x",), cwd="/")
ROOT = Mount(dest="/")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Store.open(tmp_path / "store") as store, Machine(store, Session()) as machine:
        yield machine


def run(machine: Machine, body: ExecOp, platform: Platform | None = None) -> None:
    op = Op((), body, platform)
    task = Task("sha256:00", op, OpMetadata(), machine.kind_of(op))
    exec_op.run(op, [Tree()], RunningStep(task, machine))


def mounted(mount: Mount) -> ExecOp:
    return ExecOp(META, (ROOT, mount))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ExecOp(), "invalid exec op with no meta"),
        (ExecOp(Meta()), "invalid exec op with no args"),
        (ExecOp(META), "invalid exec op with no mounts"),
        (ExecOp(META, (Mount(dest="/a"),)), "invalid exec op with no rootfs"),
        (ExecOp(META, (Mount(7, dest="/"),)), "missing input 7"),
        (ExecOp(META, (Mount(-2, dest="/"),)), "missing input -2"),
        (ExecOp(META, (Mount(dest="/", type=MountType.TMPFS),)), "invalid mount type TMPFS for /"),
        (mounted(Mount(dest="/s", type=MountType.SECRET)), "invalid secret mount options"),
        (mounted(Mount(dest="/s", type=MountType.SECRET, secret=SecretOpt())), "secret ID missing from mount options"),
        (mounted(Mount(dest="/s", type=MountType.SECRET, secret=SecretOpt("t"))), "secret t: not found"),
        (mounted(Mount(dest="/s", type=MountType.SSH)), "invalid SSH mount options"),
        (
            mounted(Mount(dest="/s", type=MountType.SSH, ssh=SSHOpt())),
            "no SSH key 'default' forwarded from the client",
        ),
        (mounted(Mount(dest="/c", type=MountType.CACHE)), "missing cache mount options"),
        (
            ExecOp(META, (ROOT,), secretenv=(SecretEnv(name="A"),)),
            'secret ID missing for "A" environment variable',
        ),
        (ExecOp(META, (ROOT,), secretenv=(SecretEnv("t", "A"),)), "secret t: not found"),
        (
            ExecOp(META, (ROOT,), cdi_devices=(CDIDevice("vendor.com/gpu=0"),)),
            "CDI device vendor.com/gpu=0 is not available: this executor has no devices to give",
        ),
    ],
)
def test_what_is_refused(machine: Machine, body: ExecOp, said: str) -> None:
    with pytest.raises(ExecutorError) as caught:
        run(machine, body)
    assert str(caught.value) == said
    assert machine.store.db.execute("SELECT count(*) FROM layer").fetchone() == (0,)


@pytest.fixture
def _no_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(binfmt, "runs", lambda _: False)
    binfmt._fault.cache_clear()  # noqa: SLF001
    yield
    binfmt._fault.cache_clear()  # noqa: SLF001


@pytest.mark.usefixtures("_no_emulator")
def test_a_foreign_platform_needs_an_emulator(machine: Machine) -> None:
    with pytest.raises(ExecutorError, match="no support for running processes with linux/s390x platform") as caught:
        run(machine, ExecOp(META, (ROOT,)), Platform("s390x", "linux"))
    assert "binfmt" in caught.value.hint
