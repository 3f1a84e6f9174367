"""What a source is at this moment.

docker-image://…@sha256:1234 ──▶ Pin(("image", "sha256:99…"), digest="sha256:1234", layers=(…))   the key is the chain of layers
local://context              ──▶ Pin((), view=LocalView("/home/me/app"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.ops import SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import LocalView
    from ir_schema.ops import Op


class Origin(Record):
    """A place that holds a blob."""

    kind: str
    """registry, layout (OCI layout, folder or tar) or archive (docker archive)."""
    place: str
    """Repository as docker.io/library/alpine, or an absolute path."""
    name: str = ""
    """Of the file in a docker archive."""


class PinnedLayer(Record):
    """A layer of an image, and where it lies."""

    chain_id: str
    """Covers the layers below as well."""
    diff_id: str
    digest: str
    """Of the blob; empty where nobody says it, as of a compressed layer of a docker archive."""
    size: int
    """Bytes of the blob."""
    media_type: str
    origin: Origin


class Pin(Record):
    """The parts of a source's key; or, for a directory of the client, the view of it, which has no key of its own."""

    parts: tuple[str, ...]
    view: LocalView | None = None
    state: str = ""
    """What `fetch` needs to bring exactly this: a commit, a digest."""
    digest: str = ""
    """What people would call it by: digest of a manifest or file, or a commit."""
    layers: tuple[PinnedLayer, ...] = ()
    """Of an image, lowest first."""
    later: bool = False
    """Whether only bringing it says what it is: it has no key until then."""


def body_of(op: Op) -> SourceOp:
    """The source of an op that is one."""
    assert isinstance(op.body, SourceOp)  # noqa: S101 - the table of sources
    return op.body
