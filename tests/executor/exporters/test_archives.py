"""Archives and folders: what is in them, and what happens to what is there already."""

from __future__ import annotations

from pathlib import Path

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, image_id, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.store import Store

from .conftest import AMD64, ARM64, Export, add_layer, image_config, some_files
from .reading import ReadImage

OCI = "application/vnd.oci.image."


def test_an_oci_archive(give: Export, tmp_path: Path) -> None:
    metadata = give(f"type=oci,dest={tmp_path}/app.tar", names=("app",))
    found = ReadImage(tmp_path / "app.tar")
    (entry,) = found.index["manifests"]
    assert entry["mediaType"] == f"{OCI}manifest.v1+json"
    assert entry["platform"] == {"architecture": "amd64", "os": "linux"}
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/library/app:latest"
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == "latest"
    assert [layer["mediaType"] for layer in found.root["layers"]] == [f"{OCI}layer.v1.tar+gzip"]
    assert found.names() == [["bin", "bin/link", "bin/tool", "bin/twin", "ünï"]]
    assert found.config["config"]["Cmd"] == ["/bin/tool"]
    assert [entry.get("empty_layer", False) for entry in found.config["history"]] == [False, True]
    assert found.config["created"] == found.config["history"][1]["created"]
    assert sorted(found.files)[-2:] == ["index.json", "oci-layout"]
    assert metadata["containerimage.digest"] == entry["digest"]
    assert metadata["containerimage.config.digest"] == found.root["config"]["digest"] == image_id(metadata)
    assert metadata["image.name"] == "docker.io/library/app:latest"


def test_several_platforms_are_an_index(store: Store, machine: Machine, tmp_path: Path) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    metadata = export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], images, machine, BuildFacts())
    found = ReadImage(tmp_path / "app.tar")
    assert found.index["manifests"][0]["mediaType"] == f"{OCI}index.v1+json"
    assert [entry["platform"]["architecture"] for entry in found.root["manifests"]] == ["amd64", "arm64"]
    assert "containerimage.config.digest" not in metadata
    assert image_id(metadata) == found.index["manifests"][0]["digest"]
