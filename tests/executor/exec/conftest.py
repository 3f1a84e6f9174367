"""Builds of steps as root and rootless, by crun; a few by runc, too, which takes three times as long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.executor.exec.bench import Bench, driver
from tests.executor.runtime.conftest import LEVELS, crun, home

__all__ = ["crun", "home"]


@pytest.fixture(scope="session")
def driving() -> Iterator[str]:
    """Where builds are asked for."""
    with driver() as path:
        yield path


@pytest.fixture(params=LEVELS)
def bench(request: pytest.FixtureRequest, home: Path, crun: str, driving: str) -> Bench:
    """Once for each isolation level."""
    return make_bench(home, LEVELS[request.param], crun, driving)


@pytest.fixture(params=["root", "rootless"])
def runc_bench(request: pytest.FixtureRequest, home: Path, driving: str) -> Bench:
    if request.param not in LEVELS:
        pytest.skip("needs root")
    return make_bench(home, LEVELS[request.param], str(require("runc")), driving)


def make_bench(place: Path, uid: int, engine: str, driving: str) -> Bench:
    if os.geteuid() == 0:
        os.chown(place, uid, uid)
    return Bench(place / "bench", uid, require("busybox-static"), engine, driving)
