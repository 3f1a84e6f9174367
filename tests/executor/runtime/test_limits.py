"""Limits that the kernel lets us set are set; of the others the step's log tells."""

from __future__ import annotations

import os
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime import processes
from dockerfile_frontend.executor.runtime.container import ContainerSpec, Process
from dockerfile_frontend.executor.runtime.host import read_host
from dockerfile_frontend.executor.runtime.limits import resources, rlimits, warnings
from dockerfile_frontend.executor.runtime.processes import cgroup_limit, most_processes, process_limit
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import LinuxResources, Ulimit
from tests.executor.runtime.box import Box


def test_ulimits(box: Box) -> None:
    outcome = box.run("ulimit -n; ulimit -Hn; ulimit -c", ulimits=(Ulimit("nofile", 100, 200), Ulimit("core", 0, 0)))
    assert outcome.lines == ["100", "200", "0"]


def test_a_ulimit_above_our_own(user_box: Box) -> None:
    top = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    outcome = user_box.run("ulimit -Hn", ulimits=(Ulimit("nofile", 1000, top + 1),))
    assert outcome.out == f"{top}\n"
    assert (
        outcome.err
        == f"warning: ulimit nofile: {top + 1} is above our own hard limit and we may not raise it; {top} is used\n"
    )


def test_unlimited() -> None:
    top = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    host = read_host()
    found = rlimits((Ulimit("nproc", -1, -1),), host)[0]
    may_raise = host.has("CAP_SYS_RESOURCE") and not host.user_namespace
    assert found["hard"] == ((1 << 64) - 1 if may_raise else top & (1 << 64) - 1)


def test_the_soft_limit_is_not_above_the_hard_one() -> None:
    assert rlimits((Ulimit("core", 5, 3),), read_host())[0] == {"type": "RLIMIT_CORE", "soft": 3, "hard": 3}


def test_an_unknown_ulimit() -> None:
    with pytest.raises(ExecutorError, match="invalid ulimit type: files"):
        rlimits((Ulimit("files", 1, 1),), read_host())


def test_the_memory_limit_is_kept(root_box: Box) -> None:
    limit = LinuxResources(memory=32 << 20, memory_swap=32 << 20)
    outcome = root_box.run("tail /dev/zero", resources=limit)
    assert outcome.cgroups
    assert outcome.code == 137
    assert outcome.out_of_memory
    assert not root_box.run("true; exit 1", resources=limit).out_of_memory


def test_limits_that_cannot_be_kept(user_box: Box) -> None:
    outcome = user_box.run("echo ran", resources=LinuxResources(memory=1 << 30), cgroup_parent="group")
    assert outcome.out == "ran\n"
    assert outcome.err.splitlines() == [
        "warning: memory and CPU limits are not enforced: no cgroup can be made here",
        "warning: cgroup parent group is not used: no cgroup can be made here",
    ]


def test_only_what_is_set_is_written() -> None:
    assert resources(LinuxResources(cpu_shares=512, cpuset_cpus="0-1")) == {"cpu": {"shares": 512, "cpus": "0-1"}}
    assert resources(LinuxResources()) == {}
    assert resources(None) == {}


def test_no_limit_no_warning() -> None:
    assert (
        list(warnings(ContainerSpec("/", Process(("x",)), resources=LinuxResources()), read_host(), cgroups=False))
        == []
    )


def test_a_cgroup_parent(root_box: Box) -> None:
    parent = f"dfc-test-parent-{os.getpid()}"
    outcome = root_box.run("cat /proc/self/cgroup", cgroup_parent=f"/{parent}/")
    for group in Path("/sys/fs/cgroup").glob(f"*/{parent}"):
        assert not list(group.glob("dfc-*"))
        group.rmdir()
    assert all(
        line.split(":")[2].startswith(f"/{parent}/dfc-") for line in outcome.lines if not line.startswith("0:")
    )


GROWING = "i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; echo all"


def test_the_number_of_processes(box: Box) -> None:
    outcome = box.run(GROWING, processes=60)
    assert outcome.code == 2
    assert "can't fork" in outcome.err
    assert outcome.left == []
    assert outcome.out_of_processes == outcome.cgroups
    assert box.run(GROWING, processes=500).out == "all\n"


def test_every_container_has_a_limit(box: Box) -> None:
    limit = process_limit(ContainerSpec("/", Process(("x",))))
    look = "ulimit -u; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max"
    outcome = box.run(look, resources=LinuxResources(cpu_shares=100))  # for which cgroups are shown
    assert 1024 <= limit <= most_processes()
    assert str(limit) in outcome.lines


def test_a_ulimit_sets_the_limit() -> None:
    spec = ContainerSpec("/", Process(("x",)), ulimits=(Ulimit("nproc", 5, 7),))
    assert process_limit(spec) == 7
    assert process_limit(replace(spec, ulimits=(Ulimit("nproc", -1, -1),))) == 0
    assert process_limit(replace(spec, processes=9)) == 9


def test_no_limit_where_processes_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime would refuse to start the container."""
    monkeypatch.setattr(processes, "GROUPS", str(tmp_path))
    spec = ContainerSpec("/", Process(("x",)), processes=9)
    host = replace(read_host(), cgroups=1)
    assert cgroup_limit(spec, host, "") == {}
    (tmp_path / "pids").mkdir()
    assert cgroup_limit(spec, host, "") == {"pids": {"limit": 9}}
    host = replace(host, cgroups=2)
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    assert cgroup_limit(spec, host, "/dfc-1") == {}
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids\n")
    assert cgroup_limit(spec, host, "/dfc-1") == {"pids": {"limit": 9}}
    assert cgroup_limit(spec, host, "/missing/dfc-1") == {}
