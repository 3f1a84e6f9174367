"""Why a step was not cached: the first input of its key that is another than it was.

    plan = make_plan([definition], machine)
    compare(plan.work[0], plan, machine)
    ──▶ Reason("files", "content 1.0", "files that it reads of context", ("~ src/main.c", "+ src/new.c"), earlier=Known(…))

A key's parts are digests. What stands behind those of ops and of selections of files is kept beside them (table `detail`), small
and only for steps that ran: names of files with the beginnings of their digests, and ops without their inputs. No secret is in
an op. `executor.gc` removes what no key is made of any more.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .db import Database
    from .machine import Machine
    from .solver.keys import Key, Part
    from .solver.plan import Plan, Task
    from .solver.records import Known

FILES, OP = "files", "op"
LARGEST = 2 << 20
"""Bytes of one detail, compressed."""

MOST_NAMED = 20
"""Files or fields that a reason lists."""

_HEAD = 3
"""Words of what is said of an entry before its content: mode, user, group."""

_KEPT_HEX = 16
"""Hex digits of a file's digest that are kept."""


class Reason(Record):
    """Why a step has to run."""

    kind: str
    """new, forced, lost, op, input, files or source."""
    label: str = ""
    """The part of the key that differs."""
    text: str = ""
    """In a person's words."""
    details: tuple[str, ...] = ()
    """Files that differ: "~ changed", "+ new", "- gone"."""
    earlier: Known | None = None
    """The result that it was compared with."""
    was: bytes = b""
    """Of kind op: the earlier step without its inputs, encoded; empty when it is not kept."""
    now: bytes = b""
    """The same of the step as it is."""


def note_details(task: Task, keys: Sequence[Key], machine: Machine) -> None:
    """Keep what stands behind the digests in a step's keys."""
    rows = {}
    for key in keys:
        for part in key.parts:
            if part.label == "op":
                rows[part.value] = (OP, task.kind.identity(task.op, by_content=key.kind == "content"))
            elif part.value in machine.seen:
                seen = machine.seen.pop(part.value)
                if seen.complete:
                    rows[part.value] = (FILES, "\0".join(_shortened(seen.entries)).encode("utf-8", "surrogateescape"))
    _keep(rows, machine.store.db)


def _keep(rows: Mapping[str, tuple[str, bytes]], db: Database) -> None:
    import time

    now = time.time()
    packed = [(digest, kind, zlib.compress(data, 1), now) for digest, (kind, data) in rows.items()]
    fitting = [row for row in packed if len(row[2]) <= LARGEST]
    if fitting:
        with db.transaction():
            db.executemany("INSERT OR IGNORE INTO detail (digest, kind, data, used) VALUES (?, ?, ?, ?)", fitting)


def _shortened(entries: Sequence[str]) -> Iterator[str]:
    """Regular files without the end of their digest, which no two files of one name differ in alone."""
    for at in range(0, len(entries), 2):
        yield entries[at]
        described = entries[at + 1]
        yield described[: _KEPT_HEX - 64] if described.startswith("100") else described


def compare(task: Task, plan: Plan, machine: Machine) -> Reason:
    """Why a task is not cached, compared with the nearest earlier result of such a step. Raises ExecutorError."""
    if task.metadata.ignore_cache:
        return Reason("forced", text="it is told to ignore the cache")
    if task.key is None:
        return Reason("new", text=_keyless(task))
    known = machine.records.find(task.key.digest)
    if known is not None:
        return Reason("lost", text="its files are not in the store any more", earlier=known)
    return _against(_nearest(task, machine), task, plan, machine)


def compare_built(task: Task, plan: Plan, machine: Machine) -> Reason:
    """Why a step that is cached had to run when it did: compared with the nearest result that was there before. Raises ExecutorError."""
    if task.metadata.ignore_cache:
        return Reason("forced", text="it is told to ignore the cache")
    if task.key is None or task.known is None:
        return Reason("new", text=_keyless(task))
    return _against(_nearest(task, machine, before=task.known), task, plan, machine)


def _against(nearest: tuple[Known, Key] | None, task: Task, plan: Plan, machine: Machine) -> Reason:
    """The first part of a task's key that is another than in the key of an earlier result."""
    if nearest is None or task.key is None:
        return Reason("new", text="no such step was built before")
    known, key = nearest
    old = {part.label: part.value for part in key.parts}
    for part in task.key.parts:
        if old.get(part.label) != part.value:
            return _differs(part, old.get(part.label), known, task, plan, machine)
    return Reason("op", text="it takes fewer inputs than before", earlier=known)


def _nearest(task: Task, machine: Machine, before: Known | None = None) -> tuple[Known, Key] | None:
    """The result whose key is most like the task's: of a step of that name, else of one in its place."""
    assert task.key is not None  # noqa: S101 - looked at by the caller
    best: tuple[tuple[int, int, float], Known, Key] | None = None
    command, place = _command(task.info.name), _place(task.info.name)
    parts = {(part.label, part.value) for part in task.key.parts}
    for known in machine.records.all():
        if before is not None and (known.id == before.id or known.created >= before.created):
            continue
        theirs = _command(known.name)
        same_name = theirs == command
        same_place = _place(known.name) == place and theirs.partition(" ")[0] == command.partition(" ")[0]
        if not (same_name or same_place):
            continue
        for key in machine.records.keys_of(known.id):
            if key.kind != task.key.kind:
                continue
            equal = len(parts.intersection((part.label, part.value) for part in key.parts))
            rank = (2 * same_name + bool(equal and same_place), equal, known.created)
            if rank[0] and (best is None or rank > best[0]):
                best = (rank, known, key)
    return (best[1], best[2]) if best else None


def _command(name: str) -> str:
    """A step's name without its place: "[build 2/5] RUN make" ──▶ "RUN make"."""
    return name.partition("] ")[2] if name.startswith("[") else name


def _place(name: str) -> str:
    """The place alone: "[build 2/5] RUN make" ──▶ "[build 2", whatever the number of steps is."""
    return name.partition("]")[0].rpartition("/")[0] if name.startswith("[") else ""


def _differs(part: Part, old: str | None, known: Known, task: Task, plan: Plan, machine: Machine) -> Reason:
    """What is to be said of one part that is another than it was."""
    label = part.label
    if label == "op":
        identity = task.kind.identity(task.op, by_content=False)
        return Reason("op", label, "the step itself changed", (), known, _detail(old, machine) or b"", identity)
    if label.startswith("content "):
        index = int(label.removeprefix("content ").partition(".")[0])
        return _files(part, old, known, f"files changed that it reads of {_input_name(task, index, plan)}", machine)
    if label.startswith("input "):
        name = _input_name(task, int(label.removeprefix("input ")), plan)
        before = machine.records.get((old or "").rpartition(":")[0])
        if before is not None and _command(before.name) != _command(name):
            return Reason("input", label, f"it is made of {name}, and was of {before.name}", (), known)
        return Reason("input", label, f"{name} has another result", (), known)
    return Reason("source", label, "its content changed", (f"- {old}", f"+ {part.value}") if old else (f"+ {part.value}",), known)


def _input_name(task: Task, index: int, plan: Plan) -> str:
    return plan.tasks[task.op.inputs[index].digest].info.name if index < len(task.op.inputs) else f"input {index}"


def _files(part: Part, old: str | None, known: Known, text: str, machine: Machine) -> Reason:
    was, now = _kept_entries(old, machine), _kept_entries(part.value, machine)
    seen = machine.seen.get(part.value)
    if now is None and seen is not None and seen.complete:
        now = _entries(list(_shortened(seen.entries)))
    if was is None or now is None:
        return Reason("files", part.label, text, (), known)
    found = [f"~ {path}{_attributes(was[path], said)}" for path, said in now.items() if path in was and was[path] != said]
    found += [f"+ {path}" for path in now if path not in was]
    found += [f"- {path}" for path in was if path not in now]
    return Reason("files", part.label, text, tuple(_short(found)), known)


def _attributes(was: str, now: str) -> str:
    """What differs beside the content, when that is all: ": mode 644 → 755"."""
    old, new = was.split(" ", 3), now.split(" ", 3)
    if old[3:] != new[3:] or len(old) < _HEAD or len(new) < _HEAD or old[0][:-4] != new[0][:-4]:
        return ""
    mode = f"mode {old[0][-4:].lstrip('0')} → {new[0][-4:].lstrip('0')}" if old[0] != new[0] else ""
    owner = f"owner {old[1]}:{old[2]} → {new[1]}:{new[2]}" if old[1:3] != new[1:3] else ""
    return ": " + ", ".join(filter(None, (mode, owner))) if mode or owner else ""


def _kept_entries(digest: str | None, machine: Machine) -> dict[str, str] | None:
    kept = _detail(digest, machine)
    return None if kept is None else _entries(kept.decode("utf-8", "surrogateescape").split("\0"))


def _entries(flat: Sequence[str]) -> dict[str, str]:
    """What is at each path; below a match, which begins with a slash, the others are relative to it."""
    found: dict[str, str] = {}
    root = ""
    for at in range(0, len(flat) - 1, 2):
        path = flat[at]
        if path.startswith("/"):
            root = path.strip("/")
            found[root or "."] = flat[at + 1]
        else:
            found[f"{root}/{path}".strip("/")] = flat[at + 1]
    return found


def _keyless(task: Task) -> str:
    return "what it is will be known when it has been downloaded" if task.later else "it has no key before the build"


def _detail(digest: str | None, machine: Machine) -> bytes | None:
    row = machine.store.db.execute("SELECT data FROM detail WHERE digest = ?", (digest,)).fetchone() if digest else None
    return zlib.decompress(row[0]) if row else None


def _short(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_NAMED
    return lines if more <= 0 else [*lines[:MOST_NAMED], f"and {more} more"]
