"""The frontend's image: what is in it, that it is the same however often it is built, and that BuildKit runs it."""

from __future__ import annotations

import json
import re
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.gateway.forward import check_caps
from tests.packaging.image import REQUIREMENTS, build_image, requirements
from tests.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("frontend-image")]

EPOCH = "SOURCE_DATE_EPOCH=1700000000"
MACHINES = {"amd64": 62, "arm64": 183}
"""What ELF calls them."""
MOST = 60 << 20
"""Bytes, compressed."""


class Layout:
    """An OCI layout in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = json.loads((folder / "index.json").read_bytes())

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def json(self, digest: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.blob(digest).read_bytes())
        return found

    def manifests(self) -> dict[str, dict[str, Any]]:
        """By architecture."""
        (entry,) = self.index["manifests"]
        entries = self.json(entry["digest"])["manifests"]
        return {each["platform"]["architecture"]: self.json(each["digest"]) for each in entries}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The image for both processors."""
    folder = tmp_path_factory.mktemp("image")
    output = f"type=oci,tar=false,dest={folder / 'layout'},rewrite-timestamp=true"
    platforms = ("--platform", "linux/amd64,linux/arm64")
    build_image("-o", output, *platforms, "--build-arg", EPOCH, "--provenance=false", root=folder / "store")
    return Layout(folder / "layout")


@pytest.fixture(params=MACHINES)
def architecture(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_config_says_what_buildkit_wants_to_know(layout: Layout, architecture: str) -> None:
    config = layout.json(layout.manifests()[architecture]["config"]["digest"])
    assert config["architecture"] == architecture
    assert config["config"]["User"] == "65534:65534"
    assert config["config"]["Labels"]["moby.buildkit.frontend.network.none"] == "true"
    caps = config["config"]["Labels"]["moby.buildkit.frontend.caps"].split(",")
    assert "moby.buildkit.frontend.contexts" in caps


def test_every_capability_of_the_label_is_one_of_the_frontend(layout: Layout) -> None:
    config = layout.json(layout.manifests()["amd64"]["config"]["digest"])
    assert check_caps(config["config"]["Labels"]["moby.buildkit.frontend.caps"]) is None


def test_it_is_small_and_holds_no_shell_and_no_package_manager(layout: Layout, architecture: str) -> None:
    layers = layout.manifests()[architecture]["layers"]
    assert sum(layer["size"] for layer in layers) < MOST
    names = [entry.name for layer in layers for entry in entries(layout, layer)]
    programs = {name for name in names if re.search(r"(^|/)s?bin/[^/]+$", name)}
    assert {name.rpartition("/")[2] for name in programs} <= {
        "python3",
        "python3.11",
        "python3.12",
        "python3.13",
        "python3.14",
    }
    assert not [name for name in names if re.search(r"/(pip|ensurepip|setuptools|distutils)(/|$)", name)]


def test_it_can_be_written_by_root_alone(layout: Layout, architecture: str) -> None:
    for layer in layout.manifests()[architecture]["layers"]:
        for entry in entries(layout, layer):
            assert (entry.uid, entry.gid) == (0, 0), entry.name
            assert entry.issym() or not entry.mode & 0o7022, entry.name


def test_modules_are_bytecode_that_nobody_compares_with_a_source(layout: Layout, architecture: str) -> None:
    found = 0
    for layer in layout.manifests()[architecture]["layers"]:
        with tarfile.open(layout.blob(layer["digest"])) as tar:
            for entry in tar:
                assert not entry.name.endswith(".py"), entry.name
                if entry.name.endswith(".pyc"):
                    head = tar.extractfile(entry)
                    assert head is not None
                    assert struct.unpack("<I", head.read(8)[4:]) == (0b01,), entry.name
                    found += 1
    assert found > 300


def test_programs_and_libraries_are_of_the_processor(layout: Layout, architecture: str) -> None:
    machines = set()
    for layer in layout.manifests()[architecture]["layers"]:
        with tarfile.open(layout.blob(layer["digest"])) as tar:
            for entry in tar:
                file = tar.extractfile(entry) if entry.isreg() else None
                head = file.read(20) if file is not None else b""
                if head.startswith(b"\x7fELF"):
                    machines.add(struct.unpack_from("<H", head, 18)[0])
    assert machines == {MACHINES[architecture]}


def test_built_again_it_is_the_same(layout: Layout, tmp_path: Path) -> None:
    output = f"type=oci,tar=false,dest={tmp_path / 'again'},rewrite-timestamp=true"
    build_image("-o", output, "--build-arg", EPOCH, "--provenance=false", root=tmp_path / "store")
    (entry,) = Layout(tmp_path / "again").index["manifests"]
    assert layout.blob(entry["digest"]).exists()


def test_its_packages_are_those_of_the_lock() -> None:
    ours = requirements(REQUIREMENTS.read_text())
    locked = requirements((ROOT / "requirements-dev.lock").read_text())
    assert ours == {name: locked[name] for name in ours}


def entries(layout: Layout, layer: dict[str, Any]) -> list[tarfile.TarInfo]:
    with tarfile.open(layout.blob(layer["digest"])) as tar:
        return tar.getmembers()
