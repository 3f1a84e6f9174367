"""Platforms that this machine runs, and what is said of the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor import binfmt
from dockerfile_frontend.executor.architectures import NATIVE
from dockerfile_frontend.executor.binfmt import MACHINES, check_platform, exit_program, runs
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import Platform

HERE = NATIVE[os.uname().machine]
FOREIGN = "s390x" if HERE != "s390x" else "amd64"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """What one test makes it believe is found out anew by the next, here and elsewhere."""
    binfmt._fault.cache_clear()  # noqa: SLF001
    yield
    binfmt._fault.cache_clear()  # noqa: SLF001


def test_the_smallest_program_runs() -> None:
    assert runs(exit_program(HERE))


@pytest.mark.parametrize("architecture", MACHINES)
def test_the_smallest_programs_are_small(architecture: str) -> None:
    program = exit_program(architecture)
    assert program[:4] == b"\x7fELF"
    assert len(program) < 200


def test_garbage_does_not_run() -> None:
    assert not runs(b"not a program")


def test_this_platform() -> None:
    check_platform(None)
    check_platform(Platform())
    check_platform(Platform(HERE, "linux"))


def test_another_operating_system() -> None:
    with pytest.raises(ExecutorError, match="processes of platform windows/amd64 do not run on Linux"):
        check_platform(Platform("amd64", "windows"))


def test_an_unknown_architecture() -> None:
    with pytest.raises(ExecutorError, match="no support for running processes with linux/vax platform"):
        check_platform(Platform("vax", "linux"))


def test_a_foreign_platform_without_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binfmt, "runs", lambda _: False)
    with pytest.raises(ExecutorError) as caught:
        check_platform(Platform(FOREIGN, "linux"))
    assert str(caught.value).startswith(f"no support for running processes with linux/{FOREIGN} platform: ")
    assert "binfmt" in caught.value.hint


def entry(tmp_path: Path, flags: str, state: str = "enabled") -> None:
    magic = exit_program(FOREIGN)[:20].hex()
    mask = ("ff" * 7 + "00" * 9 + "feff" + "ffff")[:40]
    text = f"{state}\ninterpreter /usr/bin/qemu-{FOREIGN}\nflags: {flags}\noffset 0\nmagic {magic}\nmask {mask}\n"
    (tmp_path / f"qemu-{FOREIGN}").write_text(text)
    (tmp_path / "status").write_text("enabled\n")
    (tmp_path / "broken").write_text("enabled\nmagic zz\n")


@pytest.mark.parametrize(("flags", "works"), [("OCF", True), ("F", True), ("OC", False), ("", False)])
def test_an_emulator_must_be_seen_in_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, works: bool
) -> None:
    entry(tmp_path, flags)
    monkeypatch.setattr(binfmt, "MISC", str(tmp_path))
    monkeypatch.setattr(binfmt, "runs", lambda _: True)
    if works:
        check_platform(Platform(FOREIGN, "linux"))
    else:
        with pytest.raises(ExecutorError, match="registered without flag F"):
            check_platform(Platform(FOREIGN, "linux"))


def test_a_kernel_that_shows_no_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binfmt, "MISC", str(tmp_path / "none"))
    monkeypatch.setattr(binfmt, "runs", lambda _: True)
    check_platform(Platform(FOREIGN, "linux"))


@pytest.mark.skipif(HERE != "amd64", reason="levels of amd64")
def test_levels_of_amd64() -> None:
    check_platform(Platform("amd64", "linux", "v1"))
    with pytest.raises(ExecutorError, match="no support for running processes with linux/amd64/v9 platform"):
        check_platform(Platform("amd64", "linux", "v9"))
