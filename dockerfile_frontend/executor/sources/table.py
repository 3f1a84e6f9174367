"""The table of sources: by scheme, how one is pinned to what it is now, and how it is brought.

    Sources(worker).resolve(tasks)      each task of a source has a key then, a view, or a fault
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from dockerfile_frontend.executor.solver.keys import Part, combine
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import SourceOp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockerfile_frontend.executor.solver.model import Result, Step
    from dockerfile_frontend.executor.solver.plan import Task
    from dockerfile_frontend.executor.worker import Worker

    from .pin import Pin

SCHEMES: Mapping[str, str] = {"git": "git", "http": "http", "https": "http", "local": "local"}
"""Scheme of an identifier to the module that knows it."""


class SourceKind(Protocol):
    """A module of this package."""

    def resolve(self, op: SourceOp, worker: Worker) -> Pin: ...

    def fetch(self, op: SourceOp, pin: Pin, step: Step) -> Result: ...


class Sources:
    """The sources of one build, each pinned once."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._pins: dict[str, Pin] = {}

    def resolve(self, tasks: Iterable[Task]) -> None:
        """Give each task its key, its results (a view), or its fault."""
        for task in tasks:
            try:
                self._resolve(task)
            except ExecutorError as fault:
                task.fault = fault

    def fetch(self, op: SourceOp, step: Step) -> Result:
        """Bring what `resolve` found."""
        return kind_of(op).fetch(op, self._pins[step.digest], step)

    def _resolve(self, task: Task) -> None:
        op = task.op.body
        assert isinstance(op, SourceOp)  # noqa: S101 - the planner hands over no others
        pin = self._pins[task.digest] = kind_of(op).resolve(op, self._worker)
        if pin.view is not None:
            task.results = (pin.view,)
        else:
            task.key = combine("source", [Part(f"{n}", part) for n, part in enumerate(pin.parts)])


def kind_of(op: SourceOp) -> SourceKind:
    """Raises ExecutorError for a scheme that nobody knows."""
    scheme, found, _ = op.identifier.partition("://")
    if not found or scheme not in SCHEMES:
        raise ExecutorError(f"failed to parse source identifier {op.identifier[:200]!r}: unknown scheme")
    return cast("SourceKind", import_module(f"{__package__}.{SCHEMES[scheme]}"))
