"""Mounts of every kind, and that the root file system holds afterwards what the process wrote and nothing else."""

from __future__ import annotations

import os

import pytest

from dockerfile_frontend.executor.runtime.container import Bind, SecretFile, Tmpfs
from tests.executor.runtime.box import Box


def test_a_bind_mount_may_be_written(box: Box) -> None:
    source = box.folder("source", old="old")
    outcome = box.run("cat /in/old; echo new >/in/new", mounts=(Bind(str(source), "/in"),))
    assert outcome.out == "old"
    assert (source / "new").read_text() == "new\n"


def test_a_read_only_bind_mount_may_not(box: Box) -> None:
    source = box.folder("source", old="old")
    outcome = box.run("cat /in/old; touch /in/new", mounts=(Bind(str(source), "/in", readonly=True),))
    assert outcome.out == "old"
    assert "Read-only file system" in outcome.err
    assert not (source / "new").exists()


def test_a_file_is_mounted_as_a_file(box: Box) -> None:
    source = box.folder("source", one="1")
    assert box.run("cat /etc/one", mounts=(Bind(str(source / "one"), "/etc/one"),)).out == "1"


def test_a_selector_picks_a_part(box: Box) -> None:
    box.place(box.home / "source/sub/file", "deep")
    (box.home / "source/link").symlink_to("/sub")
    outcome = box.run(
        "cat /a/file /b/file /c",
        mounts=tuple(
            Bind(str(box.home / "source"), dest, selector=part)
            for dest, part in (("/a", "sub"), ("/b", "/link/"), ("/c", "sub/file"))
        ),
    )
    assert outcome.out == "deep" * 3


def test_a_selector_that_is_not_there(box: Box) -> None:
    source = box.folder("source")
    outcome = box.run("true", mounts=(Bind(str(source), "/in", selector="missing"),))
    assert outcome.error == "mount source missing of /in: No such file or directory"


@pytest.mark.parametrize("target", ["/", "/etc", "../../../../../../etc", "/proc/1/root/etc", "/proc/self/root"])
def test_a_selector_stays_inside_its_source(box: Box, target: str) -> None:
    source = box.folder("source", inside="1")
    (source / "link").symlink_to(target)
    outcome = box.run("ls -A /in", mounts=(Bind(str(source), "/in", selector="link"),))
    assert set(outcome.lines) <= {"inside", "link"}
    if outcome.error:
        assert outcome.error.startswith("mount source link of /in: ")


def test_tmpfs(box: Box) -> None:
    outcome = box.run(
        "stat -c %a /t /etc/t; df -k /t | tail -n 1; dd if=/dev/zero of=/t/big bs=1M count=4 2>&1 | tail -n 1; touch /etc/t/x",
        mounts=(Tmpfs("/t", size=1 << 20), Tmpfs("/etc/t")),
    )
    assert outcome.lines[:2] == ["1777", "1777"]
    assert outcome.lines[2].split()[1] == "1024"
    assert outcome.lines[3] == "1+0 records out"
    assert not (box.root / "t").exists()
    assert not (box.root / "etc/t").exists()


def test_tmpfs_keeps_the_mode_of_its_mount_point(box: Box) -> None:
    (box.root / "private").mkdir(mode=0o700)
    box.give(box.root)
    assert box.run("stat -c %a /private", mounts=(Tmpfs("/private"),)).out == "700\n"


def test_tmpfs_over_a_usual_one(box: Box) -> None:
    outcome = box.run("df -k /dev/shm | tail -n 1; echo x >/dev/shm/x", mounts=(Tmpfs("/dev/shm", size=1 << 20),))
    assert outcome.lines[0].split()[1] == "1024"
    assert outcome.code == 0


def test_a_mount_inside_a_mount(box: Box) -> None:
    outer = box.folder("outer", a="a")
    inner = box.folder("inner", b="b")
    outcome = box.run("cat /m/a /m/in/b", mounts=(Bind(str(inner), "/m/in"), Bind(str(outer), "/m")))
    assert outcome.out == "ab"
    assert (outer / "in").is_dir()


def test_a_relative_mount_point_is_below_the_working_directory(box: Box) -> None:
    source = box.folder("source", f="f")
    assert box.run("cat /w/here/f", cwd="/w", mounts=(Bind(str(source), "here"),)).out == "f"


def test_a_mount_point_through_a_link_stays_in_the_root(box: Box) -> None:
    source = box.folder("source", f="f")
    (box.root / "out").symlink_to("../../../../../../../outside")
    outcome = box.run("cat /outside/f /out/f", mounts=(Bind(str(source), "/out"),))
    assert outcome.out == "ff"
    assert not os.path.lexists("/outside")


SECRET = SecretFile("/run/secrets/token", b"s3cret-value", mode=0o400)


def test_a_secret(box: Box) -> None:
    outcome = box.run(
        "stat -c '%a %u:%g' /run/secrets/token; wc -c </run/secrets/token; echo x >/run/secrets/token", mounts=(SECRET,)
    )
    assert outcome.lines == ["400 0:0", "12"]
    assert "Read-only" in outcome.err


def test_a_secrets_owner(root_box: Box) -> None:
    mounts = (SecretFile("/s", b"value-of-it", mode=0o440, uid=1000, gid=29),)
    assert root_box.run("stat -c '%a %u:%g' /s", mounts=mounts, user="1000:1000").out == "440 1000:29\n"


def test_a_secrets_owner_needs_an_id(user_box: Box) -> None:
    outcome = user_box.run("true", mounts=(SecretFile("/s", b"value", uid=1000),))
    assert outcome.error == "secret /s: user 1000 does not exist in this rootless build"


def test_a_secret_in_the_environment(box: Box) -> None:
    outcome = box.run("echo ${#TOKEN}", secret_env=(("TOKEN", "hunter2"),))
    assert outcome.out == "7\n"


def test_secrets_are_masked_in_the_output(box: Box) -> None:
    outcome = box.run(
        "cat /run/secrets/token; echo; echo $TOKEN >&2", mounts=(SECRET,), secret_env=(("TOKEN", "hunter2!"),)
    )
    assert (outcome.out, outcome.err) == ("*****\n", "*****\n")


def test_a_secret_is_nowhere_afterwards(box: Box) -> None:
    box.run("true", mounts=(SECRET,), secret_env=(("TOKEN", "s3cret-value"),))
    for path in box.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert b"s3cret-value" not in path.read_bytes()


@pytest.mark.parametrize(("recursive", "left"), [(True, set()), (False, {"run", "run/secrets", "deep", "deep/er"})])
def test_mount_points_are_taken_away(box: Box, recursive: bool, left: set[str]) -> None:
    source = box.folder("source")
    before = box.tree()
    box.run("true", mounts=(SECRET, Bind(str(source), "/deep/er/est"), Tmpfs("/t")), remove_stubs_recursive=recursive)
    assert box.tree() - before == left | {"dev", "proc", "sys"}


def test_what_the_process_wrote_beside_a_mount_point_stays(box: Box) -> None:
    box.run("echo x >/run/kept", mounts=(SECRET,), remove_stubs_recursive=True)
    assert {path for path in box.tree() if path.startswith("run")} == {"run", "run/kept"}


def test_a_mount_point_that_was_there_stays(box: Box) -> None:
    (box.root / "there").mkdir()
    box.write("file", "")
    source = box.folder("source")
    box.run("true", mounts=(Bind(str(source), "/there"), SecretFile("/file", b"value")), remove_stubs_recursive=True)
    assert {"there", "file"} <= box.tree()


def test_directories_times_are_kept(box: Box) -> None:
    os.utime(box.root / "etc", (1000, 1000))
    box.run("true")
    assert (box.root / "etc").stat().st_mtime == 1000
    assert sorted(path.name for path in (box.root / "etc").iterdir()) == []


def test_a_directory_that_the_process_changed_has_the_time_of_it(box: Box) -> None:
    os.utime(box.root / "etc", (1000, 1000))
    box.run("sleep 0.1; touch /etc/new")
    assert (box.root / "etc").stat().st_mtime > 1000


def test_resolv_conf_behind_a_link(box: Box) -> None:
    (box.root / "etc/resolv.conf").symlink_to("../run/resolve/stub.conf")
    outcome = box.run("cat /etc/resolv.conf; cat /run/resolve/stub.conf | head -n 1", remove_stubs_recursive=True)
    assert outcome.lines[0].startswith("nameserver ")
    assert outcome.lines[-1].startswith("nameserver ")
    assert (box.root / "etc/resolv.conf").is_symlink()
    assert not (box.root / "run").exists()
