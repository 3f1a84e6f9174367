"""`dfc graph`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import dfc

DOCKERFILE = """\
FROM scratch AS build
COPY a /a
FROM build AS test
COPY t /t
FROM scratch AS app
COPY --from=build /a /a
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def graph(app: Path, *flags: str | Path) -> str:
    done = dfc("graph", app, *flags)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_stages_and_ops(app: Path) -> None:
    assert graph(app).splitlines()[0] == "app  (target · Dockerfile:5-6 · 1 step)"
    assert "test  (not needed by app · Dockerfile:3-4 · 1 step)" in graph(app)
    assert "test" not in graph(app, "--target", "build")
    assert graph(app, "--ops").splitlines()[1] == "└── copy   COPY a /a  /a → /a  (Dockerfile:2)"


def test_several_platforms(app: Path) -> None:
    stages = ("FROM scratch AS for-arm64", "COPY a /", "FROM scratch AS for-amd64", "COPY b /", "FROM for-$TARGETARCH AS app", "RUN x")
    (app / "Dockerfile").write_text("\n".join(stages))
    told = graph(app, "--platform", "linux/amd64", "--platform", "linux/arm64", "--target", "app").splitlines()
    assert told == [
        "linux/amd64:",
        "app  (target · Dockerfile:5-6 · 1 step)",
        "└── base   for-amd64  (Dockerfile:5 · 1 step)",
        "    │   from scratch",
        "    └── copy   context  b → /  (Dockerfile:4)",
        "",
        "linux/arm64:",
        "app  (target · Dockerfile:5-6 · 1 step)",
        "└── base   for-arm64  (Dockerfile:5 · 1 step)",
        "    │   from scratch",
        "    └── copy   context  a → /  (Dockerfile:2)",
    ]
    found = json.loads(graph(app, "--platform", "linux/amd64,linux/arm64", "--format", "json"))
    assert [*found["platforms"]] == ["linux/amd64", "linux/arm64"]


def test_formats_and_files(app: Path) -> None:
    found = json.loads(graph(app, "--format", "json"))
    assert found["target"] == "stage-2"
    assert [node["name"] for node in found["nodes"]] == ["build", "test", "app", "context"]
    out = app / "graph.mmd"
    assert graph(app, "--format", "mermaid", "-o", out) == ""
    assert out.read_text().startswith("flowchart LR\n")
    assert graph(app, "--format", "dot").startswith('digraph "Dockerfile" {')
    assert "<svg" in graph(app, "--format", "svg", "--why", "app", "context")
    assert graph(app, "--ops", "--format", "html").startswith("<!doctype html>")


def test_why_one_needs_another(app: Path) -> None:
    assert graph(app, "--why", "app", "context").splitlines() == [
        "app  (Dockerfile:5-6)",
        "  copies from  build  /a → /a  (Dockerfile:6)",
        "  copies from  context  a → /a  (Dockerfile:2)",
    ]
    assert len(json.loads(graph(app, "--why", "app", "context", "--format", "json"))["edges"]) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--why", "build", "app"), b"dfc: error: build does not need app\n"),
        (("--why", "app", "biuld"), b"dfc: error: there is no biuld in the graph\n  hint: did you mean build?\n"),
        (
            ("--platform", "linux/amd64,linux/arm64", "--format", "svg"),
            b"dfc: error: a picture as svg shows one platform\n  hint: tree and json take several\n",
        ),
        (("-o", "no/such/folder/file"), b"dfc: error: cannot write no/such/folder/file: there is no folder "),
    ],
)
def test_what_cannot_be_shown_is_one_message(app: Path, flags: tuple[str, ...], message: bytes) -> None:
    done = dfc("graph", app, *flags)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(message)
