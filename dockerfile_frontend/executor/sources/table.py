"""The table of sources: by scheme, how one is pinned to what it is now, and how it is brought.

    Sources(worker).resolve(tasks)      each task of a source has a key then, a view, or a fault, or says `later`
    Sources(worker).complete(task)      it has its key, too, and what it stands for is here

What is known without asking anybody is settled at once; the rest is asked side by side, each in a thread of its own.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from dockerfile_frontend.executor.solver.keys import Part, combine
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from ir_schema.ops import SourceOp

from .blobs import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from dockerfile_frontend.executor.solver.plan import Task
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op

    from .pin import Pin

SCHEMES: Mapping[str, str] = {
    "docker-image": "image", "git": "git", "http": "http", "https": "http", "local": "local", "oci-layout": "image",
}  # fmt: skip
"""Scheme of an identifier to the module that knows it."""

NOT_HERE = ("docker-image+blob", "oci-layout+blob")
"""Schemes of the reference that this executor has no module for."""

MOST_ASKED = 8
"""Sources asked for at once."""


class SourceKind(Protocol):
    """A module of this package."""

    def recall(self, op: Op, worker: Worker) -> Pin | None:
        """What the source is, if that is known without asking anybody. Raises ExecutorError for what makes no sense."""

    def resolve(self, op: Op, worker: Worker) -> Pin:
        """What the source is now. May ask the network; called from several threads. Raises ExecutorError."""

    def complete(self, op: Op, step: Step) -> Pin:
        """What a source is whose pin said `later`, brought to find that out. Raises ExecutorError."""

    def fetch(self, op: Op, pin: Pin, step: Step) -> Result:
        """Bring exactly what was pinned. Raises ExecutorError."""


class Sources:
    """The sources of one build, each pinned once."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.pins: dict[str, Pin] = {}
        """What each source was found to be, by its vertex's digest. Plain data, which outlives a fork."""
        self._wanted: dict[str, Wanted] = {}

    def resolve(self, tasks: Iterable[Task]) -> None:
        """Give each task its key, its results (a view), or its fault."""
        unknown = [task for task in tasks if not self._recall(task)]
        if len(unknown) < 2:
            for task in unknown:
                self._ask(task)
            return
        try:
            _each(self._ask, unknown)
        except BaseException:
            self._worker.stop()
            raise

    def complete(self, task: Task, step: Step) -> None:
        """Give a task its key whose source has to be brought for that. Raises ExecutorError."""
        self._settle(task, kind_of(task.op).complete(task.op, step))

    def adopt(self, pins: Mapping[str, Pin]) -> None:
        """Take over what was found before, so that nobody is asked again: what was planned is what is built."""
        for vertex, pin in pins.items():
            self._keep(vertex, pin)

    def fetch(self, op: Op, step: Step) -> Result:
        """Bring what `resolve` found."""
        return kind_of(op).fetch(op, self.pins[step.digest], step)

    def pin(self, vertex: str) -> Pin | None:
        """What a source was found to be, by its vertex's digest: the materials of a build."""
        return self.pins.get(vertex)

    def wanted(self, digest: str) -> Wanted | None:
        """Where this build found a blob, and the vertex it belongs to."""
        return self._wanted.get(digest)

    def _recall(self, task: Task) -> bool:
        """Whether the task is settled."""
        try:
            pin = self.pins.get(task.digest) or kind_of(task.op).recall(task.op, self._worker)
        except ExecutorError as fault:
            task.fault = fault
            return True
        if pin is not None:
            self._settle(task, pin)
        return pin is not None

    def _ask(self, task: Task) -> None:
        """What is asked for is shown as the source's own step; a fault is told when that would run."""
        events = self._worker.events
        events.planned((task.info,))
        events.started(task.info)
        try:
            self._settle(task, kind_of(task.op).resolve(task.op, self._worker))
            events.completed(task.info)
        except Cancelled:
            raise
        except ExecutorError as fault:
            task.fault = fault
        except OSError as error:
            task.fault = ExecutorError(f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}")

    def _settle(self, task: Task, pin: Pin) -> None:
        self._keep(task.digest, pin)
        task.later = pin.later
        if pin.later:
            return
        if pin.view is not None:
            task.results = (pin.view,)
        else:
            task.key = combine("source", [Part(f"{n}", part) for n, part in enumerate(pin.parts)])

    def _keep(self, vertex: str, pin: Pin) -> None:
        self.pins[vertex] = pin
        for layer in pin.layers:
            self._wanted[layer.digest] = Wanted(vertex, layer.origin)


def kind_of(op: Op) -> SourceKind:
    """Raises ExecutorError for a scheme that nobody knows."""
    assert isinstance(op.body, SourceOp)  # noqa: S101 - the planner hands over no others
    scheme, found, _ = op.body.identifier.partition("://")
    if found and scheme in NOT_HERE:
        raise ExecutorError(f"{scheme} sources are not supported by this executor")
    if not found or scheme not in SCHEMES:
        raise ExecutorError(f"failed to parse source identifier {op.body.identifier[:200]!r}: unknown scheme")
    return cast("SourceKind", import_module(f"{__package__}.{SCHEMES[scheme]}"))


def _each(ask: Callable[[Task], None], tasks: Sequence[Task]) -> None:
    """Ask for all, some at once. What is raised in a thread and is no fault of a task is raised here."""
    left = list(reversed(tasks))
    raised: list[BaseException] = []

    def work() -> None:
        while not raised:
            try:
                task = left.pop()
            except IndexError:
                return
            try:
                ask(task)
            except BaseException as error:  # noqa: BLE001 - raised again below
                raised.append(error)

    threads = [threading.Thread(target=work, name=f"resolve-{n}", daemon=True) for n in range(min(MOST_ASKED, len(tasks)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
