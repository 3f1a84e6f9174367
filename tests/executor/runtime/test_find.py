"""Which runtime is taken, and what is said when none works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime.find import (
    CACHE,
    Engine,
    best_engine,
    find_engine,
    forget_engine,
    locate,
    recall_engine,
    remember_engine,
)
from dockerfile_frontend.executor.runtime.host import Host, Range, read_host
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import LinuxResources, SecurityMode
from tests.executor.runtime.box import Box

ROOT = Host("x86_64", "6.0", user_namespace=False, cgroups=1, capabilities=(), uids=(Range(0, 1),), gids=(Range(0, 1),))
USER = Host("x86_64", "6.0", user_namespace=True, cgroups=1, capabilities=(), uids=(Range(0, 1),), gids=(Range(0, 1),))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a crun and a runc that tell their versions."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("crun", "runc"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} version 1.1.5+ds1\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


class Trials:
    """Says why engines fail; remembers which were tried."""

    def __init__(self, *failing: tuple[str, bool]) -> None:
        self.failing = failing
        self.tried: list[tuple[str, bool]] = []

    def __call__(self, engine: Engine) -> str:
        self.tried.append((engine.name, engine.cgroups))
        return "refused" if (engine.name, engine.cgroups) in self.failing else ""


def test_the_fastest_with_cgroups_comes_first(programs: Path, tmp_path: Path) -> None:
    trials = Trials(("crun", True), ("runc", True), ("crun", False))
    engine = find_engine(ROOT, str(tmp_path), "", trials)
    assert trials.tried == [("crun", True), ("runc", True), ("crun", False), ("runc", False)]
    assert engine == Engine(str(programs / "runc"), "runc", cgroups=False)


def test_without_root_there_are_no_cgroups(programs: Path, tmp_path: Path) -> None:
    trials = Trials()
    assert not find_engine(USER, str(tmp_path), "", trials).cgroups
    assert trials.tried == [("crun", False)]


def test_what_works_is_remembered(programs: Path, tmp_path: Path) -> None:
    first = find_engine(ROOT, str(tmp_path), "", Trials(("crun", True)))
    again = Trials()
    assert find_engine(ROOT, str(tmp_path), "", again) == first
    assert again.tried == []


def test_what_ran_well_is_remembered_without_a_trial(programs: Path, tmp_path: Path) -> None:
    assert recall_engine(ROOT, str(tmp_path), "") is None
    best = best_engine(ROOT, "")
    assert best == Engine(str(programs / "crun"), "crun", cgroups=True)
    remember_engine(ROOT, str(tmp_path), "", best)
    assert recall_engine(ROOT, str(tmp_path), "") == best
    trials = Trials()
    assert find_engine(ROOT, str(tmp_path), "", trials) == best
    assert trials.tried == []


@pytest.mark.parametrize("change", ["program", "host", "wanted", "forgotten", "broken"])
def test_what_is_remembered_holds_only_where_it_was_tried(programs: Path, tmp_path: Path, change: str) -> None:
    find_engine(ROOT, str(tmp_path), "", Trials())
    host, wanted = ROOT, ""
    match change:
        case "program":
            (programs / "crun").write_text("#!/bin/sh\n# newer\n")
        case "host":
            host = USER
        case "wanted":
            wanted = "runc"
        case "forgotten":
            forget_engine(str(tmp_path))
        case "broken":
            (tmp_path / CACHE).write_text("[")
        case _:
            pytest.fail(change)
    trials = Trials()
    find_engine(host, str(tmp_path), wanted, trials)
    assert len(trials.tried) == 1


def test_a_remembered_path_is_not_believed_alone(programs: Path, tmp_path: Path) -> None:
    find_engine(ROOT, str(tmp_path), "", Trials())
    known = json.loads((tmp_path / CACHE).read_text())
    (tmp_path / CACHE).write_text(json.dumps({**known, "path": "/tmp/evil"}))
    trials = Trials()
    assert find_engine(ROOT, str(tmp_path), "", trials).path == str(programs / "crun")
    assert trials.tried


def test_none_installed(tmp_path: Path) -> None:
    with pytest.raises(ExecutorError) as caught:
        find_engine(ROOT, str(tmp_path), "no-such-runtime", Trials())
    assert str(caught.value) == "no container runtime: no-such-runtime is not installed"
    assert caught.value.hint == "install runc or crun"


def test_none_works(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError) as caught:
        find_engine(USER, str(tmp_path), "", Trials(("crun", False), ("runc", False)))
    assert str(caught.value).splitlines() == [
        "no container runtime works here:",
        f"  {programs}/crun without cgroups: refused",
        f"  {programs}/runc without cgroups: refused",
    ]
    assert not (tmp_path / CACHE).exists()


def test_a_store_that_cannot_be_written(programs: Path) -> None:
    assert find_engine(ROOT, "/proc/none", "", Trials()).name == "crun"


def test_locate(programs: Path) -> None:
    assert locate("crun") == str(programs / "crun")
    assert locate(str(programs / "runc")) == str(programs / "runc")
    assert locate("no-such-program") is None
    assert locate("/no/such") is None


READ_ONLY_CGROUPS = (
    "for group in /sys/fs/cgroup/* /sys/fs/cgroup; do mount -o remount,ro,bind $group; done 2>/dev/null; true"
)
CGROUPS_2 = "umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup"


def test_read_only_cgroups(root_box: Box) -> None:
    """Then nothing keeps a device node from being opened but the mounts, and so all of them are nodev."""
    script = """
    for place in / /dev/ /tmp/ /t/ /b/; do
        mknod ${place}n c 1 3 && (echo x >${place}n) 2>/dev/null && echo opened $place
    done
    echo x >/dev/null && head -c 2 /dev/zero | wc -c
    """
    from dockerfile_frontend.executor.runtime.container import Bind, Tmpfs

    mounts = (Tmpfs("/t"), Bind(str(root_box.folder("b")), "/b"))
    outcome = root_box.send(
        root_box.job(script, mounts=mounts, resources=LinuxResources(memory=1 << 30)), READ_ONLY_CGROUPS
    )
    assert outcome.error == ""
    assert not outcome.cgroups
    assert outcome.lines == ["2"]
    assert outcome.err.startswith("warning: memory and CPU limits are not enforced")
    assert outcome.left == []


def test_cgroups_of_version_2(root_box: Box) -> None:
    script = "mknod /n b 254 0; (head -c 1 </n) 2>/dev/null && echo opened; cat /proc/self/cgroup; mount | grep -c 'cgroup2.*ro,'"
    outcome = root_box.send(root_box.job(script), CGROUPS_2)
    assert outcome.error == ""
    assert outcome.cgroups
    assert outcome.lines[-2:] == ["0::/", "1"]
    assert "opened" not in outcome.lines


def test_cgroups_of_version_2_for_crun(root_box: Box, crun: str) -> None:
    """It raises a limit to load its device filter; root without CAP_SYS_RESOURCE may not, and then mounts are nodev."""
    outcome = root_box.send(root_box.job("echo ran", engine=crun), CGROUPS_2)
    assert (outcome.error, outcome.out) == ("", "ran\n")
    assert outcome.cgroups == read_host().has("CAP_SYS_RESOURCE")


def test_an_insecure_container_without_cgroups(root_box: Box) -> None:
    job = root_box.job("mknod /n c 1 3; echo x >/n && echo opened", security=SecurityMode.INSECURE)
    assert root_box.send(job, READ_ONLY_CGROUPS).out == "opened\n"


def test_a_mixed_hierarchy_is_hidden_from_crun(root_box: Box, crun: str) -> None:
    """The machine's own is mixed, or one is made."""
    place = "/sys/fs/cgroup/unified"
    setup = f"{{ mountpoint -q {place} || mount -t cgroup2 x {place}; }} 2>/dev/null; true"
    outcome = root_box.send(root_box.job("echo ran", engine=crun), setup)
    assert (outcome.out, outcome.error) == ("ran\n", "")
