"""Step by step, what a build would do: take it from the cache, or run it, and why.

    plan = make_plan([definition], machine)
    tell_fates(plan, machine)
    ──▶ Fate("[build 2/3] COPY . .", "run", reason: src/main.c is another), Fate("[build 3/3] RUN make", "run", follows), …

Nothing is run. A step that only follows from another that runs may be found after all, by the content of what it reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .explain import Reason, compare, compare_built
from .solver.model import ExecutorError
from .solver.plan import look_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .machine import Machine
    from .solver.plan import Plan, Task
    from .solver.records import Known

CACHED, RUN, UNSEEN = "cached", "run", "unseen"


class Fate(Record):
    """One step."""

    digest: str
    name: str
    state: str
    """cached; run; or unseen: it is not in the store, and nothing needs it because what is made of it is."""
    reason: Reason | None = None
    """Why it runs; of a cached step, when that was asked for, why it ran when it did."""
    follows: str = ""
    """Digest of the step whose running makes this one run."""
    perhaps: bool = False
    """It, or what it follows from, only reads a part of what may come out the same: then it is cached after all."""
    made: float = 0.0
    """When the cached result was made, in Unix seconds."""
    took: float = 0.0
    """Seconds that making it took; of a step that runs, that making the earlier result took. 0 where nobody knows."""
    size: int = 0
    """Bytes on the disk of the layers that it, or that earlier result, adds; 0 of what is still packed, too."""


def tell_fates(plan: Plan, machine: Machine, *, built: bool = False) -> tuple[Fate, ...]:
    """In the order of the graph; `built` asks why the cached ones ran when they did. Raises ExecutorError."""
    told: dict[str, Fate] = {}
    ask = _Asking(plan, machine, frozenset(task.digest for task in plan.work), built=built)
    for task in plan.tasks.values():
        if task.op.body is not None:
            told[task.digest] = ask.cost(task, ask.fate(task, told))
    return tuple(told.values())


class _Asking:
    def __init__(self, plan: Plan, machine: Machine, work: frozenset[str], *, built: bool) -> None:
        self._plan = plan
        self._machine = machine
        self._work = work
        self._built = built

    def fate(self, task: Task, told: Mapping[str, Fate]) -> Fate:
        """`told` are those of the steps before it, among them all its inputs."""
        if task.fault is not None:
            raise ExecutorError(str(task.fault), hint=task.fault.hint)
        if task.digest not in self._work:
            return self._idle(task)
        reason = compare(task, self._plan, self._machine)
        index = self._cause(task, reason)
        if index is None:
            return Fate(task.digest, task.info.name, RUN, reason)
        source = task.op.inputs[index].digest
        by_content = index in task.kind.reads(task.op) or told[source].perhaps
        return Fate(task.digest, task.info.name, RUN, reason, source, perhaps=by_content and not task.metadata.ignore_cache)

    def cost(self, task: Task, fate: Fate) -> Fate:
        """A fate, with what its result cost."""
        earlier = fate.reason.earlier if fate.reason else None
        known = task.known if fate.state == CACHED else earlier
        if known is None:
            return fate
        return replace(fate, took=known.took, size=added_bytes(known, self._machine))

    def _idle(self, task: Task) -> Fate:
        """A step that nothing needs to be run for; its result may be there all the same."""
        name = task.info.name
        if task.known is None and task.results is not None:
            return Fate(task.digest, name, CACHED)
        if task.known is None and task.key is not None:
            known = look_up(task.key.digest, self._machine)
            if known is not None:
                task.settle(known)
        if task.known is None:
            return Fate(task.digest, name, UNSEEN)
        reason = compare_built(task, self._plan, self._machine) if self._built else None
        return Fate(task.digest, name, CACHED, reason, made=task.known.created)

    def _cause(self, task: Task, reason: Reason) -> int | None:
        """Which input's running makes the step run; None when it has a reason of its own."""
        if reason.kind == "input":
            index = int(reason.label.removeprefix("input "))
            return index if task.op.inputs[index].digest in self._work else None
        if reason.kind == "lost" and reason.earlier is not None and self._machine.has_layers(reason.earlier):
            running = (index for index, edge in enumerate(task.op.inputs) if edge.digest in self._work)
            return next(running, None)
        return None


def added_bytes(known: Known, machine: Machine) -> int:
    """Bytes on the disk of the layers that are in a result, but in none of the results that it was made of."""
    keys = machine.records.keys_of(known.id)
    sources = {part.value.rpartition(":")[0] for key in keys for part in key.parts if part.label.startswith("input ")}
    below = _layers(source for source in map(machine.records.get, sources) if source)
    own = _layers([known]) - below
    marks = ", ".join("?" * len(own))
    row = machine.store.db.execute(f"SELECT SUM(size) FROM layer WHERE id IN ({marks})", map(int, own)).fetchone()  # noqa: S608  marks
    return int(row[0] or 0)


def _layers(results: Iterable[Known]) -> set[str]:
    return {layer for result in results for output in result.outputs for layer in output.layers}
