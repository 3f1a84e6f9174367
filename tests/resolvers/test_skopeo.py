"""What skopeo writes, we read: a registry, OCI layouts and archives, docker archives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.registry.client import Client
from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.resolvers.layouts import Layouts
from dockerfile_frontend.resolvers.registry import RegistryResolver
from dockerfile_frontend.semantics.resolver import Resolver
from tests.components import require
from tests.registry.servers import debian_registry
from tests.resolvers.samples import AMD64, ARM64, config, index
from tests.resolvers.test_layouts import layout

pytestmark = pytest.mark.e2e


def copy(source: str, target: str, *flags: str) -> None:
    command = [str(require("skopeo")), "copy", "--insecure-policy", "--dest-tls-verify=false", "--src-tls-verify=false"]
    subprocess.run([*command, *flags, source, target], check=True, capture_output=True)


def configs(resolver: Resolver, ref: str) -> list[bytes]:
    return [resolver.resolve_image(ref, platform, "default").config for platform in (AMD64, ARM64)]


def test_a_registry_that_skopeo_filled(tmp_path: Path) -> None:
    layout(tmp_path / "layout")
    with debian_registry(tmp_path) as host, Client() as client:
        copy(f"oci:{tmp_path}/layout:docker.io/library/app:1", f"docker://{host}/app:1", "--all")
        resolver = RegistryResolver(lambda: client)
        assert configs(resolver, f"{host}/app:1") == [config("amd64"), config("arm64")]
        assert resolver.resolve_image(f"{host}/app:1", AMD64, "default").digest == digest_of(index("amd64", "arm64"))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("oci:{}/out:docker.io/library/app:1", "docker.io/library/app:1"),
        ("oci-archive:{}/out:app:1", "docker.io/library/app:1"),
        ("docker-archive:{}/out:app:1", "docker.io/library/app:1"),
        ("docker-archive:{}/out:reg.corp:5000/team/app:1", "reg.corp:5000/team/app:1"),
    ],
)
def test_files_that_skopeo_wrote(tmp_path: Path, target: str, name: str) -> None:
    copy(f"oci:{layout(tmp_path / 'layout')}:docker.io/library/app:1", target.format(tmp_path), "--override-arch=arm64")
    found = Layouts(images=[tmp_path / "out"]).resolve_image(name, ARM64, "default")
    assert b'"arm64"' in found.config
