"""Instructions of a package of one's own, behind a frontend image of one's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import BuildKit
from tests.packaging.debian import TAG, python_base
from tests.running import ROOT, dfc

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

PACKAGE = ROOT / "fixtures" / "instructions"
FILES = ("--local", "context=.", "--local", "dockerfile=.")


@pytest.fixture(scope="session")
def house_image(registry: str, frontend_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Dockerfile frontend that knows INCLUDE and SYMLINK."""
    folder = tmp_path_factory.mktemp("house") / "package"
    shutil.copytree(PACKAGE, folder)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    subprocess.run(wheel, cwd=folder, check=True)
    reference = f"{registry}/house-frontend:1"
    base = ("--build-arg", "BASE=base", "--build-context", f"base=oci-layout://{python_base()}:{TAG}")
    where = ("-t", reference, "--push", "--root", folder.parent / "store")
    built = dfc("build", folder, "--build-arg", f"FRONTEND={frontend_image}", *base, *where)
    assert built.returncode == 0, built.stderr.decode()
    return reference


@pytest.fixture
def site(base_image: str, house_image: str, tmp_path: Path) -> Path:
    lines = (f"# syntax={house_image}", f"FROM {base_image}", "INCLUDE nobody", "SYMLINK greeting -> /etc/passwd", "")
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    return tmp_path


def test_a_syntax_line_brings_the_instructions_in(buildkit: BuildKit, site: Path) -> None:
    output = ("--output", "type=oci,tar=false,dest=out", "--metadata-file", "made.json")
    done = buildkit.build("--frontend", "dockerfile.v0", *FILES, *output, "--progress=plain", cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    digest = json.loads((site / "made.json").read_bytes())["containerimage.config.digest"]
    config = json.loads((site / "out" / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes())
    assert config["config"]["User"] == "65534"
    assert config["config"]["Labels"] == {"house": "ours"}
    assert config["history"][-1]["created_by"] == "SYMLINK greeting -> /etc/passwd"


def test_its_findings_are_among_those_of_a_check(buildkit: BuildKit, house_image: str, site: Path) -> None:
    frontend = ("--frontend", "gateway.v0", "--opt", f"source={house_image}", "--opt", "cmdline=x")
    done = buildkit.build(*frontend, *FILES, "--opt", "requestid=frontend.lint", cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    assert b"WARNING: SymlinkRelativePath" in done.stdout


def test_a_fault_is_shown_with_its_line(buildkit: BuildKit, site: Path) -> None:
    text = (site / "Dockerfile").read_text()
    (site / "Dockerfile").write_text(text.replace("nobody", "nobdy"))
    done = buildkit.build("--frontend", "dockerfile.v0", *FILES, cwd=site)
    assert done.returncode == 1
    assert b"INCLUDE: no fragment is called nobdy (did you mean nobody?)" in done.stderr
    assert b"3 | >>> INCLUDE nobdy" in done.stderr
