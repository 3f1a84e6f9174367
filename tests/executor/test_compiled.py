"""A build in which only files have changed takes the graphs that were made of the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.build import recall_targets
from dockerfile_frontend.executor.compiled import KIND, LARGEST, remember_targets
from dockerfile_frontend.executor.job import BuildJob, Target
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition, Vertex
from ir_schema.ops import FileAction, FileOp, Input, MkFile, Op, OpMetadata, Platform

NOTES = {"of": "the caller"}


def make_graph(size: int = 1) -> Definition:
    made = Vertex.of(Op(body=FileOp((FileAction(-1, -1, 0, MkFile("/f", 0o644, b"x" * size)),))))
    metadata = {made.digest: OpMetadata(description={"llb.customname": "COPY <<EOF /f"})}
    return Definition({made.digest: made}, Input(made.digest), metadata)


def make_job(home: Path, *targets: Target) -> BuildJob:
    return BuildJob(str(home), targets, Session(), trace="words", notes=NOTES if targets else {})


def remember(home: Path, *targets: Target) -> None:
    with Store.open(home) as store:
        remember_targets(make_job(home, *targets), store)


def recall(home: Path, agreed: Callable[[Mapping[str, Any]], BuildJob | None]) -> BuildJob | None:
    with Store.open(home) as store:
        return recall_targets(make_job(home), agreed, store)


def test_targets_come_back_as_they_were(tmp_path: Path) -> None:
    targets = (
        Target(make_graph(), Platform("arm64", "linux", "v8"), b'{"os": "linux"}', b'{"gr\xc3\xbcn": 1}'),
        Target(make_graph(7)),
    )
    remember(tmp_path, *targets)
    found = recall(tmp_path, lambda notes: make_job(tmp_path) if notes == NOTES else None)
    assert found is not None
    assert found.targets == targets
    assert found.notes == NOTES
    assert found.recalled
    assert found.facts.definitions == (make_graph(), make_graph(7))


def test_who_does_not_agree_compiles(tmp_path: Path) -> None:
    remember(tmp_path, Target(make_graph()))
    assert recall(tmp_path, lambda _notes: None) is None


@pytest.mark.parametrize("damaged", ['{"version": 0}', '{"version": 1, "targets": [["AAAA", null, "", ""]], "notes": {}}'])
def test_what_cannot_be_read_is_compiled_again(tmp_path: Path, damaged: str) -> None:
    with Store.open(tmp_path) as store:
        store.remember(KIND, "words", damaged)
    assert recall(tmp_path, lambda _notes: make_job(tmp_path)) is None


def test_large_graphs_are_not_kept(tmp_path: Path) -> None:
    remember(tmp_path, Target(make_graph(LARGEST)))
    assert recall(tmp_path, lambda _notes: make_job(tmp_path)) is None
