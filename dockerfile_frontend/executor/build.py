"""A build from graphs to outputs, on this machine.

    job = BuildJob("/var/lib/dfc", (Target(definition, config=b"{…}"),), Session(contexts={"context": app}), (output,))
    metadata = build(job, display)

    plan, without namespaces ──nothing to do──▶ export
             ├──files to copy──▶ a mount namespace ──▶ run ──▶ export
             └──steps to run──▶ enter namespaces ──▶ run ──▶ export

A build that is all cached needs no namespace, no container and no mount, so it is not made to wait for them. Entering forks: the
store is closed before and opened again after, and what sources were found to be is kept. Where all that is left is to copy files,
which root can do in a mount namespace of this process, none of that is done. A build whose graph is new has most likely
something to do: it enters while the graph is made (`ahead`), and is then carried on by `build_inside`.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from itertools import starmap
from typing import TYPE_CHECKING, Any

from ir_schema.ops import FileOp, Platform
from ir_schema.record import Record

from .compiled import find_targets, remember_targets
from .exporters.records import Image
from .job import BuildJob, Built
from .machine import Machine
from .solve import complete, outputs_of
from .solver.model import StepError, Tree
from .solver.plan import make_plan
from .store import Store
from .trace import find_trace, record_of, remember_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from .cache.imports import Imports
    from .solver.events import Events
    from .solver.model import Result
    from .solver.plan import Plan
    from .sources.pin import Pin

    Display = Callable[[], AbstractContextManager[Events]]
    """Opens what shows the build; called once, when no more processes are made of this one."""
    Failed = Callable[[StepError, Machine], None]


class _Seen(Record):
    """What planning has found out that holds for the rest of a build."""

    pins: Mapping[str, Pin]
    caches: Imports | None


def build(job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
    """Plan, run, export. Raises StepError for a step that failed, ExecutorError for all else.

    `failed` is called before the first is raised, while what the step left is still there.
    """
    with opened(job) as machine:
        found = _look(job, machine, display, failed)
    return found if isinstance(found, Built) else _work(job, found, display, failed)


def build_inside(job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
    """The same in a process that is in namespaces already, so that it need not be found out first whether they are needed."""
    return _work(job, None, display, failed)


def _look(job: BuildJob, machine: Machine, display: Display, failed: Failed | None) -> Built | _Seen:
    """What is made when no step has to run; else what was learnt on the way."""
    try:
        plan = _plan(job, machine)
    except PermissionError:
        if os.geteuid() == 0:
            raise
        return _Seen(machine.sources.pins, machine.imports)  # in a namespace we may read whatever is ours, whatever its mode
    if not plan.work and not job.cache_to and not _needs_files(job, plan, machine):
        with display() as machine.events:
            return _finish(job, plan, machine)
    _check_limit(machine.store)
    if _copies_files(job, plan, machine):
        from .userns import own_mounts

        if own_mounts():
            with display() as machine.events:
                return _carry_out(job, plan, machine, failed)
    return _Seen(machine.sources.pins, machine.imports)


def _copies_files(job: BuildJob, plan: Plan, machine: Machine) -> bool:
    """Whether all that is left to do is to copy files: whatever happens, no step is run."""
    elsewhere = job.cache_from or job.cache_to or job.facts.scans or machine.records.has_imported()
    return not elsewhere and all(isinstance(task.op.body, FileOp) for task in plan.work)


def _carry_out(job: BuildJob, plan: Plan, machine: Machine, failed: Failed | None) -> Built:
    try:
        return _finish(job, plan, machine)
    except StepError as error:
        if failed:
            failed(error, machine)
        raise


def _work(job: BuildJob, seen: _Seen | None, display: Display, failed: Failed | None) -> Built:
    """Run what must run, in namespaces of our own; no store is open."""
    from .userns import enter

    enter()
    with display() as events, opened(job) as machine:
        machine.events = events
        if seen:
            machine.sources.adopt(seen.pins)
            machine.use_caches(job.cache_from, seen.caches)
        else:
            _check_limit(machine.store)
        return _carry_out(job, _plan(job, machine), machine, failed)


def _check_limit(store: Store) -> None:
    """Raise ExecutorError for a limit of the environment's that makes no sense, before anything is done."""
    if os.environ.get("DFC_KEEP_STORAGE"):
        from .gc import default_limit

        default_limit(store)


def build_again(
    job: BuildJob,
    agreed: Callable[[Mapping[str, Any]], BuildJob | None],
    display: Display,
    failed: Failed | None = None,
    starts: Callable[[BuildJob], object] | None = None,
) -> Built | None:
    """A build of words that were built before; `job` has no targets yet. None when graphs must be made of them.

    Found by its trace it is all done; else the graphs of then are looked at, and `starts` is called with the job that has them.
    `agreed` gets the notes of the earlier build: the job to go on with, or None when they do not hold any more.
    """
    with opened(job) as machine:
        if not job.cache_to and (done := _find_traced(job, agreed, machine, display)):  # what to write of a cache only a plan says
            return done
        recalled = recall_targets(job, agreed, machine.store)
        if recalled is None:
            return None
        if starts is not None:
            starts(recalled)
        found = _look(recalled, machine, display, failed)
    return found if isinstance(found, Built) else _work(recalled, found, display, failed)


def _find_traced(
    job: BuildJob, agreed: Callable[[Mapping[str, Any]], BuildJob | None], machine: Machine, display: Display
) -> Built | None:
    from .exporters.outputs import export, needs_files

    found = find_trace(job.trace, machine)
    ready = agreed(found.extra["notes"]) if found else None
    if found is None or ready is None:
        return None
    images = tuple(starmap(_traced_image, zip(found.extra["images"], found.layers, strict=True)))
    if needs_files(job.outputs, images, machine, ready.facts):
        return None
    with display() as machine.events:
        machine.events.planned(found.vertices)
        for vertex in found.vertices:
            machine.events.completed(vertex, cached=True)
        return Built(export(job.outputs, images, machine, ready.facts), cached=True)


def recall_targets(job: BuildJob, agreed: Callable[[Mapping[str, Any]], BuildJob | None], store: Store) -> BuildJob | None:
    """The job with the graphs that were made of the same words before."""
    known = find_targets(job, store)
    ready = agreed(known.notes) if known else None
    if known is None or ready is None:
        return None
    definitions = tuple(target.definition for target in known.targets)
    facts = replace(ready.facts, definitions=definitions)
    return replace(ready, targets=known.targets, notes=known.notes, facts=facts, recalled=True)


@contextlib.contextmanager
def opened(job: BuildJob) -> Iterator[Machine]:
    with Store.open(job.root) as store, Machine(store, job.session, jobs=job.jobs) as machine:
        machine.use_caches(job.cache_from)
        machine.sources.adopt(job.pins)
        yield machine


def _plan(job: BuildJob, machine: Machine) -> Plan:
    return make_plan([target.definition for target in job.targets], machine)


def _needs_files(job: BuildJob, plan: Plan, machine: Machine) -> bool:
    from .exporters.outputs import needs_files

    images = _images(job, plan, machine)
    return images is None or needs_files(job.outputs, images, machine, job.facts)


def _finish(job: BuildJob, plan: Plan, machine: Machine) -> Built:
    from .exporters.outputs import export

    if machine.imports is not None:
        machine.imports.show()
    definitions = [target.definition for target in job.targets]
    plan = complete(definitions, machine, plan, lambda done: _prove(job, done, machine))
    images = _images(job, plan, machine, make=True)
    assert images is not None  # noqa: S101 - made
    if any(spec.kind == "inline" for spec in job.cache_to):
        from .cache.inline import with_caches

        images = with_caches(images, plan, machine)
    if job.trace:
        extra = {"images": [_trace_of(image) for image in images], "notes": job.notes}
        remember_trace(job.trace, plan, [image.layers for image in images], extra, machine)
        if not job.recalled:
            remember_targets(job, machine.store)
    built = Built(export(job.outputs, images, machine, job.facts), not plan.work)
    if job.cache_to:
        from .cache.writing import export_caches

        export_caches(job.cache_to, plan, images, machine)
    if plan.work:
        from .gc import keep_within

        keep_within(machine.store, job.keep_bytes)
    return built


def _prove(job: BuildJob, plan: Plan, machine: Machine) -> None:
    """See that layers of other caches are what they are said to be, where files are made of them that nobody looks into."""
    if machine.records.has_imported() and not all(output.kind in ("cacheonly", "image") for output in job.outputs):
        from .cache.broken import prove

        results = outputs_of(plan, [target.definition for target in job.targets])
        prove(results, machine, files=any(output.kind in ("local", "tar") for output in job.outputs))


def _images(job: BuildJob, plan: Plan, machine: Machine, *, make: bool = False) -> tuple[Image, ...] | None:
    """One image for each target; a directory of the client that is a result itself becomes a layer, if that may be made now."""
    results = outputs_of(plan, [target.definition for target in job.targets])
    images = []
    for target, result in zip(job.targets, results, strict=True):
        layers = _layers(result, machine) if make or isinstance(result, Tree) else None
        if layers is None:
            return None
        images.append(Image(target.platform or Platform(), layers, target.config, target.base_config))
    return tuple(images)


def _layers(result: Result, machine: Machine) -> tuple[str, ...]:
    if isinstance(result, Tree):
        return result.layers
    from .files.run import materialize

    return (materialize(machine.store, machine.local_tree(result)),)


def _trace_of(image: Image) -> list[Any]:
    platform = [getattr(image.platform, name) for name in Platform.__match_args__]
    return [platform, image.config.decode(), image.base_config.decode()]


def _traced_image(kept: list[Any], layers: tuple[str, ...]) -> Image:
    platform, config, base_config = kept
    return Image(record_of(Platform, platform), layers, config.encode(), base_config.encode())
