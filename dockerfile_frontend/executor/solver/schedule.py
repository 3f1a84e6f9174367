"""Run a plan's work on threads.

    ready vertices ──▶ known by now? ──▶ key's lock ──▶ known by now? ──▶ run, record ──▶ their dependants are ready

Each vertex runs once per key: here because a vertex is one task, between processes because of the lock by key. The first
failure stops whatever no other output needs. Ctrl-C stops everything, waits for it to end, and is raised again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.interrupts import run_threads
from ir_schema.ops import SourceOp

from .keys import Key, Part, combine
from .model import BrokenCache, Cancelled, ExecutorError, Result, StepError, Tree
from .plan import content_key, definition_key, look_up
from .records import Known, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.worker import Worker

    from .plan import Plan, Task

MOST_SOURCES = 8
"""Sources brought at once, beside the ops."""


def run_plan(plan: Plan, worker: Worker, jobs: int) -> None:
    """Give every task that an output needs its results. Raises the first StepError once nothing runs any more."""
    _tell_known(plan, worker)
    if plan.work:
        _Run(plan, worker, max(1, jobs)).on_threads()


class _Run:
    """One run of a plan: the queue, its lock, and what has failed."""

    def __init__(self, plan: Plan, worker: Worker, jobs: int) -> None:
        self.plan = plan
        self.worker = worker
        self.jobs = jobs
        self.changed = threading.Condition()
        self.waiting: dict[str, set[str]] = {}
        self.dependants: dict[str, list[Task]] = {}
        self.ready: deque[Task] = deque()
        self.running: dict[str, Task] = {}
        self.failure: StepError | None = None
        work = {task.digest for task in plan.work}
        for task in plan.work:
            blockers = {edge.digest for edge in task.op.inputs if edge.digest in work}
            self.waiting[task.digest] = blockers
            for digest in blockers:
                self.dependants.setdefault(digest, []).append(task)
            if not blockers:
                self.ready.append(task)

    def on_threads(self) -> None:
        sources = sum(map(_is_source, self.plan.work))
        count = min(self.jobs, len(self.plan.work) - sources) + min(MOST_SOURCES, sources)
        run_threads(self._work, count, self._stop_all)
        if self.failure:
            raise self.failure

    def _work(self) -> None:
        while (task := self._next()) is not None:
            fault: StepError | None = None
            try:
                solve_task(task, self.plan, self.worker)
            except StepError as error:
                fault = error
            self._ended(task, fault)

    def _next(self) -> Task | None:
        with self.changed:
            while (task := self._take()) is None:
                if not self.waiting:
                    return None
                self.changed.wait()
            self.running[task.digest] = task
            return task

    def _take(self) -> Task | None:
        """A task that may begin now: a source any time, since it waits for others; an op while fewer than `jobs` run."""
        full = sum(not _is_source(task) for task in self.running.values()) >= self.jobs
        found = next((task for task in self.ready if not full or _is_source(task)), None)
        if found is not None:
            self.ready.remove(found)
        return found

    def _ended(self, task: Task, fault: StepError | None) -> None:
        with self.changed:
            self.running.pop(task.digest, None)
            self.waiting.pop(task.digest, None)
            if fault:
                if self.failure is None and not isinstance(fault.cause, Cancelled):
                    self.failure = fault
                self._drop_unneeded()
            else:
                for dependant in self.dependants.get(task.digest, ()):
                    blockers = self.waiting.get(dependant.digest)
                    if blockers is not None:
                        blockers.discard(task.digest)
                        if not blockers:
                            self.ready.append(dependant)
            self.changed.notify_all()

    def _drop_unneeded(self) -> None:
        """After a failure: keep only what outputs that can still be reached need."""
        needed: set[str] = set()
        for output in self.plan.outputs:
            below = self._below(output.digest)
            if all(d in self.waiting or self.plan.tasks[d].results is not None for d in below):
                needed |= below
        for digest in [d for d in self.waiting if d not in needed]:
            if digest in self.running:
                self.running[digest].cancelled.set()
            else:
                del self.waiting[digest]
        self.ready = deque(t for t in self.ready if t.digest in self.waiting)

    def _below(self, digest: str) -> set[str]:
        seen: set[str] = set()
        stack = [digest]
        while stack:
            current = stack.pop()
            task = self.plan.tasks[current]
            if current not in seen:
                seen.add(current)
                if task.results is None:
                    stack.extend(edge.digest for edge in task.op.inputs)
        return seen

    def _stop_all(self) -> None:
        self.worker.stop()
        with self.changed:
            for task in self.running.values():
                task.cancelled.set()
            self.waiting = {d: set() for d in self.running}
            self.ready.clear()
            self.changed.notify_all()


def _is_source(task: Task) -> bool:
    return isinstance(task.op.body, SourceOp)


def solve_task(task: Task, plan: Plan, worker: Worker) -> None:
    """Settle one task whose inputs are settled. Raises StepError."""
    events = worker.events
    events.started(task.info)
    try:
        cached = _solve(task, plan, worker)
    except StepError:
        raise
    except BaseException as error:
        again = isinstance(error, BrokenCache)  # and then it may well succeed
        events.completed(task.info, error="canceled" if again else str(error) or type(error).__name__)
        raise StepError(task.digest, task.info.name, error) from error
    events.completed(task.info, cached=cached)


def _solve(task: Task, plan: Plan, worker: Worker) -> bool:
    """True when the result was known."""
    if task.cancelled.is_set():
        raise Cancelled
    if task.fault:
        raise task.fault
    fresh = task.metadata.ignore_cache or task.kind.fresh
    keys = _keys(task, plan, worker)
    if not fresh and _settle_known(task, keys, worker):
        return True
    with worker.lock(keys[-1].digest, task.cancelled):
        if not fresh and _settle_known(task, keys, worker):
            return True
        inputs = [_result_of(plan, edge.digest, edge.index) for edge in task.op.inputs]
        began = time.monotonic()
        results = task.kind.run(task.op, inputs, worker.step(task))
        _record(task, keys, results, worker, took=time.monotonic() - began)
    return False


def _keys(task: Task, plan: Plan, worker: Worker) -> list[Key]:
    """The task's keys, made anew of its inputs' results, the most general last."""
    if task.later:
        worker.sources.complete(task, worker.step(task))
    task.key = task.key if isinstance(task.op.body, SourceOp) and task.key else definition_key(task, plan.tasks, worker)
    by_content = content_key(task, plan.tasks, worker)
    return [task.key, by_content] if by_content else [task.key]


def _settle_known(task: Task, keys: Sequence[Key], worker: Worker) -> bool:
    for key in keys:
        known = look_up(key.digest, worker)
        if known:
            if len(keys) > 1:
                worker.records.alias(known, keys)
            task.settle(known)
            return True
    return False


def _record(task: Task, keys: Sequence[Key], results: Sequence[Result], worker: Worker, *, took: float) -> None:
    task.results = results
    if not storable(results):
        return
    trees = [r for r in results if isinstance(r, Tree)]
    made = Known(_new_id(task, keys, trees, worker), tuple(trees), task.info.name, op=task.digest, took=took)
    task.settle(worker.records.add(made, keys))
    worker.note_details(task, keys)


def _new_id(task: Task, keys: Sequence[Key], trees: Sequence[Tree], worker: Worker) -> str:
    """Id of a new result. One whose files were lost gets its id back, so that what was made of it is found again."""
    key = keys[0].digest
    if task.kind.fresh:
        return combine("layers", [Part("key", key), *(Part("tree", repr(tree.layers)) for tree in trees)]).digest
    if task.metadata.ignore_cache:
        return combine("fresh", [Part("key", key), Part("nonce", os.urandom(16).hex())]).digest
    return worker.records.first_id(k.digest for k in keys) or key


def _result_of(plan: Plan, digest: str, index: int) -> Result:
    results = plan.tasks[digest].results
    if results is None or index >= len(results):
        raise ExecutorError(f"{digest} has no output {index}")
    return results[index]


def _tell_known(plan: Plan, worker: Worker) -> None:
    worker.events.planned(tuple(task.info for task in plan.tasks.values()))
    work = {task.digest for task in plan.work}
    known = [task for task in plan.tasks.values() if task.digest not in work]
    for task in known:
        worker.events.completed(task.info, cached=True)
    worker.records.touch(task.known.id for task in known if task.known)
