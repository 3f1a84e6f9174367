"""Finish an image config: the frontend wrote what the instructions say, the export knows the layers.

    {"config": …, "history": [{"created_by": "RUN x"}]} + [layer] ──▶ + "rootfs", times in "history", "created"

A history entry that is not an empty layer belongs to the next layer; layers without an entry get one. With an epoch no time is
later than it, except what the base image brought along.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

from .gojson import go_json

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPORTER_COMMENT = "buildkit.exporter.image.v0"
"""Comment of a history entry that no instruction wrote, as image tools know it."""

INLINE_CACHE_FIELD = "moby.buildkit.cache.v0"


_HISTORY = ("created", "created_by", "author", "comment", "empty_layer")


class LayerFacts(Record):
    """What a config says of a layer."""

    diff_id: str
    """Digest of the uncompressed tar."""
    created: float = 0.0
    """Unix seconds."""
    description: str = ""
    """What made it, for a layer that history does not mention."""


def finish_config(
    config: bytes,
    layers: Sequence[LayerFacts],
    *,
    epoch: int | None = None,
    base: bytes | None = None,
    inline_cache: object = None,
) -> bytes:
    """The config of the image to export.

    `epoch` is SOURCE_DATE_EPOCH in seconds; `base` is the base image's config, whose history keeps its times. Keys are sorted,
    those inside them stay as they are, as BuildKit does it. Raises ExecutorError when the config is no image config.
    """
    document = _load(config)
    history = _complete(document.get("history") or [], layers)
    _date(history, layers)
    if epoch is not None:
        _clamp(history, epoch, _load(base).get("history") or [] if base else [])
    document["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    document["history"] = [{key: entry[key] for key in _HISTORY if entry.get(key)} for entry in history]
    document["created"] = _created(document.get("created"), history, epoch)
    if inline_cache is not None:
        document[INLINE_CACHE_FIELD] = inline_cache
    return go_json(dict(sorted(document.items())))


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one: "2026-11-24T08:00:00Z"."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    return text.rstrip("0").rstrip(".") + "Z"


def parse_timestamp(text: str) -> datetime:
    """A time as image configs write it; nanoseconds are cut to microseconds."""
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        text = f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    return datetime.fromisoformat(text)


def _load(config: bytes) -> dict[str, Any]:
    try:
        document = json.loads(config)
    except ValueError as error:
        raise ExecutorError(f"invalid image config for export: {error}") from None
    if not isinstance(document, dict):
        raise ExecutorError("invalid null image config for export")
    for field, name in (("os", "os"), ("architecture", "architecture")):
        if not document.get(field):
            raise ExecutorError(f"invalid image config for export: missing {name}")
    return document


def _complete(history: list[dict[str, Any]], layers: Sequence[LayerFacts]) -> list[dict[str, Any]]:
    """As many entries with a layer as there are layers."""
    entries, used = [], 0
    for entry in history:
        with_layer = not entry.get("empty_layer") and used < len(layers)
        used += with_layer
        kept = {k: v for k, v in entry.items() if k != "empty_layer"}
        entries.append(kept if with_layer else {**kept, "empty_layer": True})
    entries.extend(
        {"created": timestamp(layer.created), "created_by": layer.description, "comment": EXPORTER_COMMENT}
        for layer in layers[used:]
    )
    return entries


def _date(history: list[dict[str, Any]], layers: Sequence[LayerFacts]) -> None:
    """Give every entry a time: its layer's, else that of the layer before it, else that of the first new layer."""
    pending = iter(layers)
    for entry in history:
        if not entry.get("empty_layer"):
            layer = next(pending)
            entry.setdefault("created", timestamp(layer.created))
    current = _first_new_time(history)
    undated = False
    for entry in history:
        if entry.get("created"):
            current = entry["created"] if undated else current
        else:
            undated = True
            if current:
                entry["created"] = current


def _first_new_time(history: Sequence[dict[str, Any]]) -> str | None:
    """The first time after an undated entry, else the last time at all."""
    current, undated = None, False
    for entry in history:
        if entry.get("created"):
            current = entry["created"]
            if undated:
                break
        else:
            undated = True
    return current


def _clamp(history: list[dict[str, Any]], epoch: int, base: Sequence[dict[str, Any]]) -> None:
    limit = datetime.fromtimestamp(epoch, UTC)
    own = False
    for index, entry in enumerate(history):
        own = own or index >= len(base) or entry != base[index]
        if own and ("created" not in entry or parse_timestamp(entry["created"]) > limit):
            entry["created"] = timestamp(epoch)


def _created(stated: str | None, history: Sequence[dict[str, Any]], epoch: int | None) -> str | None:
    if stated:
        late = epoch is not None and parse_timestamp(stated) > datetime.fromtimestamp(epoch, UTC)
        return timestamp(epoch) if late and epoch is not None else stated
    return next((entry["created"] for entry in reversed(history) if entry.get("created")), None)
