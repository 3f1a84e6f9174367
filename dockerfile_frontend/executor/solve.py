"""Graphs in, file systems out.

    solve([definition], machine) ──▶ (Tree(("1", "4", "9")),)

    plan = make_plan([definition], machine)     # reads, runs nothing: what would have to run
    complete([definition], machine, plan)
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .solver.model import BrokenCache, ExecutorError, Result, StepError, Tree
from .solver.plan import make_plan
from .solver.schedule import run_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from ir_schema.definition import Definition

    from .machine import Machine
    from .solver.plan import Plan


def solve(definitions: Sequence[Definition], machine: Machine, cancelled: Event | None = None) -> tuple[Result, ...]:
    """What each definition's output holds. Raises StepError for the first op that failed, else ExecutorError.

    `cancelled` is that of the step whose graph this is: when it is set, everything here ends, too.
    """
    return outputs_of(complete(definitions, machine, cancelled=cancelled), definitions)


def complete(
    definitions: Sequence[Definition],
    machine: Machine,
    plan: Plan | None = None,
    check: Callable[[Plan], object] | None = None,
    cancelled: Event | None = None,
) -> Plan:
    """A plan of which all is done; made anew when a cache outside the store turned out to be broken on the way.

    `check` may say so as well: it gets a plan that is done, and raises BrokenCache.
    """
    while True:
        plan = plan or make_plan(definitions, machine)
        if cancelled is not None:
            for task in plan.tasks.values():
                task.cancelled = cancelled
        try:
            run(plan, machine)
            if check is not None:
                check(plan)
        except StepError as error:
            if not isinstance(error.cause, BrokenCache):
                raise
        except BrokenCache:
            pass
        else:
            return plan
        plan = None


def run(plan: Plan, machine: Machine) -> None:
    """Do what is left to do."""
    try:
        run_plan(plan, machine, machine.jobs)
    except BaseException:
        with suppress(ExecutorError):  # a full disk, say; why the build failed matters more
            machine.save_digests()
        raise
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
