"""What progress shows of caches: a vertex for each that is read or written, named as BuildKit names them.

    with shown("exporting cache to registry r.example/app:cache", machine) as vertex: …
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.events import VertexInfo
from dockerfile_frontend.executor.solver.keys import digest_bytes
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.executor.machine import Machine


def vertex_of(name: str) -> VertexInfo:
    return VertexInfo(f"sha256:{digest_bytes(f'cache {name}'.encode())}", name)


@contextlib.contextmanager
def shown(name: str, machine: Machine, *, forgive: bool = False) -> Iterator[str]:
    """Around something that progress shows; gives the vertex. With `forgive`, a fault of the block is shown and that is all."""
    vertex = vertex_of(name)
    machine.events.planned((vertex,))
    machine.events.started(vertex)
    try:
        yield vertex.digest
    except ExecutorError as fault:
        machine.events.completed(vertex, error=str(fault))
        if not forgive or isinstance(fault, Cancelled):
            raise
    else:
        machine.events.completed(vertex)
