"""`--progress=rawjson` has the fields of BuildKit's own, so that what reads one reads the other."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend import CompileOptions, Recorded, compile_dockerfile
from dockerfile_frontend.executor.progress import Warned
from dockerfile_frontend.executor.progress.rawjson import RawJson
from dockerfile_frontend.executor.solver.events import VertexInfo
from ir_schema.llb import encode_llb
from ir_schema.ops import ProgressGroup
from tests.e2e.conftest import BuildKit

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

OURS_ALONE = {"statuses.total"}
"""Fields that the small build below makes nobody write; BuildKit has them."""

DOCKERFILE = b"""
FROM scratch AS a
COPY x /x
FROM scratch
LABEL a b
COPY --link --from=a /x /y
COPY missing /z
"""


def fields(stream: bytes) -> dict[str, set[str]]:
    """Every field that occurs, by its path, with the JSON types of its values."""
    found: dict[str, set[str]] = defaultdict(set)

    def note(path: str, value: Any) -> None:  # noqa: ANN401  whatever JSON holds
        if isinstance(value, dict):
            for key, inner in value.items():
                note(f"{path}.{key}" if path else key, inner)
        elif isinstance(value, list):
            for inner in value:
                note(path, inner)
        else:
            found[path].add(type(value).__name__)

    for line in stream.splitlines():
        if line.startswith(b"{"):
            note("", json.loads(line))
    return found


def ours() -> bytes:
    stream = io.StringIO()
    display = RawJson(stream)
    vertex = VertexInfo("sha256:a", "a", ("sha256:b",), ProgressGroup("g", "group", weak=True))
    display.planned((vertex,))
    display.started(vertex)
    display.status(vertex.digest, "x", 1, 2, done=True)
    display.completed(vertex, cached=True, error="no")
    display.warned((Warned("text", "short", "Dockerfile", b"x", ((1, 1),), "url"),))
    return stream.getvalue().encode()


@pytest.fixture
def theirs(buildkit: BuildKit, tmp_path: Path) -> bytes:
    (tmp_path / "x").write_text("x")
    (tmp_path / "Dockerfile").write_bytes(DOCKERFILE)
    graph = encode_llb(compile_dockerfile(DOCKERFILE, CompileOptions(), Recorded()).target.definition)
    frontend = ("--frontend", "dockerfile.v0", "--local", "dockerfile=.")
    streams = b""
    for arguments, definition in (((), graph), (frontend, None), (frontend, None)):
        done = buildkit.build(*arguments, "--local", "context=.", "--progress=rawjson", definition=definition, cwd=tmp_path)
        streams += done.stderr
        (tmp_path / "missing").write_text("")
    return streams


def test_fields_and_types_are_those_of_buildkit(theirs: bytes) -> None:
    known = fields(theirs)
    for path, types in fields(ours()).items():
        if path not in OURS_ALONE:
            assert types <= known[path], path
