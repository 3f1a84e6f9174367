from __future__ import annotations

import pytest

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.options import frontend_options


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, {}),
        ({"target": None, "no_cache": False, "label": ()}, {}),
        ({"target": "build"}, {"target": "build"}),
        ({"build_arg": ("A=1=2", "B=")}, {"build-arg:A": "1=2", "build-arg:B": ""}),
        ({"build_arg": ("SET", "UNSET")}, {"build-arg:SET": "here"}),
        ({"label": ("a=b=c", "d")}, {"label:a": "b=c", "label:d": ""}),
        ({"platform": ("linux/arm64", "linux/amd64,linux/386")}, {"platform": "linux/arm64,linux/amd64,linux/386"}),
        ({"add_host": ("a:1.2.3.4", "b=::1", "c:[::2]")}, {"add-hosts": "a=1.2.3.4,b=::1,c=::2"}),
        ({"network": "default"}, {}),
        ({"network": "none"}, {"force-network-mode": "none"}),
        ({"shm_size": "64m"}, {"shm-size": "67108864"}),
        ({"ulimit": ("nofile=1024", "core=0:-1")}, {"ulimit": "nofile=1024:1024,core=0:-1"}),
        ({"cgroup_parent": "/x"}, {"cgroup-parent": "/x"}),
        ({"no_cache_filter": ("a", "b,c")}, {"no-cache": "a,b,c"}),
        ({"no_cache": True, "no_cache_filter": ("a",)}, {"no-cache": ""}),
        ({"pull": True}, {"image-resolve-mode": "pull"}),
        ({"opt": ("hostname=h", "a=b=c")}, {"hostname": "h", "a": "b=c"}),
        ({"target": "a", "opt": ("target=b",)}, {"target": "b"}),
    ],
)
def test_flags_become_frontend_options(given: dict[str, object], options: dict[str, str]) -> None:
    assert frontend_options(given, {"SET": "here"}) == options


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"build_arg": ("=1",)}, "--build-arg takes KEY or KEY=VALUE, not =1"),
        ({"add_host": ("db",)}, "--add-host takes KEY:VALUE, not db"),
        ({"network": "bridge"}, "--network is default, none or host, not bridge"),
        ({"shm_size": "much"}, "--shm-size: invalid size"),
        ({"ulimit": ("nofile",)}, "--ulimit takes KEY=VALUE, not nofile"),
        ({"opt": ("=x",)}, "--opt takes KEY=VALUE, not =x"),
    ],
)
def test_a_malformed_flag_is_wrong_use(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(Fault, match=complaint) as caught:
        frontend_options(given, {})
    assert caught.value.code == 2
