"""The JSON of inspection commands has the keys that docs/inspect.md lists, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import dfc

DOCS = Path(__file__).parents[2] / "docs/inspect.md"
OP = ("digest", "kind", "does", "stage", "place")
DOCKERFILE = """\
FROM scratch AS files
COPY a b /
FROM scratch AS app
ADD https://example.invalid/x /x
COPY --from=files /a /
RUN --network=none --mount=type=cache,target=/c make
FROM scratch
COPY --from=files /a /
"""


def documented(command: str) -> set[str]:
    """Keys in the first column of the table below a command's name."""
    table = DOCS.read_text("utf-8").split(f"\n`dfc {command}`:\n")[1].split("\n\n`dfc")[0]
    found = {key for row in table.splitlines() if row.startswith("| `") for key in re.findall(r"`([^`]+)`", row.split("|")[1])}
    return {f"{key}.{name}" if key in PARTS else key for key in found for name in (OP if key in PARTS else ("",))}


PARTS = ("gone[]", "new[]", "changed[].old", "changed[].new")


def keys(data: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401  any JSON
    """Paths of all leaves; a list of plain values is one."""
    if isinstance(data, dict):
        for key, value in data.items():
            if path == "platforms":
                yield "platforms.PLATFORM"
                continue
            yield from keys(value, f"{path}.{'DIGEST' if key.startswith('sha256:') else key}".lstrip("."))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for item in data:
            yield from keys(item, f"{path}[]")
    elif data != []:
        yield path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    return folder


def found(*arguments: str | Path) -> set[str]:
    done = dfc(*arguments, "--format", "json")
    assert done.stderr == b""
    data = json.loads(done.stdout)
    assert data["version"] == 1
    return set(keys(data))


def test_graph(app: Path) -> None:
    assert found("graph", app) | found("graph", app, "--ops", "--target", "app") | found(
        "graph", app, "--platform", "linux/amd64,linux/arm64"
    ) == documented("graph")


def test_explain(app: Path) -> None:
    root = ("--root", app.parent / "store")
    assert dfc("build", app, "-q", *root).returncode == 0
    cached = found("explain", app, *root)
    (app / "a").write_text("other")
    assert cached | found("explain", app, *root) == documented("explain")


def test_diff(app: Path) -> None:
    other = app.parent / "other"
    other.mkdir()
    (other / "a").write_text("other")
    (other / "b").write_text("b")
    (other / "Dockerfile").write_text(DOCKERFILE.replace("--network=none ", "") + "WORKDIR /x\n")
    (app.parent / "third").write_text(DOCKERFILE.replace("a b /", "a b /y/"))
    told = found("diff", app, other, "--target", "app") | found("diff", app, other) | found("diff", other, app)
    told |= found("diff", app, app.parent / "third")
    assert told == documented("diff")
