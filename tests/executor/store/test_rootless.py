"""The tests of files, layers, snapshots and the store, once more as an ordinary user: with one id, and with many."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import give_up
from tests.executor.levels import ROOTLESS
from tests.executor.runtime.box import NOBODY

ROOT = Path(__file__).parents[3]
ONE_ID = (
    ("files/test_cases.py", "files/test_attacks.py", "files/test_unpack.py"),
    ("layers/test_attacks.py", "layers/test_imports.py", "layers/test_pack.py", "gc"),
    ("snapshots", "store"),
)
MANY_IDS = (
    ("files/test_cases.py", "files/test_unpack.py", "layers/test_imports.py", "layers/test_pack.py", "snapshots"),
)
"""Below tests/executor; what else there is does not ask who runs it."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ROOTLESS, reason="is what runs in there"),
]


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="dfc-rootless-"))
    path.chmod(0o755)
    os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


def opened(path: Path, home: Path) -> list[str]:
    """Commands that let everybody reach the interpreter, which may lie in a folder of root's."""
    closed = next((above for above in reversed(path.parents) if not above.stat().st_mode & 0o001), None)
    if closed is None:
        return []
    kept = home.parent / f"{home.name}-python"
    return [
        f"mkdir {kept}",
        f"mount --bind {path} {kept}",
        f"mount -t tmpfs -o mode=755 tmpfs {closed}",
        f"mkdir -p {path}",
        f"mount --bind {kept} {path}",
    ]


def run_inside(home: Path, setup: list[str], *arguments: str) -> str:
    """Pytest's output, run as nobody in a mount namespace that `setup` has changed."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        give_up("needs root to become somebody else, and setpriv")
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not random and not more_layers")
    project = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT))
    command = [sys.executable, str(Path(__file__).with_name("inside.py")), *options, *project, *arguments]
    become = f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --reset-env {shlex.join(command)}"
    script = "\n".join(["set -e", *opened(Path(sys.base_prefix), home), *setup, f"cd {home}", become])
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, timeout=600
    )
    shutil.rmtree(f"{home}-python", ignore_errors=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    return done.stdout


@pytest.mark.parametrize("areas", ONE_ID, ids=" ".join)
def test_with_one_id(home: Path, areas: tuple[str, ...]) -> None:
    out = run_inside(home, [], *(str(ROOT / "tests/executor" / area) for area in areas))
    assert re.search(r"\d+ passed", out)


@pytest.mark.parametrize("areas", MANY_IDS, ids=" ".join)
def test_with_many_ids(home: Path, areas: tuple[str, ...]) -> None:
    if shutil.which("newuidmap") is None:
        give_up("newuidmap (package uidmap) is missing")
    ids = home.with_name(f"{home.name}-ids")
    ids.write_text(f"{NOBODY}:100000:65536\n")
    try:
        setup = [f"mount --bind {ids} /etc/subuid", f"mount --bind {ids} /etc/subgid"]
        out = run_inside(home, setup, *(str(ROOT / "tests/executor" / area) for area in areas))
    finally:
        ids.unlink()
    assert re.search(r"\d+ passed", out)
    assert "more ids than one" not in out
