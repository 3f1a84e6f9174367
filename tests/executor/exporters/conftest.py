"""A store, a machine on it, and trees that need neither containers nor a network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.store import Store
from ir_schema.ops import Platform

AMD64, ARM64 = Platform("amd64", "linux"), Platform("arm64", "linux")
STAMP = 1_600_000_000

Fill = Callable[[Path], object]
Export = Callable[..., dict[str, object]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def machine(store: Store) -> Iterator[Machine]:
    with Machine(store, Session(), jobs=2) as machine:
        yield machine


def add_layer(store: Store, base: tuple[str, ...], fill: Fill, description: str = "COPY . /") -> tuple[str, ...]:
    """`base` and a layer over it that `fill` writes."""
    with store.new_layer(base, description) as draft:
        fill(Path(draft.path))
    return (*base, draft.layer)


def some_files(root: Path) -> None:
    """A file of each harmless sort, with times that do not move."""
    (root / "bin").mkdir()
    (root / "bin/tool").write_text("#!/bin/sh\n")
    (root / "bin/tool").chmod(0o4755)
    (root / "bin/link").symlink_to("tool")
    (root / "bin/twin").hardlink_to(root / "bin/tool")
    (root / "ünï").write_text("name\n")
    for path in (*root.rglob("*"), root):
        os.utime(path, (STAMP, STAMP), follow_symlinks=False)


def image_config(platform: Platform = AMD64, steps: int = 1) -> bytes:
    history: list[dict[str, object]] = [{"created_by": f"COPY {number} && true # <>"} for number in range(steps)]
    history.append({"created_by": 'CMD ["/bin/tool"]', "empty_layer": True})
    config = {"Env": ["PATH=/bin"], "Cmd": ["/bin/tool"], "Labels": {"z": "1", "a": "2"}}
    fields = {"architecture": platform.architecture, "os": platform.os, "config": config, "history": history}
    return json.dumps(fields).encode()


@pytest.fixture
def image(store: Store) -> Image:
    return Image(AMD64, add_layer(store, (), some_files), image_config())


@pytest.fixture
def give(machine: Machine, image: Image) -> Export:
    """Export one image with `-o` texts and fields of BuildFacts."""

    def run(*outputs: str, **facts: object) -> dict[str, object]:
        return export([parse_output(text) for text in outputs], [image], machine, BuildFacts(**facts))  # type: ignore[arg-type]  # by name

    return run
