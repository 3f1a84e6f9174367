from __future__ import annotations

from random import Random

import pytest

from tests.fuzz import engine
from tests.fuzz.engine import Report, search


def find(target: engine.Target, *, seeds: tuple[bytes, ...] = (b"FROM scratch",), rounds: int = 3000) -> Report:
    return search(target, seeds, Random(1), tokens=(b"COPY",), rounds=rounds)


def test_a_crash_behind_two_conditions_is_found_once() -> None:
    def target(data: bytes) -> str:
        if b"COPY" in data and data.count(b"C") > 2:
            raise KeyError(len(data))
        return "copy" if b"COPY" in data else "none"

    report = find(target)
    assert [finding.what.partition(":")[0] for finding in report.findings] == ["KeyError"]
    assert report.runs == 3000


def test_a_hang_is_found_even_where_exceptions_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes) -> str:
        while not data:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001, S112  what a bad target would do
                continue
        return ""

    monkeypatch.setattr(engine, "PATIENCE", 0.05)
    report = find(target, seeds=(b"",), rounds=1)
    assert [finding.what.partition(":")[0] for finding in report.findings] == ["Hang"]


def test_the_same_seed_searches_the_same_way() -> None:
    seen: list[list[bytes]] = []
    for _ in range(2):
        inputs: list[bytes] = []

        def target(data: bytes, inputs: list[bytes] = inputs) -> str:
            inputs.append(data)
            return str(len(data) % 7)

        find(target, rounds=200)
        seen.append(inputs)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 100
