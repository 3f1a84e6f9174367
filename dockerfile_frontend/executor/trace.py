"""What a build that was all done before needs to know to see that: enough to skip reading the Dockerfile.

    key = what the caller made of the Dockerfile, the options and the answers about base images
    remember_trace(key, plan, layers, extra, machine)        after a build
    trace = find_trace(key, machine)   before one: None, or what that build gave, every file of the client checked again

A trace says which directories of the client were read, by which filters, and what the digests of the selected parts were. When they
still are what they were, and all results are still in the store, the build would find every step cached: planning would say the
same, only later. A source that may be something else today (a branch, a URL without a checksum) leaves no trace, and neither does
a step that is to run whatever is known.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from ir_schema.ops import ProgressGroup, SourceOp
from ir_schema.record import Record

from .solver.events import VertexInfo
from .solver.model import ExecutorError, LocalView, Selection
from .solver.plan import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .machine import Machine
    from .solver.plan import Plan, Task

R = TypeVar("R", bound=Record)

KIND = "trace"
VERSION = 3

_COMMIT = re.compile(r"#([0-9a-f]{40}|[0-9a-f]{64})(:|$)")


class Trace(Record):
    """A build that is known to have been done."""

    layers: tuple[tuple[str, ...], ...]
    """Of each target, lowest first."""
    extra: Mapping[str, Any]
    """What the caller wanted to find again."""
    vertices: tuple[VertexInfo, ...]


def find_trace(key: str, machine: Machine) -> Trace | None:
    """The trace under `key`, when everything it was made of is still the same; its results count as used now."""
    text = machine.store.recall(KIND, key)
    if text is None:
        return None
    known = json.loads(text)
    if known["version"] != VERSION or not _same_files(known["reads"], machine):
        return None
    layers = tuple(tuple(each) for each in known["layers"])
    if not machine.store.acquire(layer for each in layers for layer in each):
        return None
    if not machine.records.lead(known["results"]):
        return None  # a build that was told to ignore the cache has made them anew
    machine.records.touch(result for _, result in known["results"])
    vertices = tuple(_vertex(*values) for values in known["vertices"])
    return Trace(layers, known["extra"], vertices)


def remember_trace(key: str, plan: Plan, layers: Sequence[Sequence[str]], extra: Mapping[str, Any], machine: Machine) -> None:
    """Keep a trace of a build that has just ended, if it can have one."""
    if not all(_is_settled(task) for task in plan.tasks.values()):
        return
    document = {
        "version": VERSION,
        "reads": _reads(plan, machine),
        "layers": layers,
        "results": [(task.key.digest, task.known.id) for task in plan.tasks.values() if task.known and task.key],
        "vertices": [_vertex_values(task.info) for task in plan.tasks.values()],
        "extra": extra,
    }
    machine.store.remember(KIND, key, json.dumps(document))


def _is_settled(task: Task) -> bool:
    """Whether a task would be found again for what it is, and not for what it was at that time."""
    if task.metadata.ignore_cache:
        return False
    return not isinstance(task.op.body, SourceOp) or _is_pinned(task.op.body)


def _is_pinned(source: SourceOp) -> bool:
    scheme, _, place = source.identifier.partition("://")
    match scheme:
        case "local":
            return True  # its files are looked at
        case "docker-image" | "oci-layout":
            return "@sha256:" in place
        case "http" | "https":
            return bool(source.attrs.get("http.checksum"))
        case "git":
            return bool(_COMMIT.search(place))
        case _:
            return False


def _reads(plan: Plan, machine: Machine) -> list[list[Any]]:
    """(view, selections with their digests) of every directory of the client."""
    found: dict[LocalView, dict[Selection, str]] = {}
    for task in plan.tasks.values():
        reads = task.kind.reads(task.op)
        for index, edge in enumerate(task.op.inputs):
            view = (plan.tasks[edge.digest].results or (None,))[0]
            if isinstance(view, LocalView):
                for selection in reads.get(index, WHOLE):
                    found.setdefault(view, {})[selection] = machine.content_digest(view, selection)
    return [[_values(view), [[_values(s), digest] for s, digest in selections.items()]] for view, selections in found.items()]


def _same_files(reads: Sequence[Any], machine: Machine) -> bool:
    try:
        return all(
            machine.content_digest(record_of(LocalView, view), record_of(Selection, selection)) == digest
            for view, selections in reads
            for selection, digest in selections
        )
    except (ExecutorError, PermissionError):
        return False


def _vertex_values(info: VertexInfo) -> list[Any]:
    return [info.digest, info.name, info.inputs, _values(info.group) if info.group else None]


def _vertex(digest: str, name: str, inputs: list[str], group: list[Any] | None) -> VertexInfo:
    return VertexInfo(digest, name, tuple(inputs), ProgressGroup(*group) if group else None)


def _values(record: Record) -> list[Any]:
    return [getattr(record, name) for name in record.__match_args__]


def record_of(kind: type[R], values: Sequence[Any]) -> R:
    """A record of its values; JSON has made lists of tuples."""
    return kind(*(tuple(value) if isinstance(value, list) else value for value in values))
