"""A build whose graph is new is two processes while that is made. However the first one ends, the second one is gone with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_killed_fetch import environment_of, processes_of
from tests.registry.servers import Say, Scripted, Seen
from tests.running import DFC, dfc
from tests.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def asked() -> Iterator[tuple[str, threading.Event]]:
    """A registry that does not answer before the test is over; the event says that it was asked."""
    came, over = threading.Event(), threading.Event()

    def hold(_seen: Seen) -> Say:
        came.set()
        over.wait(60)
        return Say(status=404)

    with Scripted() as server:
        server.says("/v2/base/manifests/latest", hold)
        try:
            yield server.host, came
        finally:
            over.set()


@pytest.mark.parametrize("whole_group", [False, True], ids=["it", "group"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)], ids=str)
def test_ended_while_it_compiles(
    asked: tuple[str, threading.Event], tmp_path: Path, number: int, code: int, *, whole_group: bool
) -> None:
    """A key on the terminal reaches both."""
    host, came = asked
    store = tmp_path / "store"
    (tmp_path / "Dockerfile").write_text(f"FROM {host}/base\nRUN true\n")
    with subprocess.Popen([*DFC, "build", tmp_path], stderr=subprocess.PIPE, env=environment_of(store), process_group=0) as build:
        assert came.wait(60)
        (os.killpg if whole_group else os.kill)(build.pid, number)
        assert build.wait(60) == code
        assert build.stderr
        said = build.stderr.read().decode().splitlines()
        assert set(said) <= {f"#1 [internal] load metadata for {host}/base:latest"}
    until(lambda: not processes_of(store), "both processes to end")


def test_a_fault_of_the_dockerfile(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPPY a b\n")
    failed = dfc("build", tmp_path, env={"DFC_ROOT": str(store)})
    assert failed.returncode == 1
    assert b"unknown instruction: COPPY" in failed.stderr
    until(lambda: not processes_of(store), "the second process to end")


def test_where_there_is_one_processor(tmp_path: Path) -> None:
    """Then there is one process after the other, and the same result."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    start = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from dockerfile_frontend.cli import main; main()"
    command = [sys.executable, "-c", start, "build", "-o", str(tmp_path / "out"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, env=environment_of(tmp_path / "store"))
    assert (tmp_path / "out" / "Dockerfile").read_text().startswith("FROM scratch")


@pytest.mark.skipif(os.geteuid() != 0, reason="a user needs a user namespace, and that a process of its own")
def test_where_only_files_have_changed_there_is_one_process(tmp_path: Path) -> None:
    """And it leaves no mount where others see it."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /\nCOPY b /\n")
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("old")
    build = ["build", "-o", str(tmp_path / "out"), str(tmp_path)]
    assert dfc(*build, env={"DFC_ROOT": str(tmp_path / "store")}).returncode == 0
    (tmp_path / "b").write_text("new")
    start = "import os; os.fork = None; from dockerfile_frontend.cli import main; main()"
    subprocess.run([sys.executable, "-c", start, *build], check=True, capture_output=True, env=environment_of(tmp_path / "store"))
    assert (tmp_path / "out" / "b").read_text() == "new"
    assert str(tmp_path / "store") not in Path("/proc/self/mounts").read_text()
