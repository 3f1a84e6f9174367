"""A file op: its actions in order, and the layers that come of it.

    FileOp((FileAction(0, -1, -1, MkDir("/app")), FileAction(2, 1, 0, Copy("/src", "/app/"))))  on inputs 0, 1
    run_file_op(store, op, (TreeInput(("1", "4")), LocalInput(tree)), "COPY src /app/")  ──▶ [("1", "4", "9")]

Actions that follow each other and whose results nobody else needs go into one layer.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from ir_schema.ops import Copy
from ir_schema.record import Record

from .actions import Inputs, apply_action
from .local import LocalSource, LocalTree
from .source import Source, TargetSource, TreeSource
from .target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from dockerfile_frontend.executor.store import Store
    from ir_schema.ops import FileAction, FileOp


class TreeInput(Record):
    """An input made of layers, lowest first."""

    layers: tuple[str, ...] = ()


class LocalInput(Record):
    """A client's directory."""

    tree: LocalTree


Input = TreeInput | LocalInput


def run_file_op(
    store: Store, op: FileOp, inputs: Sequence[Input], description: str = "", check_cancelled: Callable[[], object] | None = None
) -> list[tuple[str, ...]]:
    """Layers of each output. Raises StoreError for an op that makes no sense, or that cannot be done."""
    outputs = _check(op, len(inputs))
    with _Run(store, op, inputs, description, check_cancelled) as run:
        return [run.result(len(inputs) + at) for at in outputs]


def materialize(store: Store, tree: LocalTree, description: str = "") -> str:
    """A client's directory as a layer, for a container to see; made once for equal content."""
    from dockerfile_frontend.executor.solver.model import Selection

    from .copy import Copying, Options
    from .digest import content_digest

    with LocalSource(tree) as source:
        key = content_digest(source, Selection("/"))
        with store.exclusive(f"local {key}"):
            known = store.recall("local", key)
            if known is not None and store.acquire([known]):
                return known
            with store.new_layer(description=description) as draft, Target(-1, draft.open_upper()) as target:
                Copying(source, target, Options(contents=True)).copy("/", "/")
            store.remember("local", key, draft.layer)
    tree.save_digests()
    return draft.layer


class _Run:
    """Results by index: inputs first, then actions."""

    def __init__(
        self, store: Store, op: FileOp, inputs: Sequence[Input], description: str, check_cancelled: Callable[[], object] | None
    ) -> None:
        self._store = store
        self._actions = op.actions
        self._inputs = inputs
        self._description = description
        self._check_cancelled = check_cancelled
        self._kept = _kept(op, len(inputs))
        self._results: dict[int, tuple[str, ...]] = {}
        self._sources: dict[int, Source] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def result(self, index: int) -> tuple[str, ...]:
        """Layers of an input or of an action, which is done if need be."""
        if index < 0:
            return ()
        if index not in self._results:
            if index < len(self._inputs):
                found = self._inputs[index]
                self._results[index] = found.layers if isinstance(found, TreeInput) else (materialize(self._store, found.tree),)
            else:
                self._results[index] = self._run(index)
        return self._results[index]

    def _run(self, last: int) -> tuple[str, ...]:
        """Do the actions that lead to `last`, in one layer."""
        chain = [last]
        while (index := self._action(chain[-1]).input) >= len(self._inputs) and index not in self._kept:
            chain.append(index)
        base = self.result(index)
        with contextlib.ExitStack() as stack:
            draft = stack.enter_context(self._store.new_layer(base, self._description))
            target = stack.enter_context(Target(draft.lower.fd if base else -1, draft.open_upper()))
            for index in reversed(chain):
                self._apply(self._action(index), target)
        return (*base, draft.layer)

    def _apply(self, step: FileAction, target: Target) -> None:
        if step.action is None:
            raise StoreError("invalid action type <nil>")

        def source_of(index: int) -> Source:
            done_here = index == step.input and index >= len(self._inputs) and index not in self._kept
            return TargetSource(target) if done_here else self._source(index)

        copied = self._source(step.secondary_input) if isinstance(step.action, Copy) else None
        inside = self._store.snapshots.userxattr
        apply_action(step.action, target, Inputs(copied, source_of, inside, self._check_cancelled))

    def _source(self, index: int) -> Source:
        """What an input or a result is read by."""
        if index not in self._sources:
            found = self._inputs[index] if 0 <= index < len(self._inputs) else None
            if isinstance(found, LocalInput):
                self._sources[index] = self._open.enter_context(LocalSource(found.tree))
            else:
                view = self._open.enter_context(self._store.view(self.result(index)))
                self._sources[index] = self._open.enter_context(TreeSource(view.fd))
        return self._sources[index]

    def _action(self, index: int) -> FileAction:
        return self._actions[index - len(self._inputs)]


def _kept(op: FileOp, inputs: int) -> set[int]:
    """Indexes of actions whose result must be a layer of its own."""
    uses = Counter(action.input for action in op.actions)
    read = {index for action in op.actions for index in (action.secondary_input, *_named(action)) if index != action.input}
    return {inputs + at for at, action in enumerate(op.actions) if action.output >= 0 or uses[inputs + at] > 1 or inputs + at in read}


def _named(action: FileAction) -> list[int]:
    """Inputs in which names of users are looked up."""
    owner = getattr(action.action, "owner", None)
    users = (owner.user, owner.group) if owner is not None else ()
    return [user.by_name.input for user in users if user is not None and user.by_name is not None]


def _check(op: FileOp, inputs: int) -> list[int]:
    """For each output, the action that gives it. Raises StoreError in BuildKit's words."""
    count = inputs + len(op.actions)
    outputs: dict[int, int] = {}
    for at, action in enumerate(op.actions):
        if not -1 <= action.input < count:
            raise StoreError(f"invalid input index {action.input}, {count} provided")
        if not -1 <= action.secondary_input < count:
            raise StoreError(f"invalid secondary input index {action.secondary_input}, {inputs} provided")
        if any(not -1 <= index < count for index in _named(action)):
            raise StoreError(f"invalid user index: {min(_named(action))}")
        if action.output >= 0:
            if action.output in outputs:
                raise StoreError(f"duplicate output {action.output}")
            outputs[action.output] = at
    if not outputs:
        raise StoreError("no outputs specified")
    for index in range(len(outputs)):
        if index not in outputs:
            raise StoreError(f"missing output index {index}")
    _check_loops(op, inputs)
    return [outputs[index] for index in range(len(outputs))]


def _check_loops(op: FileOp, inputs: int) -> None:
    """An action must not need its own result, nor that of one that needs it."""
    needs = [[i - inputs for i in (a.input, a.secondary_input, *_named(a)) if i >= inputs] for a in op.actions]
    done: set[int] = set()
    for start in range(len(needs)):
        path: list[int] = []
        stack = [(start, False)]
        while stack:
            at, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(at)
            elif at in path:
                raise StoreError(f"loop from index {at + inputs}")
            elif at not in done:
                path.append(at)
                stack.append((at, True))
                stack.extend((need, False) for need in needs[at])
