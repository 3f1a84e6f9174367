"""What a source is at this moment.

docker-image://…@sha256:1234 ──▶ Pin(("image", "sha256:1234", "linux/amd64"))
local://context              ──▶ Pin((), view=LocalView("/home/me/app"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import LocalView


class Pin(Record):
    """The parts of a source's key; or, for a directory of the client, the view of it, which has no key of its own."""

    parts: tuple[str, ...]
    view: LocalView | None = None
    state: str = ""
    """What `fetch` needs to bring exactly this: a commit, a digest."""
