"""Graphs in, file systems out.

    solve([definition], machine) ──▶ (Tree(("1", "4", "9")),)

    plan = make_plan([definition], machine)     # reads, runs nothing: what would have to run
    finish(plan, machine)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .solver.model import ExecutorError, Result, Tree
from .solver.plan import make_plan
from .solver.schedule import run_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ir_schema.definition import Definition

    from .machine import Machine
    from .solver.plan import Plan


def solve(definitions: Sequence[Definition], machine: Machine) -> tuple[Result, ...]:
    """What each definition's output holds. Raises StepError for the first op that failed, else ExecutorError."""
    plan = make_plan(definitions, machine)
    run(plan, machine)
    return outputs_of(plan, definitions)


def run(plan: Plan, machine: Machine) -> None:
    """Do what is left to do."""
    try:
        run_plan(plan, machine, machine.jobs)
    finally:
        machine.save_digests()


def outputs_of(plan: Plan, definitions: Sequence[Definition]) -> tuple[Result, ...]:
    """One result for each definition, in their order; a graph of nothing is an empty file system."""
    found: list[Result] = []
    for definition in definitions:
        edge = definition.output
        if edge is None:
            found.append(Tree())
            continue
        results = plan.tasks[edge.digest].results
        if results is None or not 0 <= edge.index < len(results):
            raise ExecutorError(f"{edge.digest} has no output {edge.index}")
        found.append(results[edge.index])
    return tuple(found)
