"""local:// sources: a directory of the client, filtered, read in place.

SourceOp("local://context", {"local.followpaths": '["src"]'}) ──▶ LocalView("/home/me/app", follow=("src",))
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, LocalView

from .pin import Pin, body_of

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import Step, Tree
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

def recall(op: Op, worker: Worker) -> Pin:
    """The view; nothing is read yet. Raises ExecutorError for a directory that the client did not give."""
    return _view(body_of(op), worker)


resolve = recall


def _view(op: SourceOp, worker: Worker) -> Pin:
    name = op.identifier.removeprefix("local://")
    path = worker.session.contexts.get(name)
    if path is None:
        raise ExecutorError(
            f"no local directory {name!r} was given", hint=f"dfc exec --local {name}=DIR, or dfc build --build-context {name}=DIR"
        )
    patterns = (_patterns(op, f"local.{key}") for key in ("includepattern", "excludepatterns", "followpaths"))
    return Pin((), view=LocalView(os.fspath(path), *patterns))


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Never called: a view is its own result."""
    raise AssertionError((op, pin, step.name))


def _patterns(op: SourceOp, attr: str) -> tuple[str, ...]:
    text = op.attrs.get(attr)
    if not text:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(p, str) for p in found):
        raise ExecutorError(f"{attr} is not a JSON list of strings: {text[:80]}")
    return tuple(found)
