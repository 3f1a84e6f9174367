"""Find out, without running anything, what must run.

    vertices in topological order ──▶ a key each ──▶ look-ups from the outputs downwards ──▶ Plan.work

A hit is not descended into: what feeds it may be long gone from the store.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.redact import without_credentials
from ir_schema.ops import OpMetadata, SourceOp
from ir_schema.record import Record

from .events import VertexInfo
from .keys import Key, Part, combine, digest_bytes
from .model import ExecutorError, LocalView, OpKind, Result, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.definition import Definition
    from ir_schema.ops import Input, Op

    from .records import Known

WHOLE = (Selection(),)


class Task:
    """A vertex on its way through the solver."""

    __slots__ = ("cancelled", "digest", "fault", "info", "key", "kind", "known", "later", "metadata", "op", "result_id", "results")

    def __init__(self, digest: str, op: Op, metadata: OpMetadata, kind: OpKind) -> None:
        self.digest = digest
        self.op = op
        self.metadata = metadata
        self.kind = kind
        self.key: Key | None = None
        self.later = False
        """Whether a source has to be brought before it has a key."""
        self.known: Known | None = None
        self.result_id = ""
        """What keys of later vertices are made of: the id of the result that the key leads to, else the key."""
        self.results: Sequence[Result] | None = None
        self.fault: ExecutorError | None = None
        self.cancelled = threading.Event()
        name = metadata.description.get("llb.customname", "")
        inputs = tuple(dict.fromkeys(edge.digest for edge in op.inputs))
        self.info = VertexInfo(digest, without_credentials(name or describe(op)), inputs, metadata.progress_group)

    def settle(self, known: Known) -> None:
        self.known = known
        self.result_id = known.id
        self.results = known.outputs


class Plan(Record):
    """All tasks by digest in topological order, those that must run, and the edges asked for."""

    tasks: Mapping[str, Task]
    work: tuple[Task, ...]
    outputs: tuple[Input, ...]


def make_plan(definitions: Iterable[Definition], worker: Worker) -> Plan:
    """Keys and look-ups for every vertex that the definitions' outputs need."""
    tasks: dict[str, Task] = {}
    outputs: list[Input] = []
    for definition in definitions:
        for vertex in definition.vertices.values():
            if vertex.digest not in tasks:
                metadata = definition.metadata.get(vertex.digest) or OpMetadata()
                tasks[vertex.digest] = Task(vertex.digest, vertex.op, metadata, worker.kind_of(vertex.op))
        if definition.output is not None:
            outputs.append(definition.output)
    worker.sources.resolve(task for task in tasks.values() if isinstance(task.op.body, SourceOp))
    for task in tasks.values():
        _set_key(task, tasks, worker)
    return Plan(tasks, tuple(_missing(tasks, outputs, worker)), tuple(outputs))


def definition_key(task: Task, tasks: Mapping[str, Task], worker: Worker) -> Key:
    """Key by the definitions of the inputs; by content for an input that has no definition of its own."""
    reads = task.kind.reads(task.op)
    parts = [Part("op", digest_bytes(task.kind.identity(task.op, by_content=False)))]
    for index, edge in enumerate(task.op.inputs):
        source = tasks[edge.digest]
        view = _view(source, edge.index)
        if view is not None:
            parts.extend(_content_parts(index, view, reads.get(index, WHOLE), worker))
        else:
            parts.append(Part(f"input {index}", f"{source.result_id}:{edge.index}"))
    return combine("definition", parts)


def content_key(task: Task, tasks: Mapping[str, Task], worker: Worker) -> Key | None:
    """Key by the content of what the op reads; None when that says no more than the definition key.

    All inputs must have their results: the op's identity leaves out, for every input that it reads, where in it that lies.
    """
    reads = task.kind.reads(task.op)
    sources = [tasks[edge.digest] for edge in task.op.inputs]
    by_content = {i for i in reads if i < len(sources) and _view(sources[i], task.op.inputs[i].index) is None}
    if not by_content or any(sources[i].results is None for i in reads):
        return None
    parts = [Part("op", digest_bytes(task.kind.identity(task.op, by_content=True)))]
    for index, edge in enumerate(task.op.inputs):
        results = sources[index].results
        if index in reads and results is not None:
            if not 0 <= edge.index < len(results):
                raise ExecutorError(f"{edge.digest} has no output {edge.index}")
            parts.extend(_content_parts(index, results[edge.index], reads[index], worker))
        else:
            parts.append(Part(f"input {index}", f"{sources[index].result_id}:{edge.index}"))
    return combine("content", parts)


def look_up(key: str, worker: Worker) -> Known | None:
    """The result under a key whose files are here or can be fetched; caches outside the store are asked last."""
    for find in (worker.records.find, worker.records.beyond):
        known = find(key)
        if known and worker.has_layers(known):
            return known
    return None


def describe(op: Op) -> str:
    """A name for a vertex that its maker did not name."""
    if op.body is None:
        return "result"
    kind = type(op.body).__name__.removesuffix("Op").lower()
    detail = getattr(op.body, "identifier", "").partition("?")[0] or " ".join(getattr(getattr(op.body, "meta", None), "args", ()))
    return f"{kind} {detail}".strip()


def _set_key(task: Task, tasks: Mapping[str, Task], worker: Worker) -> None:
    if task.results is not None or task.later:
        return
    if any(tasks[edge.digest].fault for edge in task.op.inputs):
        task.fault = next(tasks[e.digest].fault for e in task.op.inputs if tasks[e.digest].fault)
        return
    try:
        task.key = task.key or definition_key(task, tasks, worker)
    except ExecutorError as fault:
        task.fault = fault
        return
    task.result_id = worker.records.result_id(task.key.digest)


def _missing(tasks: Mapping[str, Task], outputs: Sequence[Input], worker: Worker) -> list[Task]:
    wanted: set[str] = set()
    unsettled = _unsettled(tasks)
    stack = [edge.digest for edge in outputs]
    while stack:
        digest = stack.pop()
        task = tasks[digest]
        if digest in wanted or task.results is not None:
            continue
        if task.key and digest not in unsettled:
            known = look_up(task.key.digest, worker)
            if known:
                task.settle(known)
                continue
        wanted.add(digest)
        stack.extend(edge.digest for edge in task.op.inputs)
    return [task for digest, task in tasks.items() if digest in wanted]


def _unsettled(tasks: Mapping[str, Task]) -> set[str]:
    """Tasks that run whatever is known, and all that is made from them: their keys are known when those have run."""
    found: set[str] = set()
    for digest, task in tasks.items():
        if task.later or task.metadata.ignore_cache or task.kind.fresh or any(edge.digest in found for edge in task.op.inputs):
            found.add(digest)
    return found


def _view(task: Task, index: int) -> LocalView | None:
    result = task.results[index] if task.results and 0 <= index < len(task.results) else None
    return result if isinstance(result, LocalView) else None


def _content_parts(index: int, result: Result, selections: Sequence[Selection], worker: Worker) -> list[Part]:
    return [Part(f"content {index}.{n}", worker.content_digest(result, s)) for n, s in enumerate(selections)]
