"""Steps and runtimes that go wrong, and builds that are ended: the error is clear, nothing is left, the next build is fine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ir_schema.ops import CacheSharing, Input
from tests.executor.exec.bench import Bench, Graph, Running, cache
from tests.waiting import until

MARK = f"sleep {2_000_000 + os.getpid()}"
"""Known by its number, whatever else runs on the machine."""


def sleepers() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().replace(b"\0", b" ").strip() == MARK.encode():
                found.append(int(folder.name))
    return found


def check_nothing_left(bench: Bench) -> None:
    """Waits a moment: the kernel ends a namespace's processes one after the other."""
    until(lambda: not sleepers(), "all processes to end")
    assert str(bench.home) not in Path("/proc/self/mountinfo").read_text()


def check_next_build(bench: Bench, graph: Graph, first: Input, token: str) -> None:
    """What was built before is cached, what was begun is gone, and building goes on."""
    outcome = bench.build(*graph.at(graph.step("cat /first", base=first, name="next")))
    assert outcome.error == ""
    assert outcome.ended["first"] == "cached"
    assert outcome.log == "first\n"
    layers = {path.name for path in (bench.store / "layers").iterdir()}
    assert len(layers) == 3, layers
    assert list((bench.store / "work").iterdir()) == []
    assert {path.name for path in (bench.store / "runtime").iterdir() if path.is_dir()} == set()
    assert list(Path("/sys/fs/cgroup").glob(f"*/dfc-{token}-*")) == []


@contextmanager
def endless(bench: Bench, command: str) -> Iterator[tuple[Running, Graph, Input, str]]:
    """A build whose second step goes on for ever, once it has begun; last what its containers' names hold."""
    graph = bench.graph()
    first = graph.step("echo first > /first", name="first")
    meet = [(cache("/meet", "meet"), None)]
    running = bench.start(
        bench.job(*graph.at(graph.step(f"{command}; echo > /meet/up; {MARK}", base=first, mounts=meet)))
    )
    try:
        until(lambda: list(bench.store.glob("caches/*/up")), "the step to begin")
        (lock,) = bench.store.glob("runtime/*.lock")
        yield running, graph, first, lock.stem
    finally:
        with suppress(ProcessLookupError):
            running.signal(signal.SIGKILL)


COMMANDS = {
    "one process": "true",
    "deaf": "trap '' TERM INT HUP",
    "many": f"for i in $(seq 50); do {MARK} & done",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_signal_ends_whatever_runs(bench: Bench, kind: str, number: int) -> None:
    with endless(bench, COMMANDS[kind]) as (running, graph, first, token):
        running.signal(number)
        outcome = running.finish()
        assert outcome.error == f"interrupted by {signal.Signals(number).name}"
        check_nothing_left(bench)
        check_next_build(bench, graph, first, token)


def test_kill_9_in_the_middle_of_a_step(bench: Bench) -> None:
    with endless(bench, f"echo half > /half; {MARK} & true") as (running, graph, first, token):
        running.signal(signal.SIGKILL)
        assert running.end() == b""
        check_nothing_left(bench)
        check_next_build(bench, graph, first, token)


def test_kill_9_gives_locked_caches_back(bench: Bench) -> None:
    mounts = [(cache("/meet", "meet", CacheSharing.LOCKED), None)]
    graph = bench.graph()
    running = bench.start(bench.job(graph.run(f"echo > /meet/up; {MARK}", mounts=mounts)))
    until(lambda: list(bench.store.glob("caches/*/up")), "the step to begin")
    running.signal(signal.SIGKILL)
    running.end()
    assert bench.build(graph.run("ls /meet", mounts=mounts)).log == "up\n"


def test_a_runtime_that_is_not_there(bench: Bench) -> None:
    bench.engine = "/missing/runc"
    outcome = bench.build(bench.graph().run("true"))
    assert outcome.error.endswith("no container runtime: /missing/runc is not installed")
    assert outcome.hint == "install runc or crun"


FAILING = """#!/bin/sh
case "$*" in *--version*) echo "runc version 9.9"; exit;; esac
log=$(echo "$*" | sed 's/.*--log \\([^ ]*\\).*/\\1/')
echo '{"level":"error","msg":"the machine is on fire"}' > "$log"
exit 1
"""


def test_a_runtime_that_fails(bench: Bench) -> None:
    """Every way to call it is tried, so that it is said what does not work."""
    program = bench.home.parent / "runc"
    program.write_text(FAILING)
    program.chmod(0o755)
    bench.engine = str(program)
    outcome = bench.build(bench.graph().run("true"))
    assert "no container runtime works here" in outcome.error
    assert "the machine is on fire" in outcome.error
    assert list((bench.store / "work").iterdir()) == []


def runtime_failing_with_cgroups(bench: Bench, instead: str) -> None:
    """A runc that does `instead` when it is called as root calls it first, and else what runc does."""
    program = bench.home.parent / "runc"
    program.write_text(f'#!/bin/sh\nbundle=$(echo "$*" | sed "s/.*--bundle \\([^ ]*\\).*/\\1/")\n'
                       f'case "$*" in *--rootless*) ;; *) {instead} ;; esac\nexec {bench.engine} "$@"\n')  # fmt: skip
    program.chmod(0o755)
    bench.engine = str(program)


def test_a_second_way_to_call_a_runtime(bench: Bench) -> None:
    """What could not be started is started again in another way."""
    runtime_failing_with_cgroups(bench, "exit 1")
    outcome = bench.build(bench.graph().run("echo ran"))
    assert (outcome.error, outcome.log) == ("", "ran\n")


def test_a_runtime_in_which_programs_fail(bench: Bench) -> None:
    """A step that has run is not run again elsewhere: it may have done half of what it does."""
    if bench.uid:
        pytest.skip("without root there is one way to call a runtime")
    runtime_failing_with_cgroups(bench, """sed -i 's/"args": \\[[^]]*\\]/"args": ["\\/bin\\/sh", "-c", "exit 3"]/' $bundle/config.json""")
    outcome = bench.build(bench.graph().run("echo ran"))
    assert outcome.error.endswith(f"{bench.engine} starts programs that cannot run (exit code: 3)")
    assert bench.build(bench.graph().run("echo ran")).log == "ran\n"


def test_a_runtime_that_stops_working(bench: Bench) -> None:
    """One that is known to work is not tried again, until it does not."""
    program = bench.home.parent / "runc"
    program.write_text(f'#!/bin/sh\n[ -e {bench.home}/fire ] || exec {bench.engine} "$@"\n' + FAILING.partition("\n")[2])
    program.chmod(0o755)
    bench.engine = str(program)
    assert bench.build(bench.graph().run("true")).error == ""
    (bench.home / "fire").touch()
    outcome = bench.build(bench.graph().run("echo other"))
    assert outcome.error.endswith("did not complete successfully: runc: the machine is on fire")
    (bench.home / "fire").unlink()
    assert bench.build(bench.graph().run("echo other")).log == "other\n"


@pytest.fixture
def small(bench: Bench) -> Iterator[Bench]:
    """A bench whose store lies on a file system of 48 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount one")
    bench.store.mkdir()
    options = f"size=48m,mode=0700,uid={bench.uid},gid={bench.uid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(bench.store)], check=True)
    yield bench
    subprocess.run(["umount", str(bench.store)], check=True)


def test_a_step_that_fills_the_disk(small: Bench) -> None:
    graph = small.graph()
    first = graph.step("echo first > /first", name="first")
    full = graph.step("cat /dev/zero > /big", base=first)
    for keep in (False, True):
        outcome = small.build(*graph.at(full), keep_failed=keep)
        assert outcome.error.endswith("did not complete successfully: exit code: 1")
        assert "No space left on device" in outcome.log
    free = os.statvfs(small.store)
    assert free.f_bavail * free.f_bsize > 20 << 20
    outcome = small.build(*graph.at(graph.step("cat /first", base=first, name="next")))
    assert (outcome.error, outcome.log) == ("", "first\n")


def test_a_cache_mount_that_fills_the_disk(small: Bench) -> None:
    mounts = [(cache("/c"), None)]
    outcome = small.build(small.graph().run("cat /dev/zero > /c/big", mounts=mounts))
    assert outcome.error.endswith("did not complete successfully: exit code: 1")
    again = small.build(small.graph().run("rm /c/big; echo fine", mounts=mounts))
    assert again.error == "" or "no space left" in again.error
    for path in small.store.glob("caches/*/big"):
        path.unlink()
    again = small.build(small.graph().run("echo fine", mounts=mounts))
    assert (again.error, again.log) == ("", "fine\n")


def test_a_step_that_nearly_fills_it_when_its_layer_is_made(small: Bench) -> None:
    """Whatever there is no room for any more is told, and given back."""
    graph = small.graph()
    full = graph.step("cat /dev/zero > /big 2>/dev/null; true")
    outcome = small.build(*graph.at(full))
    assert outcome.error == "" or "space" in outcome.error, outcome
    if outcome.error:
        assert small.build(graph.run("echo fine")).log == "fine\n"


def test_a_step_that_floods_its_log(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("yes | head -c 20000000; echo last"))
    assert len(outcome.log) == 20_000_005
    assert outcome.log.endswith("\nlast\n")
