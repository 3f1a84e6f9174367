"""local:// sources: a directory of the client, filtered, read in place.

SourceOp("local://context", {"local.followpaths": '["src"]'}) ──▶ LocalView("/home/me/app", follow=("src",))
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, LocalView

from .pin import Pin, body_of

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import Step, Tree
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

SUPPORTED = frozenset({
    "local.differ", "local.excludepatterns", "local.followpaths", "local.includepattern", "local.session", "local.sharedkeyhint",
    "local.unique",
})  # fmt: skip
"""Of these the differ, the session's id, the hint and the unique id say how a client sends files, which nobody does here."""
TEXT_SHOWN = 80


def recall(op: Op, worker: Worker) -> Pin:
    """The view; nothing is read yet. Raises ExecutorError for a directory that the client did not give."""
    body = body_of(op)
    unknown = {key for key in body.attrs if key.startswith("local.")} - SUPPORTED
    if unknown:
        raise ExecutorError(f"local source option {min(unknown)} is not supported by this executor")
    name = _name(body)
    path = worker.session.contexts.get(name)
    if path is None:
        raise ExecutorError(
            f"no local directory {name!r} was given", hint=f"dfc exec --local {name}=DIR, or dfc build --build-context {name}=DIR"
        )
    patterns = (_patterns(body, f"local.{key}") for key in ("includepattern", "excludepatterns", "followpaths"))
    return Pin((), view=LocalView(str(path), *patterns))


resolve = recall


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Never called: a view is its own result."""
    raise AssertionError((op, pin, step.name))


def _name(body: SourceOp) -> str:
    """A session given as prefix:id puts the prefix before the name, as in the reference."""
    name = body.identifier.removeprefix("local://")
    prefix, colon, _ = body.attrs.get("local.session", "").partition(":")
    return f"{prefix}-{name}" if colon else name


def _patterns(op: SourceOp, attr: str) -> tuple[str, ...]:
    text = op.attrs.get(attr)
    if not text:
        return ()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = ""
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(p, str) for p in found):
        raise ExecutorError(f"{attr} is not a JSON list of strings: {text[:TEXT_SHOWN]!r}")
    return tuple(found)
