"""What a process finds in its container, as root and rootless."""

from __future__ import annotations

import socket

import pytest

from dockerfile_frontend.executor.runtime.container import ContainerSpec
from ir_schema.ops import HostIP, NetMode, SecurityMode
from tests.executor.runtime.box import Box


def test_output_and_exit_code(box: Box) -> None:
    outcome = box.run("echo out; echo err >&2; exit 3")
    assert (outcome.out, outcome.err, outcome.code) == ("out\n", "err\n", 3)


def test_a_signal_ends_as_shells_tell_it(box: Box) -> None:
    assert box.run("kill -TERM 1; sh -c 'kill -KILL $$'; exit $?").code == 128 + 9


def test_nothing_is_left_behind(box: Box) -> None:
    outcome = box.run("sleep 1000 & echo started")
    assert outcome.out == "started\n"
    assert outcome.left == []
    assert [path.name for path in box.store.iterdir() if not path.name.endswith((".json", ".bpf"))] == []


def test_only_the_standard_descriptors_are_open(box: Box) -> None:
    outcome = box.run("readlink /proc/self/fd/0; ls /proc/self/fd | wc -l")
    assert outcome.lines == ["/dev/null", "4"]  # the fourth is the listing itself


def test_the_environment_is_what_was_asked_for(box: Box) -> None:
    outcome = box.run("busybox", "env", env=("PATH=/bin", "A=1", "B=2", "A=3", "EMPTY="))
    assert outcome.lines == ["PATH=/bin", "A=3", "B=2", "EMPTY=", "HOME=/"]


def test_signals_have_their_default_dispositions(box: Box) -> None:
    found = dict(line.split()[:2] for line in box.run("grep", "Sig", "/proc/1/status").lines)
    assert found["SigBlk:"] == found["SigCgt:"] == "0" * 16
    assert int(found["SigIgn:"], 16) & ~(3 << 31) == 0  # 32 and 33 belong to the C library
    assert box.run("yes | head -n 1; umask").lines == ["y", "0022"]


def test_capabilities_are_dockers(box: Box) -> None:
    outcome = box.run("grep -E '^(Cap|NoNewPrivs)' /proc/1/status")
    default = "00000000a80425fb"
    assert [line.split()[1] for line in outcome.lines] == ["0" * 16, default, default, default, "0" * 16, "0"]


def test_an_ordinary_user_has_no_capabilities(root_box: Box) -> None:
    outcome = root_box.run("grep -E '^Cap(Eff|Prm|Amb)' /proc/self/status", user="1000:1000")
    assert [line.split()[1] for line in outcome.lines] == ["0" * 16] * 3


def test_users_and_groups(root_box: Box) -> None:
    root_box.write("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n")
    root_box.write("etc/group", "root:x:0:\nusers:x:100:\naudio:x:29:app\nvideo:x:44:root,app\n")
    script = "id -u; id -g; echo $(grep Groups /proc/self/status | cut -f2); echo $HOME"
    (root_box.root / "bin/cut").symlink_to("busybox")
    expected = {
        "": ["0", "0", "0 44", "/root"],
        "app": ["1000", "100", "29 44 100", "/home/app"],
        "app:audio": ["1000", "29", "29", "/home/app"],
        "1000": ["1000", "100", "29 44 100", "/home/app"],
        "1000:29": ["1000", "29", "29", "/home/app"],
        "4242": ["4242", "0", "0", "/"],
    }
    found = {user: root_box.run(script, user=user).lines for user in expected}
    assert {
        user: [*lines[:2], " ".join(sorted(lines[2].split(), key=int)), lines[3]] for user, lines in found.items()
    } == expected


def test_an_unknown_user_is_refused_in_the_references_words(box: Box) -> None:
    assert box.run("true", user="ghost").error == "unable to find user ghost: no matching entries in passwd file"
    assert box.run("true", user="0:ghost").error == "unable to find group ghost: no matching entries in group file"


def test_another_user_needs_more_than_one_id(user_box: Box) -> None:
    outcome = user_box.run("true", user="1000")
    assert outcome.error == "user 1000: user 1000 does not exist in this rootless build"
    assert "/etc/subuid" in outcome.hint


def test_home_is_set_where_it_is_empty(box: Box) -> None:
    assert box.run("echo $HOME", env=("PATH=/bin", "HOME=")).out == "/\n"
    assert box.run("echo $HOME", env=("PATH=/bin", "HOME=/there")).out == "/there\n"


def test_the_working_directory_is_made_for_the_user(root_box: Box) -> None:
    outcome = root_box.run("pwd; stat -c '%u:%g %a' . ..", user="1000:1000", cwd="/srv/app")
    assert outcome.lines == ["/srv/app", "1000:1000 755", "1000:1000 755"]
    assert (root_box.root / "srv/app").is_dir()


def test_the_working_directory_may_be_behind_a_link(box: Box) -> None:
    (box.root / "link").symlink_to("/really/there")
    assert box.run("pwd", cwd="/link/sub").out == "/really/there/sub\n"


def test_a_program_that_is_not_there(box: Box) -> None:
    outcome = box.run("/no/such", "argument")
    assert outcome.fault == "ContainerError"
    assert "/no/such" in outcome.error
    assert "no such file" in outcome.error.lower()


def test_a_program_is_found_on_the_containers_path(box: Box) -> None:
    box.write("opt/tool", "#!/bin/sh\necho tool\n", 0o755)
    assert box.run("tool", "x", env=("PATH=/bin:/opt",)).out == "tool\n"


def test_host_name_and_hosts(box: Box) -> None:
    assert box.run("hostname").out == "buildkitsandbox\n"
    outcome = box.run(
        "hostname; cat /etc/hosts", hostname="web", extra_hosts=(HostIP("db", "10.0.0.2"), HostIP("six", "fe80::1"))
    )
    assert outcome.lines == [
        "web",
        "127.0.0.1\tlocalhost web",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "10.0.0.2\tdb",
        "fe80::1\tsix",
    ]


def test_an_address_that_is_none_is_refused(box: Box) -> None:
    assert (
        box.run("true", extra_hosts=(HostIP("db", "10.0.0.256"),)).error == "failed to parse IP '10.0.0.256' of host db"
    )


def test_no_network_but_loopback(box: Box) -> None:
    outcome = box.run("ls /sys/class/net; ip -o link show lo; ip route | wc -l", network=NetMode.NONE)
    assert outcome.lines[0] == "lo"
    assert "LOOPBACK,UP" in outcome.lines[1]
    assert outcome.lines[-1] == "0"


@pytest.mark.parametrize("mode", [NetMode.HOST, NetMode.UNSET])
def test_the_hosts_network(box: Box, mode: NetMode) -> None:
    """Known by its table of sockets and not by its devices: others make some and take them away meanwhile."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = f":{listening.getsockname()[1]:04X} "
        assert port in box.run("cat /proc/net/tcp", network=mode).out


def test_a_process_sees_no_other(box: Box) -> None:
    found = [line.split() for line in box.run("ps -o pid,comm; true").lines[1:]]
    assert [name for _, name in found] == ["sh", "ps"]
    assert found[0][0] == "1"


def test_the_usual_file_systems(box: Box) -> None:
    outcome = box.run(
        "mount | sed 's/ (.*//' | grep -E ' on /(proc|dev|dev/pts|dev/shm|dev/mqueue|sys) '; stat -c %a /dev/shm; tty"
    )
    found = {line.split()[2]: line.split()[4] for line in outcome.lines if " on " in line}
    assert found == {
        "/proc": "proc",
        "/dev": "tmpfs",
        "/dev/pts": "devpts",
        "/dev/shm": "tmpfs",
        "/dev/mqueue": "mqueue",
        "/sys": "sysfs",
    }
    assert outcome.lines[-2:] == ["1777", "not a tty"]


def test_system_files_cannot_be_written(box: Box) -> None:
    script = """
    for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/irq/default_smp_affinity; do
        [ -e $file ] && (echo x >$file) 2>/dev/null && echo written $file
    done
    touch /sys/new 2>/dev/null && echo made
    cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c
    ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep -v '^$' | wc -l
    """
    assert box.run(script).lines == ["0", "0"]


def test_devices_are_the_harmless_ones(box: Box) -> None:
    outcome = box.run("ls /dev; echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 8 /dev/urandom | wc -c")
    names = {
        "fd",
        "full",
        "mqueue",
        "null",
        "otel-grpc.sock",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
        "4",
        "8",
    }
    assert set(outcome.lines) - {"console", "core"} == names


def test_the_references_socket_for_traces_is_there_and_nobody_listens(box: Box) -> None:
    """BuildKit puts it into every container; what lists /dev sees it."""
    outcome = box.run("stat -c '%F %a' /dev/otel-grpc.sock; (echo > /dev/otel-grpc.sock) 2>/dev/null || echo refused")
    assert outcome.out == "socket 666\nrefused\n"


def test_a_device_node_cannot_be_opened(box: Box) -> None:
    script = """
    for place in / /dev/ /dev/shm/ /tmp/; do
        mknod ${place}disk b 254 0 2>/dev/null && head -c 1 ${place}disk >/dev/null 2>&1 && echo opened $place
        mknod ${place}mem c 1 1 2>/dev/null && head -c 1 ${place}mem >/dev/null 2>&1 && echo opened $place
    done
    echo tried
    """
    assert box.run(script).lines == ["tried"]


def test_a_harmless_device_node_works_as_root(root_box: Box) -> None:
    outcome = root_box.run("mknod /null c 1 3 && echo x >/null && stat -c %F /null")
    assert outcome.cgroups
    assert outcome.out == "character special file\n"


def test_namespaces_and_mounts_are_refused(box: Box) -> None:
    tries = "'mount -t tmpfs x /tmp' 'unshare -m true' 'unshare -U true' 'umount /proc'"
    script = f"for try in {tries}; do $try 2>/dev/null && echo $try; done; echo tried"
    assert box.run(script).lines == ["tried"]


def test_an_insecure_container_has_all_we_have(root_box: Box) -> None:
    show = "grep -E '^(CapEff|Seccomp:)' /proc/self/status"
    script = f"{show}; mount -t tmpfs x /tmp && echo mounted; touch /proc/sys/kernel/core_pattern && echo rw"
    outcome = root_box.run(script, security=SecurityMode.INSECURE)
    with open("/proc/self/status", encoding="ascii") as file:
        own = next(line.split()[1] for line in file if line.startswith("CapEff"))
    assert [line.split()[-1] for line in outcome.lines] == [own, "0", "mounted", "rw"]


def test_an_insecure_rootless_container_is_still_only_the_user(user_box: Box) -> None:
    outcome = user_box.run("mount -t tmpfs x /tmp && echo mounted; mknod /sda b 8 0", security=SecurityMode.INSECURE)
    assert outcome.lines == ["mounted"]
    assert outcome.code != 0


def test_the_root_may_be_read_only(box: Box) -> None:
    outcome = box.run("touch /new", readonly=True)
    assert "Read-only file system" in outcome.err


def test_a_valid_exit_code_is_a_success() -> None:
    from dockerfile_frontend.executor.runtime.container import ExitStatus

    assert [ExitStatus(code, (3, 4)).ok for code in (0, 3, 4)] == [False, True, True]
    assert [ExitStatus(code).ok for code in (0, 3)] == [True, False]


def test_secrets_do_not_show_in_what_is_printed_of_a_spec() -> None:
    from dockerfile_frontend.executor.runtime.container import Process, SecretFile

    spec = ContainerSpec("/r", Process(("x",), secret_env=(("TOKEN", "hunter2"),)), (SecretFile("/s", b"hunter2"),))
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize("level", ["root_box", "user_box"])
def test_crun_runs_the_same(request: pytest.FixtureRequest, level: str, crun: str) -> None:
    box: Box = request.getfixturevalue(level)
    outcome = box.run(
        "id -u; grep -E '^(CapEff|Seccomp:)' /proc/self/status; ls /proc/self/fd | wc -l; exit 5", engine=crun
    )
    assert (outcome.engine, outcome.code, outcome.left) == ("crun", 5, [])
    assert [line.split()[-1] for line in outcome.lines] == ["0", "00000000a80425fb", "2", "4"]
