"""Results of the store as any other store would name them.

    of_plan(plan, machine)      what a build made or found, in the order of its steps
    of_store(machine)           everything there is

A key is made of the ids of its step's inputs, and an id may be of this store alone: that of a step which was told to ignore the
cache is random. Here every id becomes the key by which another store, going by the definition, would look for the result; keys by
content are made again from those. What goes into a key was recorded, so this needs no graph.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.keys import Key, Part, combine
from dockerfile_frontend.executor.solver.plan import look_up
from ir_schema.ops import SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.plan import Plan, Task
    from dockerfile_frontend.executor.solver.records import Known, Records

IMAGES = ("docker-image", "oci-layout")
"""Schemes of sources whose layers are found without a cache."""

_INPUT = "input "
"""Labels of the parts that name results of other steps."""


class Portable(Record):
    """A result under portable names."""

    known: Known
    """With its portable id."""
    keys: tuple[Key, ...]


def of_plan(plan: Plan, machine: Machine) -> list[Portable]:
    """Results of a plan's steps whose files are at hand, each before what was made of it."""
    names = _Names(machine.records)
    known = {task.digest: _known(task, machine) for task in plan.tasks.values()}
    for task in plan.tasks.values():
        if task.key is not None and not machine.records.keys_of(task.result_id):
            names.planned[task.result_id] = task.key
    mine = {task.result_id for task in plan.tasks.values()}
    found: dict[str, Portable] = {}
    for task in plan.tasks.values():
        result = known[task.digest]
        if result is not None and not _is_image(task):
            found[result.id] = _portable(result, names, mine)
    return list(found.values())


def of_store(machine: Machine) -> list[Portable]:
    """All results whose files are at hand; of two that would have one name, the newer."""
    names = _Names(machine.records)
    found: dict[str, Portable] = {}
    for result in machine.records.all():
        if machine.has_layers(result):
            portable = _portable(result, names, None)
            found.pop(portable.known.id, None)
            if portable.keys:
                found[portable.known.id] = portable
    return list(found.values())


def _known(task: Task, machine: Machine) -> Known | None:
    """What is known of a task, also of one that nobody had to look up because what is made of it was known."""
    if task.known is not None or task.key is None:
        return task.known
    found = look_up(task.key.digest, machine)
    if found is not None:
        task.result_id = found.id
    return found


def _is_image(task: Task) -> bool:
    return isinstance(task.op.body, SourceOp) and task.op.body.identifier.startswith(IMAGES)


def _portable(result: Known, names: _Names, inputs: set[str] | None) -> Portable:
    """`inputs`: ids that keys may be made of; None for any."""
    own = names.of(result.id)
    keys = [names.rename(key) for key in names.keys_of(result.id) if inputs is None or inputs.issuperset(_inputs_of(key))]
    keys.sort(key=lambda key: (key.digest != own, key.digest))
    return Portable(replace(result, id=own), tuple(keys))


class _Names:
    """Portable names of ids, each found once."""

    def __init__(self, records: Records) -> None:
        self.planned: dict[str, Key] = {}
        """Keys of results that are not in the store."""
        self._records = records
        self._names: dict[str, str] = {}
        self._keys: dict[str, list[Key]] = {}

    def keys_of(self, result: str) -> list[Key]:
        if result not in self._keys:
            self._keys[result] = self._records.keys_of(result)
        return self._keys[result]

    def of(self, result: str) -> str:
        """The portable name of an id: itself where nothing else is known of it."""
        stack, opened = [result], set[str]()
        while stack:
            current = stack[-1]
            if current in self._names:
                stack.pop()
                continue
            key = self._main(current)
            below = [each for each in _inputs_of(key) if each not in self._names] if key else []
            if key and below and current not in opened:
                opened.add(current)
                stack.extend(each for each in below if each not in opened)
                continue
            self._names[current] = current  # what a key that leads to itself would be made of
            self._names[current] = self.rename(key).digest if key else current
            stack.pop()
        return self._names[result]

    def rename(self, key: Key) -> Key:
        """The key made of portable names."""
        parts = tuple(self._rename_part(part) for part in key.parts)
        return key if parts == key.parts else combine(key.kind, parts)

    def _rename_part(self, part: Part) -> Part:
        if not part.label.startswith(_INPUT):
            return part
        result, colon, index = part.value.rpartition(":")
        return Part(part.label, f"{self.of(result)}{colon}{index}")

    def _main(self, result: str) -> Key | None:
        """The key that stands for an id: itself, else one that goes by the definition."""
        keys = self.keys_of(result)
        by_definition = [key for key in keys if key.kind != "content"]
        own = [key for key in keys if key.digest == result]
        return next(iter((*own, *by_definition)), self.planned.get(result))


def _inputs_of(key: Key) -> Iterator[str]:
    return (part.value.rpartition(":")[0] for part in key.parts if part.label.startswith(_INPUT))


def layers_of(results: Iterable[Portable]) -> list[str]:
    """Every layer of the results, once."""
    return list(dict.fromkeys(layer for result in results for tree in result.known.outputs for layer in tree.layers))
