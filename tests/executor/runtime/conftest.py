"""Containers as root and rootless, with whatever runtimes this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import MissingError, cache_folder, give_up, locked, require
from tests.executor.runtime.box import NOBODY, Box

LEVELS = {"root": 0, "rootless": NOBODY} if os.geteuid() == 0 else {"rootless": os.geteuid()}


@pytest.fixture(params=LEVELS)
def box(request: pytest.FixtureRequest, home: Path) -> Box:
    """A busybox root file system, once for each isolation level."""
    return make_box(home, LEVELS[request.param])


@pytest.fixture
def root_box(home: Path) -> Box:
    """The same, as root only."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return make_box(home, 0)


@pytest.fixture
def user_box(home: Path) -> Box:
    """The same, rootless only."""
    return make_box(home, LEVELS["rootless"])


@pytest.fixture
def home() -> Iterator[Path]:
    """A place that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="dfc-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def crun() -> str:
    """Debian's crun, unpacked but not installed: podman would take it for its own, and it refuses some machines."""
    found = shutil.which("crun")
    try:
        return found or unpacked_crun()
    except MissingError as error:
        give_up(f"crun: {error}")


def make_box(home: Path, uid: int) -> Box:
    require("runc")
    if os.geteuid() == 0:
        os.chown(home, uid, uid)
    return Box(home / "box", uid, require("busybox-static"))


def unpacked_crun() -> str:
    folder = cache_folder().parent / "crun" if os.geteuid() else Path("/var/cache/dockerfile-frontend-tests/crun")
    program = folder / "crun"
    with locked("crun"):
        if not program.exists():
            folder.mkdir(parents=True, exist_ok=True)
            download = subprocess.run(
                ["apt-get", "-qq", "download", "crun", "libyajl2"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if download.returncode:
                raise MissingError(download.stderr.strip())
            for package in folder.glob("*.deb"):
                subprocess.run(["dpkg", "-x", str(package), str(folder / "files")], check=True)
            library = next((folder / "files").rglob("libyajl.so.2"))
            binary = folder / "files/usr/bin/crun"
            program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={library.parent} exec {binary} "$@"\n')
            program.chmod(0o755)
    return str(program)
