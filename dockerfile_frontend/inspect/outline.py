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
from dockerfile_frontend.inspect.picture.model import needed_by, only
from dockerfile_frontend.inspect.tables import show_table
from dockerfile_frontend.inspect.targets import location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from dockerfile_frontend.compiler.result import OutlineFacts, StageFacts
    from dockerfile_frontend.inspect.picture.model import Picture
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


def show_outline(found: dict[str, Any], picture: Picture, given: Collection[str]) -> Iterator[Line]:
    """The outline for people: what its JSON says, and of the stages' picture what the target mounts and takes from outside.

    `given` names the build args that were given.
    """
    yield (
        Piece("target  ", "dim"),
        Piece(found.get("name") or "(default)", "stage"),
        *_behind(found.get("description")),
    )
    for head, rows in _tables(found, picture, given):
        if rows:
            yield ()
            yield from show_table(head, rows)


def _tables(found: dict[str, Any], picture: Picture, given: Collection[str]) -> Iterator[tuple[Sequence[str], list[Sequence[str]]]]:
    args = found.get("args", ())
    yield (
        ("build arg", "value", "from", "description"),
        [(arg["name"], arg.get("value", ""), _origin(arg, picture, given), arg.get("description", "")) for arg in args],
    )
    for key, title in (("secrets", "secret"), ("ssh", "ssh")):
        entries = found.get(key, ())
        yield (
            (title, "required", "first used"),
            [(entry["name"], "yes" if entry.get("required") else "no", _place(entry, picture)) for entry in entries],
        )
    part = only(picture, needed_by(picture.target, picture.edges))
    yield ("cache mount", "used by"), _caches(part)
    yield ("from outside", "kind", "platform", "used by"), list(_outside(part))
    yield ("mounted", "in", "where", "lines"), list(_mounted(part))


def _origin(arg: dict[str, Any], picture: Picture, given: Collection[str]) -> str:
    """Who gave the value: the caller, or the Dockerfile; where it is declared."""
    if arg["name"] in given:
        return f"--build-arg ({_place(arg, picture)})"
    return _place(arg, picture) if "value" in arg else f"nobody ({_place(arg, picture)})"


def _place(entry: dict[str, Any], picture: Picture) -> str:
    ranges = entry["location"]["ranges"]
    return picture.place(((ranges[0]["start"]["line"], ranges[-1]["end"]["line"]),))


def _caches(part: Picture) -> list[Sequence[str]]:
    """Cache mounts by id: stages that use one share it."""
    users: dict[str, list[str]] = {}
    for node in part.nodes:
        for mount in node.mounts:
            kind, _, name = mount.partition(" ")
            if kind == "cache":
                users.setdefault(name, []).append(node.name)
    return [(name, ", ".join(stages)) for name, stages in users.items()]


def _outside(part: Picture) -> Iterator[Sequence[str]]:
    """Images, contexts, URLs and repositories, each with who uses it for what."""
    names = {node.id: node.name for node in part.nodes}
    for node in part.nodes:
        if node.kind == "stage":
            continue
        users = (f"{edge.kind} of {names[edge.target]}" for edge in part.edges if edge.source == node.id)
        yield node.name, node.kind, " ".join(node.notes), ", ".join(dict.fromkeys(users))


def _mounted(part: Picture) -> Iterator[Sequence[str]]:
    """Files that a RUN mounts, of the context, of images and of other stages."""
    names = {node.id: node.name for node in part.nodes}
    for edge in part.edges:
        if edge.kind == "mount":
            yield names[edge.source], names[edge.target], "; ".join(edge.paths), part.place(edge.lines)


def _behind(description: str | None) -> tuple[Piece, ...]:
    return (Piece(f"  {description}", "dim"),) if description else ()
