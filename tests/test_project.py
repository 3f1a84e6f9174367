"""The project around the code: what is shipped, what is locked, what make offers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.components import require
from tests.docs import prepare
from tests.running import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SHIPPED = {
    "dockerfile_frontend/py.typed",
    "ir_schema/py.typed",
    "ir_schema/SPEC.md",
    "ir_schema/schema/definition.schema.json",
    "ir_schema/schema/llb.proto",
}


@pytest.mark.slow
def test_the_wheel_has_grammar_schema_and_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    grammar = {f"dockerfile_frontend/grammar/{file.name}" for file in (ROOT / "grammar").glob("*.lark")}
    assert names >= SHIPPED | grammar
    assert grammar
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"dockerfile_frontend", "ir_schema"}


def locked() -> dict[str, str]:
    text = (ROOT / "requirements-dev.lock").read_text()
    return {
        name.lower().replace("_", "-"): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize("wanted", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
def test_each_dependency_is_locked_within_its_range(wanted: str) -> None:
    requirement = Requirement(wanted)
    assert requirement.specifier.contains(locked()[requirement.name.lower().replace("_", "-")], prereleases=True)


def test_each_locked_version_has_hashes_and_no_place() -> None:
    text = (ROOT / "requirements-dev.lock").read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    assert "://" not in text


@pytest.mark.parametrize("target", ["demo", "test", "lint", "type", "bench", "update", "fuzz", "e2e-buildkit"])
def test_make_offers_what_the_readme_and_ci_call(target: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^make {target} +\S", listed, re.MULTILINE)


@pytest.mark.slow
def test_the_demo_builds_runs_and_builds_again_from_the_cache(tmp_path: Path) -> None:
    for component in ("busybox-static", "runc"):
        require(component)
    environment = prepare(tmp_path)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/apt.sh", tmp_path / ".ci")
    done = subprocess.run(
        ["sh", "fixtures/demo.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.split("Again, with nothing changed")
    assert re.search(r"(?m)^#\d+ DONE", first)
    ended = re.findall(r"(?m)^#\d+ (CACHED|DONE)", second)
    assert set(ended[:-2]) == {"CACHED"}
    assert "<h1>Field notes</h1>" in second
    assert (tmp_path / "demo-out/site.tar").is_file()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_exact_bytes_survive_a_checkout() -> None:
    shown = ["git", "check-attr", "text", "fixtures/bytes/crlf.Dockerfile"]
    assert "text: unset" in subprocess.run(shown, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "fixtures/bytes/crlf.Dockerfile").read_bytes().count(b"\r\n") == 5
