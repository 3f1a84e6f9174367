"""What a hostile image or step tries, after executor-peers section 5: each ends in a refusal or does no harm.

Every test runs as root and rootless. The names are those under which the attacks became known.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.runtime.container import Bind, SecretFile, Tmpfs
from ir_schema.ops import NetMode, Ulimit
from tests.executor.runtime.box import Box

SENTINEL = "host-only"


@pytest.fixture
def host_file(box: Box) -> Path:
    """A file of the host that no container may see or change."""
    return box.place(box.home / "host/secret.txt", "of the host")


@pytest.mark.parametrize("number", [*range(3, 13), 64])
def test_cve_2024_21626_working_directory_in_proc(box: Box, number: int) -> None:
    outcome = box.run("cat ../../etc/hostname ../../../../etc/hostname", cwd=f"/proc/self/fd/{number}")
    assert "it is inside /proc" in outcome.error
    assert outcome.out == ""


@pytest.mark.parametrize("target", ["/proc/self/fd", "/proc/self/fd/", "../proc/self/fd", "/proc/1/fd"])
def test_cve_2024_21626_behind_a_link(box: Box, target: str) -> None:
    (box.root / "door").symlink_to(target)
    assert "it is inside /proc" in box.run("ls", cwd="/door/7").error


def test_cve_2024_21626_behind_a_link_in_a_mount(box: Box) -> None:
    """The runtime itself follows this one, so nothing of ours may be open in it."""
    source = box.folder("source")
    for number in range(3, 12):
        (source / f"d{number}").symlink_to(f"/proc/self/fd/{number}")
        outcome = box.run("cat ../../../etc/hostname; ls", cwd=f"/m/d{number}", mounts=(Bind(str(source), "/m"),))
        hostname = Path("/etc/hostname").read_text() if Path("/etc/hostname").exists() else "no host name"
        assert hostname not in outcome.out
        assert outcome.code != 0 or outcome.error


def test_no_descriptor_of_ours_is_open_inside(box: Box) -> None:
    with Path("/etc/passwd").open() as leak:
        os.set_inheritable(leak.fileno(), True)  # noqa: FBT003
        outcome = box.run("for fd in /proc/self/fd/*; do readlink $fd; done; ls /proc/1/fd | tr '\\n' ' '")
    links = [line for line in outcome.lines[:-1] if not line.startswith(("pipe:", "/proc/"))]
    assert links == ["/dev/null"]
    assert outcome.lines[-1].split()[:3] == ["0", "1", "2"]


def test_cve_2021_3602_environment_of_the_host(box: Box) -> None:
    outcome = box.run("env; cat /proc/*/environ | tr '\\0' '\\n'; echo end")
    assert outcome.out.endswith("end\n")
    assert SENTINEL not in outcome.out


def test_cve_2022_27651_inheritable_capabilities(box: Box) -> None:
    outcome = box.run("grep", "-E", "^Cap(Inh|Amb)", "/proc/self/status")
    assert [line.split()[1] for line in outcome.lines] == ["0" * 16] * 2


def test_cve_2022_2989_supplementary_groups(root_box: Box) -> None:
    root_box.write("etc/passwd", "app:x:1000:1000::/:/bin/sh\n")
    root_box.write("etc/group", "app:x:1000:\nlocked:x:55:app\n")
    path = root_box.write("denied", "no", 0o604)
    os.chown(path, 0, 55)
    assert root_box.run("cat /denied", user="app").code != 0
    assert root_box.run("cat /denied", user="1000:1000").code == 0


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_cve_2019_16884_system_directories_that_are_none(box: Box, name: str, kind: str) -> None:
    if kind == "link":
        (box.root / name).symlink_to("/tmp")
    else:
        box.write(name, "")
    assert box.run("true").error == f"/{name} in the image is not a directory; a container cannot be isolated there"


@pytest.mark.parametrize(
    "dest", ["/", "/proc", "/proc/self", "/proc/sys/kernel", "/sys", "/sys/fs", "/dev", "/dev/pts", "/x/../proc"]
)
def test_nothing_is_mounted_over_the_isolation(box: Box, dest: str) -> None:
    source = box.folder("source")
    assert (
        box.run("true", mounts=(Bind(str(source), dest),)).error == f"mount point {dest}: nothing may be mounted there"
    )


def test_nothing_is_mounted_over_the_isolation_through_a_link(box: Box) -> None:
    (box.root / "door").symlink_to("/proc/sys")
    assert "nothing may be mounted there" in box.run("true", mounts=(Tmpfs("/door/kernel"),)).error


def test_cve_2024_23652_stub_replaced_by_a_link(box: Box, host_file: Path) -> None:
    host_file.write_text("")
    target = host_file.parent
    outcome = box.run(
        "umount /a/b/secret.txt 2>/dev/null; mv /a /moved; ln -s $TARGET /a; mkdir -p /x; ln -s $TARGET /x/b; echo done",
        env=("PATH=/bin", f"TARGET={target}"),
        mounts=(SecretFile("/a/b/secret.txt", b"value-of-it"), SecretFile("/x/b/secret.txt", b"value-of-it")),
        remove_stubs_recursive=True,
    )
    assert outcome.error == ""
    assert host_file.exists()


def test_cve_2024_23652_other_file_in_place_of_the_stub(box: Box) -> None:
    box.run(
        "mv /run /gone; mkdir -p /run/secrets; : >/run/secrets/t",
        mounts=(SecretFile("/run/secrets/t", b"value-of-it"),),
    )
    assert (box.root / "run/secrets/t").read_bytes() == b""


def test_cve_2024_1753_source_is_a_link_to_the_host(box: Box, host_file: Path) -> None:
    source = box.folder("source")
    (source / "link").symlink_to(host_file.parent)
    outcome = box.run("ls /in; cat /in/secret.txt", mounts=(Bind(str(source), "/in", selector="link"),))
    assert outcome.error.startswith("mount source link of /in: ")


def test_cve_2024_9675_source_with_dots(box: Box, host_file: Path) -> None:
    source = box.folder("source")
    for part in (f"../{host_file.parent.name}", f"a/../../{host_file.parent.name}", str(host_file.parent)):
        outcome = box.run("ls /in", mounts=(Bind(str(source), "/in", selector=part),))
        assert "secret.txt" not in outcome.out


@pytest.mark.slow
def test_cve_2024_23651_source_swapped_while_it_is_mounted(box: Box, host_file: Path) -> None:
    """A step shares a cache with others; one of them swaps the part that is mounted for a link to the host."""
    cache = box.folder("cache")
    (cache / "real").mkdir()
    (cache / "link").symlink_to(host_file.parent)
    box.give(cache)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for name in ("real", "link"):
                try:
                    os.rename(cache / name, cache / "sub")
                    os.rename(cache / "sub", cache / name)
                except OSError:
                    continue

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = [box.run("ls /in", mounts=(Bind(str(cache), "/in", selector="sub"),)) for _ in range(12)]
    finally:
        stop.set()
        thread.join()
    assert not any("secret.txt" in outcome.out for outcome in seen)


@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("user", ["", "app", "1000:1000"])
def test_cve_2024_9676_user_file_is_no_file(box: Box, name: str, user: str) -> None:
    os.mkfifo(box.root / "etc" / name)
    assert box.run("true", user=user).error == f"/etc/{name} in the image is not a regular file"


def test_cve_2024_9676_passwd_is_a_link_to_the_host(box: Box) -> None:
    (box.root / "etc/passwd").symlink_to("/../../../../../../../etc/passwd")
    assert box.run("true", user="daemon").error == "unable to find user daemon: no matching entries in passwd file"


def test_cve_2024_9676_passwd_is_huge(box: Box) -> None:
    with (box.root / "etc/passwd").open("wb") as file:
        file.truncate(1 << 40)
    assert box.run("true", user="app").error == "/etc/passwd in the image exceeds 10485760 bytes"


def test_cve_2019_14271_no_library_of_the_image_is_loaded(box: Box) -> None:
    """Users are looked up in files, by our own code: an image's libnss is never opened."""
    box.write("lib/libnss_files.so.2", "not a library")
    box.write("etc/nsswitch.conf", "passwd: files\n")
    box.write("etc/passwd", "app:x:0:0::/home/app:/bin/sh\n")
    assert box.run("echo $HOME", user="app").out == "/home/app\n"


def test_hosts_are_not_written_through_a_link(box: Box, host_file: Path) -> None:
    (box.root / "etc/hosts").symlink_to(f"../../../../../../../..{host_file}")
    box.run("cat /etc/hosts", remove_stubs_recursive=True)
    assert host_file.read_text() == "of the host"


def test_secret_target_through_a_link(box: Box, host_file: Path) -> None:
    (box.root / "run").symlink_to(f"../../../../../../../..{host_file.parent}")
    outcome = box.run(
        "wc -c </run/secret.txt", mounts=(SecretFile("/run/secret.txt", b"value-of-it"),), remove_stubs_recursive=True
    )
    assert outcome.out == "11\n"
    assert host_file.read_text() == "of the host"


def test_cve_2019_5736_the_runtime_is_not_writable(box: Box) -> None:
    """A step that runs as the real root can try; what /proc/self/exe shows of a runtime is a copy or read-only."""
    outcome = box.run(
        "for exe in /proc/[0-9]*/exe; do readlink $exe; (echo x >>$exe) 2>/dev/null && echo written; done; echo end"
    )
    assert "runc" not in outcome.out
    assert "crun" not in outcome.out


def test_core_pattern_and_other_helpers_of_the_kernel(box: Box) -> None:
    files = "/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/fs/binfmt_misc/register /sys/kernel/uevent_helper"
    outcome = box.run(f"for f in {files}; do [ -e $f ] && (echo '|/bin/sh' >$f) 2>/dev/null && echo $f; done; echo end")
    assert outcome.lines == ["end"]


def test_a_namespace_of_the_host_cannot_be_joined(box: Box) -> None:
    (box.root / "bin/nsenter").symlink_to("busybox")
    outcome = box.run(
        "for ns in mnt net pid uts ipc; do nsenter --$ns=/proc/1/ns/$ns true 2>/dev/null && echo $ns; done; echo end"
    )
    assert outcome.lines == ["end"]


def test_the_hosts_abstract_sockets_with_no_network(box: Box) -> None:
    assert box.run("wc -l </proc/net/unix", network=NetMode.NONE).out == "1\n"


def test_the_session_keyring_is_new(box: Box) -> None:
    outcome = box.run("cat /proc/keys 2>/dev/null | wc -l")
    assert outcome.out == "0\n"


def test_a_huge_working_directory_path(box: Box) -> None:
    assert "File name too long" in box.run("true", cwd="/" + "a" * 300).error
    (box.root / "loop").symlink_to("loop")
    assert "points to invalid target" in box.run("true", cwd="/loop").error


HOSTILE: dict[str, dict[str, Any]] = {
    "NUL in the working directory": {"cwd": "/a\0b"},
    "NUL in an argument": {"args": ("/bin/echo", "a\0b")},
    "NUL in a variable": {"env": ("PATH=/bin", "A=b\0c")},
    "NUL in a mount point": {"mounts": (Tmpfs("/a\0b"),)},
    "NUL in a selector": {"mounts": (Bind("/tmp", "/a", selector="a\0b"),)},
    "NUL in a user": {"user": "a\0b"},
    "lone surrogate": {"args": ("/bin/echo", "\ud800")},
    "no argument": {"args": ()},
    "empty argument": {"args": ("",)},
    "long host name": {"hostname": "h" * 5000},
    "negative size": {"mounts": (Tmpfs("/t", size=-1),)},
    "unknown ulimit": {"ulimits": (Ulimit("nofile\n", 1, 1),)},
    "source that is not there": {"mounts": (Bind("/no/such/place", "/a"),)},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_specs_are_told_and_leave_nothing(box: Box, case: str) -> None:
    fields = dict(HOSTILE[case])
    args = fields.pop("args", ("/bin/true",))
    job = box.job(*args, "", **fields)
    process = dataclasses.replace(job.spec.process, args=args)
    outcome = box.send(dataclasses.replace(job, spec=dataclasses.replace(job.spec, process=process)))
    assert outcome.fault == "ContainerError" or outcome.code >= 0
    assert "Traceback" not in outcome.error
    assert outcome.left == []
