"""Graphs that a frontend made of the same words before, so that a build in which only files have changed need not be compiled.

    remember_targets(job, store)     after a build: under the key of its trace, since equal words give equal graphs
    find_targets(job, store)         None, or the job with the targets and notes of then

What lies in the store is read like any graph from outside; what cannot be read is compiled again.
"""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ir_schema.errors import FormatError
from ir_schema.ops import Platform

from .trace import record_of

if TYPE_CHECKING:
    from typing import Any

    from .job import BuildJob, Target
    from .store import Store

KIND = "graphs"
VERSION = 1
LARGEST = 1 << 20
"""Bytes of the graphs of a build: larger ones are not kept, so that the store's database stays small."""

_CREDENTIALS = re.compile(rb"://[^\s/\"'@]*@")
"""Of a URL: a graph that names one, or whose Dockerfile does, is not kept, since no secret may lie in the store."""


def remember_targets(job: BuildJob, store: Store) -> None:
    from ir_schema.llb import encode_llb

    graphs = [encode_llb(target.definition) for target in job.targets]
    if sum(map(len, graphs)) > LARGEST or any(_CREDENTIALS.search(graph) for graph in graphs):
        return
    targets = [
        [binascii.b2a_base64(graph).decode(), _platform(target.platform), target.config.decode(), target.base_config.decode()]
        for graph, target in zip(graphs, job.targets, strict=True)
    ]
    store.remember(KIND, job.trace, json.dumps({"version": VERSION, "targets": targets, "notes": job.notes}))


def find_targets(job: BuildJob, store: Store) -> BuildJob | None:
    """`job` with targets and notes, when they are known."""
    text = store.recall(KIND, job.trace)
    found = json.loads(text) if text is not None else {}
    if found.get("version") != VERSION:
        return None
    try:
        targets = tuple(_target(*values) for values in found["targets"])
    except FormatError:
        return None
    return replace(job, targets=targets, notes=found["notes"])


def _platform(platform: Platform | None) -> list[Any] | None:
    return [getattr(platform, name) for name in Platform.__match_args__] if platform else None


def _target(graph: str, platform: list[Any] | None, config: str, base_config: str) -> Target:
    from ir_schema.llb_reader import decode_llb

    from .job import Target

    definition = decode_llb(binascii.a2b_base64(graph))
    return Target(definition, record_of(Platform, platform) if platform else None, config.encode(), base_config.encode())
