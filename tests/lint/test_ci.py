"""Lint where others call it: the hook for pre-commit, and the examples of CI in docs/lint.md."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from tests.docs import blocks_of, prepare
from tests.lint.test_sarif import SCHEMA
from tests.running import ROOT

(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
EXAMPLES = {
    block.mark: yaml.safe_load(block.text)
    for block in blocks_of((ROOT / "docs" / "lint.md").read_text())
    if block.kind == "yaml"
}

FILES = [
    ("Dockerfile", True),
    ("a/b/Dockerfile", True),
    (".devcontainer/Containerfile", True),
    ("Dockerfile.dev", True),
    ("app.Dockerfile", True),
    ("a/app.containerfile", True),
    ("dockerfile", True),
    ("Dockerfile.dockerignore", False),
    (".dockerignore", False),
    ("Dockerfiles/README.md", False),
    ("docs/my-dockerfile-notes.md", False),
    ("xDockerfile", False),
]


@pytest.mark.parametrize(("name", "wanted"), FILES)
def test_the_hook_is_called_for_dockerfiles(name: str, wanted: bool) -> None:  # noqa: FBT001  a column
    found = re.search(HOOK["files"], name) is not None and re.search(HOOK["exclude"], name) is None
    assert found is wanted


def run(command: str, folder: Path, *more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f'{command} "$@"', "sh", *more], cwd=folder, env=prepare(folder), capture_output=True, check=False
    )


def test_the_hook_mends_with_the_args_of_its_example(tmp_path: Path) -> None:
    (hook,) = EXAMPLES[".pre-commit-config.yaml"]["repos"][0]["hooks"]
    assert hook["id"] == HOOK["id"]
    (tmp_path / "Dockerfile").write_text("FROM a:1 as b\nUSER 1\n")
    done = run(" ".join([HOOK["entry"], *hook["args"]]), tmp_path, "Dockerfile")
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "Dockerfile").read_text() == "FROM a:1 AS b\nUSER 1\n"


def commands(example: Any) -> Iterator[str]:  # noqa: ANN401  YAML
    """What its steps run of ours."""
    if isinstance(example, dict):
        for key, value in example.items():
            texts = value if key == "script" else [value] if key == "run" else []
            yield from [text for text in texts if text.startswith("dfc ")]
            yield from commands(value)
    elif isinstance(example, list):
        for value in example:
            yield from commands(value)


def test_the_workflow_annotates_and_uploads(tmp_path: Path) -> None:
    example = EXAMPLES[".github/workflows/dockerfiles.yaml"]
    upload, _ = commands(example)
    (tmp_path / "Dockerfile").write_text("FROM a:1\nRUN sudo x\n")
    assert run(upload, tmp_path).returncode == 0
    (step,) = [step for step in example["jobs"]["dockerfiles"]["steps"] if "upload-sarif" in step.get("uses", "")]
    log = json.loads((tmp_path / step["with"]["sarif_file"]).read_text())
    assert Draft4Validator(SCHEMA).is_valid(log)
    assert "DL3004" in {result["ruleId"] for result in log["runs"][0]["results"]}


def test_the_workflow_fails_for_what_it_annotates(tmp_path: Path) -> None:
    *_, annotate = commands(EXAMPLES[".github/workflows/dockerfiles.yaml"])
    (tmp_path / "Dockerfile").write_text("FROM a:1\nRUN sudo x\nUSER 1\n")
    done = run(annotate, tmp_path)
    assert done.returncode == 1
    assert b"::error file=Dockerfile,line=2,endLine=2,col=5," in done.stdout


def test_gitlab_gets_its_report_from_a_job_that_fails(tmp_path: Path) -> None:
    (job,) = EXAMPLES[".gitlab-ci.yml"].values()
    (command,) = commands(job)
    (tmp_path / "Dockerfile").write_text("FROM a:1\nRUN sudo x\n")
    assert run(command, tmp_path).returncode == 1
    issues = json.loads((tmp_path / job["artifacts"]["reports"]["codequality"]).read_text())
    for issue in issues:
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= issue.keys()
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) >= 1
