"""The stages that can be built, as the reference's `targets` subrequest answers.

    FROM alpine AS build
    FROM scratch
    -> {"targets": [{"name": "build", "base": "alpine", …}, {"default": True, "base": "scratch", …}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockerfile_frontend.inspect.tables import show_table
from dockerfile_frontend.instructions.stages import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.inspect.lines import Line
    from dockerfile_frontend.instructions.model import From, Lines


def list_targets(dockerfile: bytes) -> dict[str, Any]:
    """JSON-ready, what is empty left out. Only parsed: stages that could not be compiled are listed, too.

    Without a stage the list is None: the reference writes null there (case edge-cr-119-0 of the conformance suite).
    """
    stages = parse(dockerfile).stages
    return {"targets": [describe_stage(stage.from_, default=stage is stages[-1]) for stage in stages] or None}


def describe_stage(start: From, *, default: bool) -> dict[str, Any]:
    found = {
        "name": start.name,
        "default": default,
        "description": start.description,
        "base": start.base,
        "platform": start.platform,
        "location": location(start.lines),
    }
    return {key: value for key, value in found.items() if value}


def location(lines: Lines) -> dict[str, Any]:
    """One range a line, as the reference has them; columns are left out there."""
    return {"ranges": [{"start": {"line": n}, "end": {"line": n}} for n in range(lines.first, lines.last + 1)]}


def show_targets(found: dict[str, Any]) -> Iterator[Line]:
    """A table for people: name, base, platform, description."""
    rows = [(target_name(t), t.get("base", ""), t.get("platform", ""), t.get("description", "")) for t in found["targets"] or ()]
    yield from show_table(("target", "base", "platform", "description"), rows)


def target_name(target: dict[str, Any]) -> str:
    name = str(target.get("name", ""))
    return f"{name} (default)".strip() if target.get("default") else name
