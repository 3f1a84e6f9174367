"""Which fields of an instruction hold variables, and in which order they are expanded.

    expand(Copy(sources=("$A",), dest="/$B"), lambda word: …)  ──▶ Copy(sources=("a",), dest="/b")

The order decides which fault is reported first. ARG and RUN are not here: an ARG's default may never be needed, and the
options of a mount are read while they are expanded. Dockerfile reference: "Environment replacement".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.instructions.model import (
    Add,
    Copy,
    Env,
    Files,
    Instruction,
    KeyValue,
    Label,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from dockerfile_frontend.instructions.plugins import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expander = Callable[[str], str]

FIELDS: Mapping[type[Instruction], tuple[str, ...]] = {
    Add: ("chown", "chmod", "checksum", "sources", "dest"),
    Copy: ("chown", "chmod", "sources", "dest"),
    Env: ("pairs",),
    Label: ("pairs",),
    StopSignal: ("signal",),
    User: ("user",),
    Volume: ("volumes",),
    Workdir: ("path",),
}


def expand(instruction: Instruction, expander: Expander) -> Instruction:
    """The instruction with the variables in its fields replaced."""
    fields = FIELDS.get(type(instruction))
    if fields is None:
        plugin = KINDS.get(type(instruction))
        if plugin is None:
            return instruction
        fields = plugin.fields
    changed = {}
    for name in fields:
        before = getattr(instruction, name)
        after = _expand_value(before, expander)
        if after != before:
            changed[name] = after
    return replace(instruction, **changed) if changed else instruction


def expand_contents(instruction: Files, expander: Expander) -> Files:
    """The instruction with the variables in its heredocs replaced; quotes in them stay."""
    if not any(file.expand for file in instruction.contents):
        return instruction
    files = tuple(replace(f, data=expander(f.data)) if f.expand else f for f in instruction.contents)
    return replace(instruction, contents=files)


def _expand_value(value: Any, expander: Expander) -> Any:  # noqa: ANN401 - a text, or a tuple of texts or pairs
    if isinstance(value, str):
        return expander(value) if value else value
    return tuple(
        KeyValue(expander(item.key), expander(item.value), item.legacy)
        if isinstance(item, KeyValue)
        else expander(item)
        for item in value
    )
