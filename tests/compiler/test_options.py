from __future__ import annotations

import pytest

from dockerfile_frontend.compiler.options import CompileOptions, parse_options
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.platforms import Platform
from ir_schema.ops import HostIP, LinuxResources, NetMode, Ulimit


def test_nothing_is_the_default() -> None:
    assert parse_options({}) == CompileOptions()


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"target": "app"}, "target", "app"),
        (
            {"platform": "linux/aarch64,windows(10.0.17763)/amd64"},
            "platforms",
            (Platform("linux", "arm64"), Platform("windows", "amd64", "", "10.0.17763")),
        ),
        ({"build-arg:A": "1", "build-arg:B": ""}, "build_args", {"A": "1", "B": ""}),
        ({"label:a.b": "c"}, "labels", {"a.b": "c"}),
        ({"context:alpine": "local:x"}, "contexts", {"alpine": "local:x"}),
        ({"no-cache": ""}, "no_cache", ()),
        ({"no-cache": "a,b"}, "no_cache", ("a", "b")),
        ({"force-network-mode": "none"}, "network", NetMode.NONE),
        ({"force-network-mode": "sandbox"}, "network", NetMode.UNSET),
        ({"add-hosts": 'DB=10.0.0.1,"v6=::1"'}, "extra_hosts", (HostIP("db", "10.0.0.1"), HostIP("v6", "::1"))),
        ({"add-hosts": "m=::ffff:1.2.3.4"}, "extra_hosts", (HostIP("m", "1.2.3.4"),)),
        ({"shm-size": "64"}, "shm_size", 64),
        ({"ulimit": "nofile=1:2,core=-1"}, "ulimits", (Ulimit("nofile", 1, 2), Ulimit("core", -1, -1))),
        ({"hostname": "h"}, "hostname", "h"),
        ({"hostname": "h", "build-arg:BUILDKIT_SANDBOX_HOSTNAME": "s"}, "hostname", "s"),
        ({"cgroup-parent": "/x"}, "cgroup_parent", "/x"),
        ({"build-arg:BUILDKIT_CACHE_MOUNT_NS": "ns"}, "cache_namespace", "ns"),
        ({"image-resolve-mode": "pull"}, "resolve_mode", "pull"),
        ({"multi-platform": "0", "build-arg:BUILDKIT_MULTI_PLATFORM": "t"}, "multi_platform", True),
        (
            {"memory": "5", "memswap": "-1", "cpusetcpus": "0-3, 7"},
            "resources",
            LinuxResources(memory=5, memory_swap=-1, cpuset_cpus="0-3, 7"),
        ),
        ({"filename": "a/b.Dockerfile"}, "filename", "a/b.Dockerfile"),
        ({"source": "ignored", "cmdline": "ignored", "cache-from": "ignored"}, "contexts", {}),
    ],
)  # fmt: skip
def test_options(options: dict[str, str], field: str, value: object) -> None:
    assert getattr(parse_options(options), field) == value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"platform": "linux/*"}, 'failed to parse target platform linux/*: "linux/*": wildcards not yet supported: invalid argument'),
        ({"image-resolve-mode": "x"}, "invalid image-resolve-mode: x"),
        ({"force-network-mode": "bridge"}, "invalid netmode bridge"),
        ({"add-hosts": "a"}, "failed to parse additional hosts: invalid key-value pair a"),
        ({"add-hosts": "a=fe80::1%eth0"}, "failed to parse additional hosts: failed to parse IP fe80::1%eth0"),
        ({"shm-size": "1m"}, 'failed to parse shm size: strconv.ParseInt: parsing "1m": invalid syntax'),
        ({"ulimit": "x=1"}, "failed to parse ulimit: invalid ulimit type: x"),
        (
            {"ulimit": "core=-1:5"},
            "failed to parse ulimit: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 5",
        ),
        ({"multi-platform": "maybe"}, "invalid boolean value for multi-platform: maybe"),
        (
            {"platform": "linux/amd64,linux/arm64", "multi-platform": "0"},
            "conflicting config: returning multiple target platforms is not allowed",
        ),
        ({"cpushares": "0"}, "failed to parse resource limits: invalid cpushares value: 0: must be > 0"),
        ({"cpusetmems": "9-1"}, 'failed to parse resource limits: invalid cpusetmems value: 9-1: invalid cpuset range "9-1"'),
        ({"override-copy-image": "x"}, 'support for "override-copy-image" was removed in BuildKit 0.11'),
        ({"build-arg:BUILDKIT_DOCKERFILE_CHECK": "x"}, 'failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: invalid check option "x"'),
    ],
)  # fmt: skip
def test_refusals(options: dict[str, str], message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_options(options)
    assert str(caught.value) == message


def test_a_solver_without_file_ops_is_refused() -> None:
    with pytest.raises(DockerfileError, match=r"needs BuildKit 0\.5 or later"):
        parse_options({}, unsupported=frozenset({"file.base"}))
