"""The runtime's config, where a container cannot show it."""

from __future__ import annotations

from typing import Any

from dockerfile_frontend.executor.runtime.config import Placed, Setup, config
from dockerfile_frontend.executor.runtime.container import Bind, ContainerSpec, Process, Tmpfs, build_env
from dockerfile_frontend.executor.runtime.host import Host, Range
from dockerfile_frontend.executor.runtime.users import Account
from ir_schema.ops import Meta, ProxyEnv, SecurityMode

ROOT = Host(
    "x86_64",
    "6",
    user_namespace=False,
    cgroups=2,
    capabilities=("CAP_SYS_ADMIN",),
    uids=(Range(0, 1 << 32),),
    gids=(Range(0, 1 << 32),),
)
USER = Host(
    "x86_64",
    "6",
    user_namespace=True,
    cgroups=2,
    capabilities=("CAP_SYS_ADMIN",),
    uids=(Range(0, 1),),
    gids=(Range(0, 1),),
)


def made(
    host: Host = ROOT, *, cgroups: bool = True, mounts: tuple[Placed, ...] = (), network: str | None = None, **spec: Any
) -> dict[str, Any]:
    setup = Setup(
        "dfc-1",
        "/r",
        Account(0, 0, (0, 7)),
        (),
        "/",
        mounts,
        host,
        "runc",
        cgroups,
        {"defaultAction": "x"},
        network=network,
    )
    return config(ContainerSpec("/r", Process(("x",)), **spec), setup)


def mount_at(found: dict[str, Any], dest: str) -> dict[str, Any]:
    return next(m for m in found["mounts"] if m["destination"] == dest)


def namespaces(found: dict[str, Any]) -> dict[str, str | None]:
    return {n["type"]: n.get("path") for n in found["linux"]["namespaces"]}


def test_networks() -> None:
    assert "network" not in namespaces(made())
    assert namespaces(made(network=""))["network"] is None
    assert namespaces(made(network="/net"))["network"] == "/net"


def test_sys_is_the_hosts_where_the_kernel_gives_no_new_one() -> None:
    assert mount_at(made(), "/sys")["type"] == "sysfs"
    assert mount_at(made(USER, cgroups=False), "/sys")["options"][-2:] == ["rbind", "rro"]
    assert mount_at(made(USER, cgroups=False, network=""), "/sys")["type"] == "sysfs"


def test_without_a_device_cgroup_everything_is_nodev() -> None:
    mounts = (Placed(Tmpfs("/t"), "/t"), Placed(Bind("/proc", "/b"), "/b"))
    found = made(cgroups=False, mounts=mounts)
    devices = {f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero")}
    assert {m["destination"] for m in found["mounts"] if "nodev" not in m["options"]} == devices | {"/dev/pts"}
    assert "resources" not in found["linux"]


def test_the_terminal_group_is_set_where_it_exists() -> None:
    assert "gid=5" in mount_at(made(), "/dev/pts")["options"]
    assert "gid=5" not in mount_at(made(USER, cgroups=False), "/dev/pts")["options"]


def test_groups_that_do_not_exist_are_left_out() -> None:
    assert made()["process"]["user"]["additionalGids"] == [0, 7]
    assert made(USER, cgroups=False)["process"]["user"]["additionalGids"] == [0]


def test_insecure() -> None:
    found = made(security=SecurityMode.INSECURE)
    assert set(found["process"]["capabilities"].values().__iter__().__next__()) == {"CAP_SYS_ADMIN"}
    assert found["linux"]["maskedPaths"] == found["linux"]["readonlyPaths"] == []
    assert "seccomp" not in found["linux"]
    assert {d["path"] for d in found["linux"]["devices"]} >= {"/dev/fuse", "/dev/kvm", "/dev/loop0"}
    assert "devices" not in made(USER, cgroups=False, security=SecurityMode.INSECURE)["linux"]


def test_a_mount_in_place_of_a_usual_one_keeps_its_turn() -> None:
    found = made(
        mounts=(Placed(Tmpfs("/dev/shm", size=1), "/dev/shm"), Placed(Tmpfs("/b"), "/b"), Placed(Tmpfs("/a"), "/a"))
    )
    order = [m["destination"] for m in found["mounts"]]
    assert order.index("/dev/shm") < order.index("/dev/mqueue")
    assert order[-2:] == ["/a", "/b"]
    assert "size=1" in mount_at(found, "/dev/shm")["options"]


def test_cgroup_paths_of_version_2() -> None:
    assert made()["linux"]["cgroupsPath"].endswith("/dfc-1")
    assert made(cgroup_parent="a/b/")["linux"]["cgroupsPath"] == "/a/b/dfc-1"


def test_the_environment_of_an_exec_op() -> None:
    proxy = ProxyEnv(http_proxy="http://p:1", no_proxy="local")
    assert build_env(Meta(env=("A=1",), proxy_env=proxy)) == (
        "A=1",
        "HTTP_PROXY=http://p:1",
        "http_proxy=http://p:1",
        "NO_PROXY=local",
        "no_proxy=local",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
    assert build_env(Meta(env=("PATH=/x",))) == ("PATH=/x",)
