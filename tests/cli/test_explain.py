"""`dfc explain`, before a build and after one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.running import dfc

DOCKERFILE = """\
FROM scratch AS files
COPY a b /
FROM scratch
COPY --from=files /a /
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    return folder


def explain(app: Path, *flags: str) -> str:
    done = dfc("explain", app, "--root", app.parent / "store", *flags)
    assert (done.returncode, done.stderr) == (0, b"")
    return re.sub(r"\(\d{4}-.*\)", "(then)", done.stdout.decode())


def build(app: Path) -> None:
    assert dfc("build", app, "-q", "--root", app.parent / "store").returncode == 0


def test_before_and_after(app: Path) -> None:
    assert explain(app).endswith("2 of 3 steps run\n")
    build(app)
    assert explain(app).endswith("every step is cached\n")
    (app / "b").write_text("other")
    assert explain(app).splitlines() == [
        "cached  [internal] load build context",
        "runs    [files 1/1] COPY a b /",
        "        files that it reads of [internal] load build context:",
        "          ~ b",
        "runs    [stage-1 1/1] COPY --from=files /a /",
        "        follows from [files 1/1] COPY a b /, unless what is read of it comes out the same",
        "2 of 3 steps run, 1 of them perhaps not",
    ]
    build(app)
    assert explain(app, "--built").splitlines()[1:4] == [
        "cached  [files 1/1] COPY a b /  (then)",
        "        ran, because files that it reads of [internal] load build context:",
        "          ~ b",
    ]


def test_json_and_colours(app: Path) -> None:
    build(app)
    (app / "b").write_text("other")
    steps = json.loads(explain(app, "--format", "json"))["steps"]
    assert [step["state"] for step in steps] == ["cached", "run", "run"]
    assert steps[1]["reason"]["details"] == ["~ b"]
    assert (steps[2]["follows"], steps[2]["perhaps"]) == (steps[1]["digest"], True)
    assert explain(app, "--format", "dot").count("#fecaca") == 2
    assert "2 of them run" in explain(app, "--format", "html")
    assert "style n1 fill:#fecaca" in explain(app, "--format", "mermaid")


def test_a_file_takes_it_too_and_a_fault_is_one_message(app: Path) -> None:
    out = app.parent / "out.txt"
    assert explain(app, "-o", str(out)) == ""
    assert out.read_text().endswith("2 of 3 steps run\n")
    (app / "a").unlink()
    missing = dfc("explain", app, "--root", app.parent / "store")
    assert missing.returncode == 1
    assert missing.stderr.startswith(b"dfc: error: ")
    assert b"Traceback" not in missing.stderr
    assert dfc("explain", app, "--platform", "linux/amd64,linux/arm64").returncode == 2
