"""An image that is its own cache: records in its config, over the layers that it has anyway.

    images = with_caches(images, plan, machine)      {"moby.buildkit.cache.v0": base64 of the records, …}

Results that are made of layers of the image alone are told. One whose layers lie as they do in the image says how many of them it
has; another lists them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from .document import Cache, CachedResult, encode_records
from .portable import Portable, of_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.executor.exporters.records import Image
    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.plan import Plan


def with_caches(images: Sequence[Image], plan: Plan, machine: Machine) -> tuple[Image, ...]:
    """The same images, each with the records that its layers can answer."""
    results = of_plan(plan, machine)
    return tuple(replace(image, inline_cache=inline_cache(results, image)) for image in images)


def inline_cache(results: Iterable[Portable], image: Image) -> str | None:
    """What stands in the config; None when there is nothing to say."""
    places = {layer: number for number, layer in enumerate(image.layers)}
    found: dict[str, CachedResult] = {}
    keys = {}
    for result in results:
        known = result.known
        if not all(layer in places for tree in known.outputs for layer in tree.layers):
            continue
        outputs = tuple(_output([places[layer] for layer in tree.layers]) for tree in known.outputs)
        found[known.id] = CachedResult(known.id, outputs, known.name, known.op, known.created)
        keys.update({key.digest: (key, known.id) for key in result.keys})
    if not keys:
        return None
    records = encode_records(Cache((), found, keys))
    return base64.b64encode(json.dumps(records, separators=(",", ":")).encode()).decode()


def _output(indexes: list[int]) -> int | tuple[int, ...]:
    """The topmost index where the layers are the image's lowest ones in order, else all of them."""
    return len(indexes) - 1 if indexes == list(range(len(indexes))) else tuple(indexes)
