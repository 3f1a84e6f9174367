"""The outline of a target: what it can be told from outside, without running it.

    # V version of the tool
    ARG V=1                                      {"name": "app", "args": [{"name": "V", "description": "version of the tool",
    RUN --mount=type=secret,id=token,required …    "value": "1", "location": …}], "secrets": [{"name": "token", "required": true, …}]}

JSON of the reference's "frontend.outline" subrequest, without the sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.compiler.lower.arg import UsedArg
from dockerfile_frontend.compiler.lower.mounts import CapturedSecret
from dockerfile_frontend.inspect.lines import Line, Piece
from dockerfile_frontend.inspect.targets import location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dockerfile_frontend.compiler.result import OutlineFacts, StageFacts
    from dockerfile_frontend.semantics.args import DeclaredArg


def outline_json(facts: OutlineFacts) -> dict[str, Any]:
    """The outline of the facts' target."""
    target = facts.stages[facts.target]
    order = list(_visit(facts.target, facts.stages))
    found = {
        "name": target.name,
        "description": target.description,
        "args": _by_line(_args_json(order, facts)),
        "secrets": _by_line(_secrets_json(order, facts, "secret")),
        "ssh": _by_line(_secrets_json(order, facts, "ssh")),
    }
    return {key: value for key, value in found.items() if value}


def _visit(index: int, stages: Mapping[int, StageFacts]) -> Iterator[int]:
    """The stages of a target: itself, what it continues, what it reads, depth first."""
    seen: set[int] = set()
    waiting = [index]
    while waiting:
        index = waiting.pop()
        if index in seen or index not in stages:
            continue
        seen.add(index)
        yield index
        stage = stages[index]
        waiting.extend(reversed(stage.sources))
        if stage.parent is not None:
            waiting.append(stage.parent)


def _args_json(order: Iterable[int], facts: OutlineFacts) -> list[dict[str, Any]]:
    """Args that a stage declares or its FROM names, and what their defaults are made of; the first stage's word counts."""
    found: dict[str, DeclaredArg] = {}
    for index in order:
        declared, used = _args_of(index, facts)
        for name in _with_needs(used, declared):
            if name in declared:
                found.setdefault(name, declared[name])
    return [
        _filled(name=arg.name, description=arg.description, value=arg.value, location=location(arg.lines))
        for arg in found.values()
    ]


def _args_of(index: int, facts: OutlineFacts) -> tuple[dict[str, DeclaredArg], set[str]]:
    """All args that a stage knows, and those it uses: of its FROM, of the FROMs it goes back to, of its ARGs."""
    stage = facts.stages[index]
    used = set(stage.args_used)
    parent = stage.parent
    while parent is not None:
        used |= facts.stages[parent].args_used
        parent = facts.stages[parent].parent
    declared = dict(facts.declared)
    for captured in stage.captured:
        if isinstance(captured, UsedArg):
            used.add(captured.name)
            if captured.declared is not None:
                declared[captured.name] = captured.declared
    return declared, used


def _with_needs(used: set[str], declared: Mapping[str, DeclaredArg]) -> list[str]:
    """The names and all that their defaults are made of."""
    seen: dict[str, None] = {}
    waiting = sorted(used, reverse=True)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = None
            waiting.extend(sorted(declared[name].needs, reverse=True) if name in declared else ())
    return list(seen)


def _secrets_json(order: Iterable[int], facts: OutlineFacts, kind: str) -> list[dict[str, Any]]:
    found: dict[str, CapturedSecret] = {}
    for index in order:
        for captured in facts.stages[index].captured:
            if isinstance(captured, CapturedSecret) and captured.kind == kind:
                found.setdefault(captured.id, captured)
    return [
        _filled(name=secret.id, required=secret.required, location=location(secret.lines)) for secret in found.values()
    ]


def _by_line(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: entry["location"]["ranges"][0]["start"]["line"])


def _filled(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  JSON values
    return {name: value for name, value in fields.items() if value}


def show_outline(found: dict[str, Any]) -> Iterator[Line]:
    """The outline's JSON for people: the target, then a table each of build args, secrets and SSH agents."""
    yield (
        Piece("target  ", "dim"),
        Piece(found.get("name") or "(default)", "stage"),
        *_behind(found.get("description")),
    )
    args = [(arg["name"], arg.get("value", ""), arg.get("description", "")) for arg in found.get("args", ())]
    yield from _table(("build arg", "value", "description"), args)
    for key, title in (("secrets", "secret"), ("ssh", "ssh")):
        rows = [(entry["name"], "yes" if entry.get("required") else "no", "") for entry in found.get(key, ())]
        yield from _table((title, "required", ""), rows)


def _behind(description: str | None) -> tuple[Piece, ...]:
    return (Piece(f"  {description}", "dim"),) if description else ()


def _table(head: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> Iterator[Line]:
    if not rows:
        return
    widths = [max(len(row[column]) for row in (head, *rows)) for column in (0, 1)]
    yield ()
    for row, styles in ((head, ("dim", "dim", "dim")), *((row, ("stage", "text", "dim")) for row in rows)):
        cells = (f"{row[0]:<{widths[0]}}  ", f"{row[1]:<{widths[1]}}  " if row[2] else row[1], row[2])
        yield tuple(Piece(cell, style) for cell, style in zip(cells, styles, strict=True))
