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
    plain = re.sub(r"; they took .*", "", re.sub(r"  \(Dockerfile[^()]*\)", "", done.stdout.decode()))
    return re.sub(r"  \(\d{4}-[^()]*\)", "", plain)


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
        "        files changed that it reads of the build context:",
        "          ~ b",
        "runs    [stage-1 1/1] COPY --from=files /a /",
        "        follows from [files 1/1] COPY a b /, unless what is read of it comes out the same",
        "2 of 3 steps run, 1 of them perhaps not",
    ]
    build(app)
    assert explain(app, "--built").splitlines()[1:4] == [
        "cached  [files 1/1] COPY a b /",
        "        ran, because files changed that it reads of the build context:",
        "          ~ b",
    ]


def test_json_and_colours(app: Path) -> None:
    build(app)
    (app / "b").write_text("other")
    steps = json.loads(explain(app, "--format", "json"))["steps"]
    assert [step["state"] for step in steps] == ["cached", "run", "run"]
    assert steps[1]["reason"]["details"] == ["~ b"]
    assert (steps[2]["follows"], steps[2]["perhaps"]) == (steps[1]["digest"], True)
    assert explain(app, "--format", "dot").count("#fecaca") == 1
    assert explain(app, "--format", "dot").count("#fed7aa") == 1
    assert "2 of them run" in explain(app, "--format", "html")
    assert "style n1 fill:#fecaca" in explain(app, "--format", "mermaid")


def test_what_steps_cost_is_told_with_them(app: Path) -> None:
    (app / "b").write_bytes(bytes(range(256)) * 400)
    build(app)
    steps = json.loads(explain(app, "--format", "json"))["steps"]
    assert [step.get("seconds", 0) > 0 for step in steps] == [False, True, True]
    assert [step.get("bytes", 0) >= 100_000 for step in steps] == [False, True, False]
    told = dfc("explain", app, "--root", app.parent / "store").stdout.decode().splitlines()
    assert re.search(r"COPY a b /  \(Dockerfile:2 · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d( · [\d.]+ s)? · 1\d\d(\.\d)? KB\)$", told[1])
    (app / "a").write_text("other")
    told = dfc("explain", app, "--root", app.parent / "store").stdout.decode().splitlines()
    assert re.search(r"COPY a b /  \(Dockerfile:2 · ([\d.]+ s · )?1\d\d(\.\d)? KB last time\)$", told[1])
    page = explain(app, "--format", "html")
    assert '"bytes":1' in page
    assert re.search(r'<text [^>]*class="note">([\d.]+ s · )?1\d\d(\.\d)? KB</text>', page)


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
