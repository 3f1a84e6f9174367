"""file: change files without a container.

Op(inputs=(base, src), body=FileOp((FileAction(0, 1, 0, Copy("/a", "/b/")),))) ──▶ base + /b/a
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import LocalView, Selection, Tree
from ir_schema.ops import Copy, FileAction, FileOp

from .identity import encode_identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.files.run import Input
    from dockerfile_frontend.executor.solver.model import Result, Step
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Chown, Op

USER_FILES = {"user": "/etc/passwd", "group": "/etc/group"}


def identity(op: Op, *, by_content: bool) -> bytes:
    """What counts: all of it; by content, of a copied path only its end: the name it gets, and what asks for a directory."""
    body = _body(op)
    if by_content:
        read = reads(op)
        body = FileOp(tuple(_last_name_only(action) if _copies(action) in read else action for action in body.actions))
    return encode_identity(op, body)


def reads(op: Op) -> Mapping[int, tuple[Selection, ...]]:
    """Inputs that are only copied from, or only asked for names of users: what is read of them may give the key."""
    selections: dict[int, list[Selection]] = {}
    changed = {action.input for action in _body(op).actions}
    for action in _body(op).actions:
        for index, selection in _action_reads(action):
            if 0 <= index < len(op.inputs) and index not in changed:
                selections.setdefault(index, []).append(selection)
    return {index: tuple(dict.fromkeys(found)) for index, found in selections.items()}


def run(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """The layers of each output. Raises ExecutorError for an op that makes no sense, or that cannot be done."""
    from dockerfile_frontend.executor.files.run import run_file_op

    worker = step.worker
    found = [_input(each, worker) for each in inputs]
    outputs = run_file_op(worker.store, _body(op), found, step.name, step.check_cancelled)
    return [Tree(layers) for layers in outputs]


def _input(result: Result, worker: Worker) -> Input:
    from dockerfile_frontend.executor.files.run import LocalInput, TreeInput

    return LocalInput(worker.local_tree(result)) if isinstance(result, LocalView) else TreeInput(result.layers)


def _action_reads(action: FileAction) -> list[tuple[int, Selection]]:
    found = []
    step = action.action
    if isinstance(step, Copy):
        found.append((action.secondary_input, _copy_selection(step)))
    found.extend(_owner_reads(getattr(step, "owner", None)))
    return found


def _copy_selection(copy: Copy) -> Selection:
    wildcard = copy.allow_wildcard and any(c in copy.src for c in "*?[")
    return Selection(copy.src, wildcard, copy.follow_symlink, copy.include_patterns, copy.exclude_patterns, copy.required_paths)


def _owner_reads(owner: Chown | None) -> list[tuple[int, Selection]]:
    found = []
    for side, path in USER_FILES.items():
        who = getattr(owner, side, None)
        if who is not None and who.by_name is not None:
            found.append((who.by_name.input, Selection(path)))
    return found


def _copies(action: FileAction) -> int:
    """The input or earlier result that an action copies from; -1 for none."""
    return action.secondary_input if isinstance(action.action, Copy) else -1


def _last_name_only(action: FileAction) -> FileAction:
    if isinstance(action.action, Copy):
        return replace(action, action=replace(action.action, src=_end(action.action.src)))
    return action


def _end(path: str) -> str:
    """"/x/app/" ──▶ "app/"."""
    named = path.rstrip("/")
    return named.rpartition("/")[2] + path[len(named) :]


def _body(op: Op) -> FileOp:
    assert isinstance(op.body, FileOp)  # noqa: S101 - the table of ops
    return op.body
