"""source: files from outside, as `sources` knows to bring them.

Op(body=SourceOp("git://host/repo.git#main")) ──▶ a tree of the commit that `main` is now
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Op


def run(op: Op, _inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """Bring what was pinned when the build was planned."""
    return [step.worker.sources.fetch(op, step)]
