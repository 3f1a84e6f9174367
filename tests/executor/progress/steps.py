"""Steps that tests let displays hear of."""

from __future__ import annotations

import re

from dockerfile_frontend.executor.solver.events import VertexInfo
from ir_schema.ops import ProgressGroup

BASE = VertexInfo("sha256:base", "[1/3] FROM docker.io/library/base")
COPY = VertexInfo("sha256:copy", "[2/3] COPY . .", ("sha256:base",))
MAKE = VertexInfo("sha256:make", "[3/3] RUN make", ("sha256:copy",))
LINT = VertexInfo("sha256:lint", "[lint 2/2] RUN lint")

LINK = ProgressGroup("link-1", "[2/2] COPY --link a /b")
LINKED = (
    VertexInfo("sha256:l1", "[2/2] COPY --link a /b", (), LINK),
    VertexInfo("sha256:l2", "merge", ("sha256:l1",), ProgressGroup("link-1", "[2/2] COPY --link a /b", weak=True)),
)


def timeless(text: str) -> str:
    """Times as they are written, without their digits."""
    text = re.sub(r"(?m)^(#\d+) \d+\.\d{3} ", r"\1 T ", text)
    return re.sub(r"\b\d+\.\ds\b", "Ts", text)
