"""The attacks of this folder once more, in a user namespace with one id, as a build without root runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import give_up

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.mark.parametrize("file", ["test_git_attacks.py", "test_image_faults.py"])
def test_attacks_without_root(file: str, tmp_path: Path) -> None:
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        give_up("user namespaces are not allowed here")
    options = ("-q", "-k", "cve or token", "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", str(tmp_path / "inner"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "pytest", *options, str(Path(__file__).with_name(file))],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
