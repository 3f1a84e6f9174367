"""What a hostile graph, image or step tries through RUN, after executor-peers section 5; `runtime/test_attacks.py` has more.

Each ends in a refusal or does no harm, as root and rootless. The names are those under which the attacks became known.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.session import Secret
from ir_schema.ops import Input, Mount, NetMode, SecurityMode, Ulimit
from tests.executor.exec.bench import NOTHING, Bench, bind, cache, secret, tmpfs

OF_THE_HOST = "of the host"


@pytest.fixture
def host(bench: Bench) -> Path:
    """A folder of the host that no step may see or change."""
    folder = bench.home.parent / "host"
    folder.mkdir()
    (folder / "secret.txt").write_text(OF_THE_HOST)
    (folder / "empty").touch()
    bench.give(folder)
    return folder


def untouched(host: Path) -> bool:
    return sorted(p.name for p in host.iterdir()) == ["empty", "secret.txt"] and (
        (host / "secret.txt").read_text() == OF_THE_HOST
    )


SWAP = (
    "mkdir -p /c/sub; echo mine > /c/sub/secret.txt; echo > /meet/up;"
    " for i in $(seq 3000); do [ -e /meet/done ] && break; mv /c/sub /c/aside; ln -s {host} /c/sub; rm /c/sub; mv /c/aside /c/sub; done"
)


def test_cve_2024_23651_a_cache_swapped_for_a_link_while_it_is_mounted(bench: Bench, host: Path) -> None:
    """One build swaps, another mounts the part that is swapped, again and again."""
    meet = (cache("/meet"), None)
    swapping = bench.start(bench.job(bench.graph().run(SWAP.format(host=host), mounts=[(cache("/c"), None), meet])))
    said = []
    ready = "for i in $(seq 600); do [ -e /meet/up ] && exit 0; sleep 0.1; done"
    assert bench.build(bench.graph().run(ready, mounts=[meet])).error == ""
    for number in range(12):
        step = bench.graph().run(f"cat /m/secret.txt; true {number}", mounts=[(cache("/m", "/c", selector="sub"), None)])
        outcome = bench.build(step)
        said.append(outcome.log + outcome.error)
    bench.build(bench.graph().run("echo > /meet/done", mounts=[meet]))
    assert swapping.finish().error == ""
    assert not [text for text in said if OF_THE_HOST in text]
    assert untouched(host)


def test_cve_2024_11218_another_build_changes_what_both_mount(bench: Bench, host: Path) -> None:
    graph = bench.graph()
    stage = graph.step("mkdir /data; echo right > /data/secret.txt")
    assert bench.build(*graph.at(stage)).error == ""
    meet = (cache("/meet"), None)
    swap = f"rm -r /m/data; ln -s {host} /m/data; echo > /meet/up; for i in $(seq 600); do [ -e /meet/done ] && exit 0; sleep 0.1; done"
    swapping = bench.start(
        bench.job(graph.run(swap, mounts=[(bind("/m", readonly=False), stage), meet]))
    )
    read = (
        "for i in $(seq 600); do [ -e /meet/up ] && break; sleep 0.1; done; cat /m/secret.txt; echo > /meet/done"
    )
    assert bench.build(graph.run(read, mounts=[(bind("/m", "data"), stage), meet])).log == "right\n"
    assert swapping.finish().error == ""


@pytest.mark.parametrize("kind", ["secret", "tmpfs", "bind"])
def test_cve_2024_23652_a_mount_points_parent_becomes_a_link_to_the_host(bench: Bench, host: Path, kind: str) -> None:
    """The empty file of the host has the mount point's name."""
    token = bench.home.parent / "token"
    token.write_text("x")
    bench.give(token)
    graph = bench.graph()
    made = {
        "secret": (secret("/run/s/empty", "token"), None),
        "tmpfs": (tmpfs("/run/s/empty"), None),
        "bind": (bind("/run/s/empty", "etc/passwd"), graph.root),
    }[kind]
    if kind == "tmpfs":
        (host / "empty").unlink()
        (host / "empty").mkdir()
        bench.give(host)
    command = f"mv /run/s /run/aside; ln -s {host} /run/s; echo > /run/aside/mine"
    outcome = bench.build(graph.run(command, mounts=[made]), secrets={"token": Secret(token)})
    assert outcome.error == ""
    assert sorted(path.name for path in host.iterdir()) == ["empty", "secret.txt"]
    assert outcome.files["run/s"].kind == "l"


@pytest.mark.parametrize("selector", ["link", "link/etc", "../..", "up/../../..", "chain"])
def test_cve_2024_1753_a_source_that_leads_out(bench: Bench, host: Path, selector: str) -> None:
    graph = bench.graph()
    made = graph.step(
        f"ln -s / /link; ln -s ../../../../../../..{host} /chain; mkdir /up; mkdir -p {host}; echo inside > {host}/secret.txt"
    )
    command = f"cat /m/secret.txt /m{host}/secret.txt 2>/dev/null; (echo > /m/new) 2>/dev/null; ls /m >/dev/null"
    for mount in (bind("/m", selector), bind("/m", selector, readonly=False), cache("/m", "x" + selector, selector=selector)):
        outcome = bench.build(graph.run(command, mounts=[(mount, made)]))
        assert OF_THE_HOST not in outcome.log + outcome.error
        assert outcome.log in {"", "inside\n"}
    assert untouched(host)


@pytest.mark.parametrize("dest", ["/../../x", "../../x", "/link/x", "/./x/../y", "//x//"])
def test_mount_points_that_lead_out(bench: Bench, host: Path, dest: str) -> None:
    graph = bench.graph()
    made = graph.step(f"ln -s {host} /link")
    outcome = bench.build(graph.run("true", base=made, mounts=[(tmpfs(dest), None)]))
    assert outcome.error == ""
    assert untouched(host)


@pytest.mark.parametrize("dest", ["", ".", "/proc", "/proc/sys", "/dev", "/sys/fs", "/a\0b", "/" + "x" * 300])
def test_mount_points_that_are_refused(bench: Bench, dest: str) -> None:
    outcome = bench.build(bench.graph().run("true", mounts=[(tmpfs(dest), None)]))
    assert outcome.error.startswith('process "/bin/sh -c true" did not complete successfully: ')
    assert "\n" not in outcome.error


@pytest.mark.parametrize("number", [3, 8, 31, 64])
def test_cve_2024_21626_a_working_directory_that_is_a_descriptor(bench: Bench, number: int) -> None:
    for cwd in (f"/proc/self/fd/{number}", f"/door/{number}"):
        graph = bench.graph()
        made = graph.step("ln -s /proc/self/fd /door")
        outcome = bench.build(graph.run("cat ../../etc/hostname ../../../../etc/hostname", base=made, meta={"cwd": cwd}))
        assert "it is inside /proc" in outcome.error
        assert outcome.log == ""


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_cve_2019_16884_system_directories_that_are_none(bench: Bench, host: Path, name: str, kind: str) -> None:
    made = f"ln -s {host} /m/{name}" if kind == "link" else f"echo > /m/{name}"
    graph = bench.graph()
    command = f"cp -a /bin /etc /m; {made}"
    step = graph.step(command, mounts=[(bind("/m", output=1, readonly=False), None)])
    outcome = bench.build(graph.run("true", base=Input(step.digest, 1)))
    assert f"/{name} in the image is not a directory" in outcome.error
    assert untouched(host)


@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "device"])
def test_cve_2024_9676_user_files_that_are_none(bench: Bench, host: Path, name: str, kind: str) -> None:
    (host / "secret.txt").write_text("root:x:0:0::/root:/bin/sh\nevil:x:0:0::/:/bin/sh\n")
    path = f"/etc/{name}"
    made = {
        "link": f"ln -s {host}/secret.txt {path}",
        "fifo": f"mknod {path} p",
        "directory": f"mkdir {path}",
        "device": f"mknod {path} c 1 5 2>/dev/null || mknod {path} p",
    }[kind]
    graph = bench.graph()
    base = graph.step(f"rm -f {path}; {made}")
    outcome = bench.build(graph.run("id -u", base=base, meta={"user": "evil"}))
    assert outcome.error
    assert outcome.log == ""
    assert "Traceback" not in outcome.error


def test_cve_2018_15664_files_of_ours_through_links_in_the_image(bench: Bench, host: Path) -> None:
    graph = bench.graph()
    links = "; ".join(f"ln -s {host}/secret.txt /etc/{name}" for name in ("hosts", "resolv.conf"))
    base = graph.step(f"rm -f /etc/hosts /etc/resolv.conf; {links}; mkdir -p /run; ln -s {host} /run/secrets")
    token = bench.home.parent / "token"
    token.write_text("x")
    bench.give(token)
    outcome = bench.build(
        graph.run("cat /run/secrets/secret.txt", base=base, mounts=[(secret("/run/secrets/token", "token"), None)]),
        secrets={"token": Secret(token)},
    )
    assert OF_THE_HOST not in outcome.log
    assert untouched(host)


def test_cve_2021_3602_2022_27651_what_a_step_has_of_us(bench: Bench) -> None:
    command = (
        "env; cat /proc/1/environ | tr '\\0' '\\n'; grep -E '^(CapInh|CapAmb|CapPrm|Seccomp):' /proc/self/status;"
        " ls -l /proc/self/fd | wc -l; ls /proc/1/fd | tr '\\n' ' '"
    )
    lines = bench.build(bench.graph().run(command)).log.splitlines()
    assert not [line for line in lines if "host-only" in line or "DFC_" in line]
    status = dict(line.split(":\t") for line in lines if line.startswith(("Cap", "Seccomp")))
    assert (int(status["CapInh"], 16), int(status["CapAmb"], 16), status["Seccomp"]) == (0, 0, "2")
    assert int(status["CapPrm"], 16) == 0xA80425FB  # Docker's default set
    assert lines[-1].split()[:3] == ["0", "1", "2"]


def test_a_step_cannot_reach_the_store_or_another_step(bench: Bench) -> None:
    outcome = bench.build(
        bench.graph().run(f"ls {bench.store} {bench.home}; ls /proc | grep -c '^[0-9]'; mount -o remount,rw /; umount /proc")
    )
    assert outcome.error
    assert outcome.log.count("No such file or directory") == 2


@pytest.mark.parametrize("body", [{"network": NetMode.HOST}, {"security": SecurityMode.INSECURE}])
def test_cve_2024_23653_no_way_around_the_grant(bench: Bench, body: dict[str, Any]) -> None:
    """Neither in a graph inside a graph, nor for a step whose result another, granted build has left in the cache."""
    graph = bench.graph()
    definition = graph.run("echo ran", name="step", **body)
    assert bench.build(definition, allow={"network.host", "security.insecure"}).error == ""
    again = bench.build(definition)
    assert again.error.endswith("is not allowed")
    assert again.trees == []
    inner = bench.build(*graph.at(graph.build(graph.run("echo other", **body))))
    assert inner.error.endswith("is not allowed")
    assert inner.log == ""


def test_device_nodes_of_a_step_are_dead(bench: Bench) -> None:
    """A node that a step can make opens nothing, in the same step and from a mount in the next."""
    graph = bench.graph()
    made = graph.step("mknod /disk b 8 0 || true; mknod /mem c 1 1 || true; cat /disk /mem && echo open || echo shut")
    seen = graph.step("cat /m/disk /m/mem && echo open || echo shut", mounts=[(bind("/m", readonly=False), made)])
    outcome = bench.build(*graph.at(seen))
    assert outcome.log.count("shut") == 2
    assert "open\n" not in outcome.log.replace("can't open", "")


def test_links_between_steps_stay_inside(bench: Bench, host: Path) -> None:
    """A tree that another op reads: links of a step lead nowhere outside."""
    graph = bench.graph()
    made = graph.step(f"ln -s {host} /out; ln -s {host}/secret.txt /file")
    copied = graph.step("cat /m/out/secret.txt /m/file", mounts=[(bind("/m"), made)])
    outcome = bench.build(*graph.at(copied))
    assert OF_THE_HOST not in outcome.log
    assert untouched(host)


def test_an_output_that_nobody_has(bench: Bench) -> None:
    graph = bench.graph()
    step = graph.step("true")
    for index in (1, 7, NOTHING):
        outcome = bench.build(*graph.at(Input(step.digest, index)))
        assert "has no output" in outcome.error or "index" in outcome.error
    odd = graph.step("true", root=Mount(0, dest="/", output=5))
    assert bench.build(*graph.at(odd)).error == ""
    assert os.path.isdir(bench.store)


def test_a_fork_bomb(bench: Bench) -> None:
    """A bounded one: without the limit it reaches its end. Everything of it ends with the step."""
    bomb = "i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; echo all"
    outcome = bench.build(bench.graph().run(bomb, meta={"ulimit": (Ulimit("nproc", 100, 100),)}, name="bomb"))
    assert "exit code: 2" in outcome.error
    assert outcome.hint == "the step reached its limit of 100 processes and threads; --ulimit nproc=N sets another"
    assert b"all" not in outcome.logs["bomb"]
    assert bench.build(bench.graph().run("echo fine")).error == ""
