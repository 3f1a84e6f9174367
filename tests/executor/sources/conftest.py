from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.events import Silent
from dockerfile_frontend.executor.store import Store
from tests.registry.servers import Clock, Scripted, client


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


class Watching(Silent):
    """Keeps what progress would show."""

    def __init__(self) -> None:
        self.statuses: list[tuple[str, str, int, int, bool]] = []

    def status(self, digest: str, label: str, current: int, total: int, *, done: bool = False) -> None:
        self.statuses.append((digest, label, current, total, done))


Make = Callable[..., Machine]


@pytest.fixture
def make(store: Store) -> Iterator[Make]:
    """Makes machines on the store, with any field of a session; a client that never really waits, unless another is given."""
    with ExitStack() as stack:

        def build(**given: object) -> Machine:
            events = given.pop("events", None)
            session = Session(**{"connect": lambda: client(clock=Clock()), **given})  # type: ignore[arg-type]
            return stack.enter_context(Machine(store, session, events, jobs=2))  # type: ignore[arg-type]

        yield build
