"""A step of a graph: its process, what it may see, and its result."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest

from ir_schema.ops import (
    ExecOp,
    HostIP,
    Input,
    LinuxResources,
    Meta,
    Mount,
    NetMode,
    ProxyEnv,
    SecurityMode,
    Ulimit,
)
from tests.executor.exec.bench import NOTHING, PATH, Bench, bind, cache


def test_what_a_process_writes_is_the_result(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("echo hello; echo bad >&2; echo made > /out; rm /tmp/keep"))
    assert outcome.error == ""
    assert sorted(outcome.log.splitlines()) == ["bad", "hello"]
    assert outcome.files["out"].text == b"made\n"
    assert "tmp/keep" not in outcome.files
    assert {path for path in outcome.files if "/" not in path} == {"dev", "etc", "out", "proc", "sys", "tmp"}
    assert {stat.filemode(outcome.files[path].mode) for path in ("dev", "proc", "sys")} == {"drwxr-xr-x"}


def test_a_chain_on_runc(runc_bench: Bench) -> None:
    graph = runc_bench.graph()
    first = graph.step("echo one > /one; ln /one /link; mkdir /d; echo > /d/gone")
    second = graph.step("echo two >> /one; rm -r /d; ln -s /one /sym; chmod 4711 /link", base=first)
    outcome = runc_bench.build(*graph.at(second))
    assert outcome.error == ""
    files = outcome.files
    assert (files["one"].text, files["link"].text, files["sym"].text) == (
        b"one\ntwo\n",
        b"one\n",  # a hard link into a lower layer ends when one of its names is written to, as in the reference
        b"/one",
    )
    assert files["link"].permissions == 0o4711
    assert "d" not in files


def test_a_second_build_runs_nothing(bench: Bench) -> None:
    graph = bench.graph()
    definition = graph.run("echo said; cat /proc/sys/kernel/random/uuid > /random", name="step")
    first = bench.build(definition)
    second = bench.build(definition)
    assert second.ended["step"] == "cached"
    assert second.log == ""
    assert second.files["random"] == first.files["random"]


def test_a_failing_process_says_what_the_reference_says(bench: Bench) -> None:
    graph = bench.graph()
    outcome = bench.build(graph.run('echo "before"; exit 2'))
    assert (
        outcome.error == 'process "/bin/sh -c echo \\"before\\"; exit 2" did not complete successfully: exit code: 2'
    )
    assert outcome.cause == "ProcessError"
    assert outcome.log == "before\n"


def test_a_program_that_is_not_there(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("/missing", "argument"))
    assert outcome.error.startswith('process "/missing argument" did not complete successfully: crun: ')
    assert "No such file or directory" in outcome.error


@pytest.mark.parametrize(("codes", "code", "fine"), [((0, 3), 3, True), ((3,), 0, False), ((), 0, True)])
def test_valid_exit_codes(bench: Bench, codes: tuple[int, ...], code: int, fine: bool) -> None:  # noqa: FBT001
    outcome = bench.build(bench.graph().run(f"exit {code}", meta={"valid_exit_codes": codes}))
    assert (outcome.error == "") == fine


def test_environment_directory_and_names(bench: Bench) -> None:
    meta: dict[str, Any] = {
        "env": (*PATH, "A=1", "A=2"),
        "cwd": "/new/place",
        "hostname": "builder",
        "extra_hosts": (HostIP("db", "10.0.0.2"),),
        "proxy_env": ProxyEnv(http_proxy="http://proxy:3128"),
    }
    outcome = bench.build(bench.graph().run("pwd; hostname; cat /etc/hosts; env", meta=meta))
    lines = outcome.log.splitlines()
    assert lines[:2] == ["/new/place", "builder"]
    assert "10.0.0.2\tdb" in lines
    assert {"A=2", "HTTP_PROXY=http://proxy:3128", "http_proxy=http://proxy:3128", "HOME=/root"} <= set(lines)
    assert not [line for line in lines if "host-only" in line]
    assert outcome.files["new/place"].permissions == 0o755
    assert "etc/hosts" not in outcome.files


def test_users_are_those_of_the_root(bench: Bench) -> None:
    bench.write("etc/group", "audio:x:29:app\nvideo:x:44:other\n")
    outcome = bench.build(bench.graph().run("id", meta={"user": "app"}))
    if bench.rootless:
        assert "user 1000 does not exist in this rootless build" in outcome.error
        return
    assert outcome.log == "uid=1000(app) gid=1000 groups=29(audio),1000\n"
    outcome = bench.build(bench.graph().run("id", meta={"user": "app:video"}))
    assert outcome.log == "uid=1000(app) gid=44(video) groups=44(video)\n"


def test_a_user_that_is_not_there(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("id", meta={"user": "nobody-here"}))
    assert outcome.error.endswith("unable to find user nobody-here: no matching entries in passwd file")


def test_limits(bench: Bench) -> None:
    meta = {"ulimit": (Ulimit("nofile", 100, 200),)}
    outcome = bench.build(bench.graph().run("ulimit -n; ulimit -Hn", meta=meta))
    assert outcome.log == "100\n200\n"


def test_a_memory_limit(bench: Bench) -> None:
    resources = LinuxResources(memory=16 << 20, memory_swap=16 << 20)
    definition = bench.graph().run(
        "head -c 26000000 /dev/zero | tail -c 25000000 | wc -c", fields={"linux_resources": resources}
    )
    outcome = bench.build(definition)
    if "not enforced" in outcome.log:
        assert bench.rootless
        return
    assert outcome.error.endswith("did not complete successfully: cannot allocate memory") or outcome.error == ""
    assert "25000000" not in outcome.log


@pytest.mark.parametrize(
    ("mode", "allow", "count"), [(NetMode.UNSET, "", None), (NetMode.NONE, "", 1), (NetMode.HOST, "network.host", None)]
)
def test_networks(bench: Bench, mode: NetMode, allow: str, count: int | None) -> None:
    outcome = bench.build(bench.graph().run("ls /sys/class/net | wc -l", network=mode), allow={allow})
    there = len(os.listdir("/sys/class/net"))
    assert int(outcome.log) == (count or there)


@pytest.mark.parametrize(
    ("body", "entitlement"),
    [
        ({"network": NetMode.HOST}, "network.host"),
        ({"security": SecurityMode.INSECURE}, "security.insecure"),
    ],
)
def test_cve_2024_23653_privileges_must_be_granted(bench: Bench, body: dict[str, Any], entitlement: str) -> None:
    other = {"network.host", "security.insecure"} - {entitlement}
    outcome = bench.build(bench.graph().run("echo ran", **body), allow=other)
    assert outcome.error == f"{entitlement} is not allowed"
    assert outcome.hint == f"--allow {entitlement} allows it for this build"
    assert outcome.log == ""


def test_a_granted_privilege(bench: Bench) -> None:
    command = "grep CapEff /proc/self/status; mount -t tmpfs none /tmp && echo mounted"
    confined = bench.build(bench.graph().run(command))
    free = bench.build(bench.graph().run(command, security=SecurityMode.INSECURE), allow={"security.insecure"})
    assert "mounted" not in confined.log
    assert free.log.endswith("mounted\n")


def test_a_read_only_root(bench: Bench) -> None:
    outcome = bench.build(bench.graph().run("touch /x || echo refused", root=Mount(dest="/", readonly=True)))
    assert "refused\n" in outcome.log
    assert "x" not in outcome.files


def test_a_root_of_nothing(bench: Bench) -> None:
    graph = bench.graph()
    mounts = (Mount(NOTHING, dest="/", output=0), Mount(0, dest="/bin", selector="bin", output=NOTHING, readonly=True))
    body = ExecOp(Meta(("/bin/sh", "-c", "echo made > /out"), PATH, cwd="/"), mounts)
    outcome = bench.build(*graph.at(graph.add(body, graph.root)))
    assert outcome.files["out"].text == b"made\n"


def test_several_outputs_in_the_order_of_their_mounts(bench: Bench) -> None:
    graph = bench.graph()
    extra = graph.copy("base", "/")
    step = graph.step(
        "echo root > /root-file; echo extra > /m/extra-file; echo empty > /e/file",
        mounts=((bind("/m", output=1, readonly=False), extra), (bind("/e", output=2, readonly=False), None)),
    )
    outcome = bench.build(*graph.at(step, Input(step.digest, 1), Input(step.digest, 2)))
    root, extra_files, empty = outcome.trees
    assert "root-file" in root
    assert "m" not in root
    assert extra_files["extra-file"].text == b"extra\n"
    assert set(empty) == {"file"}


def test_steps_run_at_once(bench: Bench) -> None:
    """Each waits for a file that the other writes: one after the other, neither would end."""
    graph = bench.graph()
    shared = ((cache("/meet"), None),)
    wait = "echo > /meet/{0}; for i in $(seq 600); do [ -e /meet/{1} ] && exit 0; sleep 0.1; done; exit 1"
    steps = [graph.step(wait.format(*pair), mounts=shared) for pair in ("ab", "ba")]
    assert bench.build(*graph.at(*steps), jobs=2).error == ""
