"""A frontend for another language, on our SDK: in BuildKit from an image of its own, and compiled for the local executor."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import BuildKit
from tests.running import ROOT, dfc

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

RECIPES = ROOT / "fixtures" / "recipes"
FILES = ("--local", "context=.", "--local", "dockerfile=.", "--opt", "filename=Recipe.toml")


@pytest.fixture(scope="session")
def recipe_image(registry: str, frontend_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The frontend's image, built by dfc on ours."""
    reference = f"{registry}/recipe-frontend:1"
    store = tmp_path_factory.mktemp("store")
    built = dfc(
        "build", RECIPES, "--build-arg", f"FRONTEND={frontend_image}", "-t", reference, "--push", "--root", store
    )
    assert built.returncode == 0, built.stderr.decode()
    return reference


@pytest.fixture
def site(base_image: str, tmp_path: Path) -> Path:
    shutil.copytree(RECIPES / "site", tmp_path, dirs_exist_ok=True)
    recipe = tmp_path / "Recipe.toml"
    recipe.write_text(recipe.read_text().replace("BASE", base_image))
    return tmp_path


def test_buildkit_and_the_local_executor_make_the_same_of_it(buildkit: BuildKit, recipe_image: str, site: Path) -> None:
    frontend = ("--frontend", "gateway.v0", "--opt", f"source={recipe_image}")
    theirs = buildkit.build(*frontend, *FILES, "--output", "type=oci,dest=theirs.tar", cwd=site)
    assert theirs.returncode == 0, theirs.stderr.decode()
    unpacked = buildkit.build(*frontend, *FILES, "--output", "type=local,dest=there", cwd=site)
    assert unpacked.returncode == 0, unpacked.stderr.decode()

    program = [
        sys.executable,
        str(RECIPES / "recipe.py"),
        "Recipe.toml",
        "--image-config",
        "config.json",
        "-o",
        "graph",
    ]
    subprocess.run(program, cwd=site, env={"PYTHONPATH": str(ROOT), "HOME": str(site)}, check=True)
    ours = dfc("exec", "graph", "--local", "context=.", "-o", "here", "--root", "store", cwd=site)
    assert ours.returncode == 0, ours.stderr.decode()
    assert (site / "here" / "sizes").read_text() == "6 /app/greeting.txt\n"
    for name in ("sizes", "app/greeting.txt"):
        assert (site / "there" / name).read_bytes() == (site / "here" / name).read_bytes()
    assert json.loads((site / "config.json").read_bytes())["config"]["Cmd"] == ["cat", "/sizes"]


def test_a_syntax_line_brings_it_in(buildkit: BuildKit, recipe_image: str, site: Path) -> None:
    recipe = site / "Recipe.toml"
    recipe.write_text(f"# syntax={recipe_image}\n{recipe.read_text()}")
    done = buildkit.build("--frontend", "dockerfile.v0", *FILES, "--progress=plain", cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    assert b"wc -c /app/*" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('colour = "red"', "a recipe has no colour"),
        ('steps = ["exit 3"]', 'process "/bin/sh -ec exit 3" did not complete successfully: exit code: 3'),
    ],
)
def test_faults_are_shown_with_their_line(
    buildkit: BuildKit, recipe_image: str, site: Path, base_image: str, line: str, message: str
) -> None:
    (site / "Recipe.toml").write_text(f'base = "{base_image}"\n{line}\n')
    done = buildkit.build("--frontend", "gateway.v0", "--opt", f"source={recipe_image}", *FILES, cwd=site)
    shown = done.stderr.decode()
    assert done.returncode == 1
    assert message in shown
    assert "Recipe.toml:2" in shown
    assert f"2 | >>> {line}" in shown
