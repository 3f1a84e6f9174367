"""Stores to try things on, with each way of laying layers over each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture(params=["overlay", "copy"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of each kind: overlayfs, and the copies that take its place."""
    with Store.open(tmp_path / "store", backend=request.param) as store:
        yield store
