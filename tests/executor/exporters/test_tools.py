"""What other programs make of the archives: skopeo, podman, buildah, umoci."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.store import Store
from tests.components import require

from .conftest import AMD64, ARM64, Export, add_layer, image_config, some_files

pytestmark = pytest.mark.e2e


def run(program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
    found = subprocess.run([require(program), *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def short() -> Iterator[Path]:
    """A path of less than 50 characters, as podman wants it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def layered(store: Store) -> Image:
    """Three layers: files, a deletion, a directory whose content is replaced."""

    def change(root: Path) -> None:
        (root / "bin/link").unlink()
        (root / "etc").mkdir()
        (root / "etc/motd").write_text("hello")

    layers = add_layer(store, add_layer(store, (), some_files), change)
    layers = add_layer(store, layers, lambda root: (root / "etc/motd").write_text("changed"))
    return Image(AMD64, layers, image_config(steps=3))


@pytest.mark.parametrize("kind", ["oci", "docker"])
@pytest.mark.parametrize("attributes", ["", ",compression=zstd", ",compression=uncompressed", ",oci-mediatypes=false"])
def test_skopeo(layered: Image, machine: Machine, tmp_path: Path, kind: str, attributes: str) -> None:
    transport = f"{kind}-archive:{tmp_path}/app.tar" + (":app:1" if kind == "docker" else "")
    export([parse_output(f"type={kind},dest={tmp_path}/app.tar,name=app:1{attributes}")], [layered], machine, BuildFacts())
    seen = json.loads(run("skopeo", "inspect", transport))
    assert len(seen["Layers"]) == 3
    assert seen["Labels"] == {"z": "1", "a": "2"}
    run("skopeo", "copy", "--quiet", "--insecure-policy", transport, f"dir:{tmp_path}/copy")
    assert len(os.listdir(tmp_path / "copy")) == 6  # config, manifest, version, three layers


def test_skopeo_copies_an_index(store: Store, machine: Machine, tmp_path: Path) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar,name=app")], images, machine, BuildFacts())
    source = f"oci-archive:{tmp_path}/app.tar"
    run("skopeo", "copy", "--quiet", "--insecure-policy", "--all", source, f"oci:{tmp_path}/copy:app")
    seen = json.loads(run("skopeo", "inspect", "--override-arch", "arm64", source))
    assert seen["Architecture"] == "arm64"


@pytest.mark.skipif(os.geteuid() != 0, reason="podman without root needs a session of its own")
@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_podman_loads_and_mounts(layered: Image, machine: Machine, tmp_path: Path, short: Path, kind: str) -> None:
    export([parse_output(f"type={kind},dest={tmp_path}/app.tar,name=app:1")], [layered], machine, BuildFacts())
    storage = ("--root", tmp_path / "root", "--runroot", short, "--storage-driver", "vfs")
    assert "app:1" in run("podman", *storage, "load", "-q", "-i", tmp_path / "app.tar")
    (seen,) = json.loads(run("podman", *storage, "image", "inspect", "app:1"))
    assert seen["Config"]["Cmd"] == ["/bin/tool"]
    root = Path(run("podman", *storage, "image", "mount", "app:1").strip())
    assert sorted(os.listdir(root / "bin")) == ["tool", "twin"]
    assert (root / "etc/motd").read_text() == "changed"
    assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o4755
    run("podman", *storage, "image", "unmount", "app:1")


@pytest.mark.skipif(os.geteuid() != 0, reason="unpacks owners")
def test_umoci_unpacks(layered: Image, machine: Machine, tmp_path: Path) -> None:
    export([parse_output(f"type=oci,tar=false,dest={tmp_path}/layout,name=app:1")], [layered], machine, BuildFacts())
    run("umoci", "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "bundle")
    root = tmp_path / "bundle/rootfs"
    assert sorted(os.listdir(root / "bin")) == ["tool", "twin"]
    assert (root / "ünï").read_text() == "name\n"
    process = json.loads((tmp_path / "bundle/config.json").read_text())["process"]
    assert process["args"] == ["/bin/tool"]


@pytest.mark.skipif(os.geteuid() != 0, reason="buildah without root needs a session of its own")
def test_buildah_builds_on_it(give: Export, tmp_path: Path) -> None:
    give(f"type=oci,dest={tmp_path}/app.tar")
    storage = ("--root", tmp_path / "root", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    name = run("buildah", *storage, "from", f"oci-archive:{tmp_path}/app.tar").strip()
    seen = json.loads(run("buildah", *storage, "inspect", name))
    assert seen["OCIv1"]["config"]["Cmd"] == ["/bin/tool"]
