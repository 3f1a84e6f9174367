"""Archives and folders: what is in them, and what happens to what is there already."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.exporters.outputs import (
    BuildFacts,
    Image,
    export,
    image_id,
    needs_files,
    parse_output,
)
from dockerfile_frontend.executor.layers.imports import ImageLayer, Unpacker, import_chain
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from dockerfile_frontend.executor.sources.blobs import remember_origin
from dockerfile_frontend.executor.sources.pin import Origin
from dockerfile_frontend.executor.store import Store
from tests.executor.archives import layer_of, tar_of

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


def first_entry(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = ReadImage(path).index["manifests"][0]
    return entry


@pytest.mark.parametrize(
    ("attributes", "media_type", "start"),
    [
        ("compression=gzip", f"{OCI}layer.v1.tar+gzip", b"\x1f\x8b"),
        ("compression=gzip,compression-level=9", f"{OCI}layer.v1.tar+gzip", b"\x1f\x8b"),
        ("compression=zstd,compression-level=19", f"{OCI}layer.v1.tar+zstd", b"\x28\xb5\x2f\xfd"),
        ("compression=uncompressed", f"{OCI}layer.v1.tar", b"bin/"),
        ("oci-mediatypes=false", "application/vnd.docker.image.rootfs.diff.tar.gzip", b"\x1f\x8b"),
    ],
)
def test_compression(give: Export, tmp_path: Path, attributes: str, media_type: str, start: bytes) -> None:
    give(f"type=oci,dest={tmp_path}/app.tar,{attributes}")
    found = ReadImage(tmp_path / "app.tar")
    (layer,) = found.root["layers"]
    assert layer["mediaType"] == media_type
    assert found.blob(layer).startswith(start)
    assert found.names() == [["bin", "bin/link", "bin/tool", "bin/twin", "ünï"]]


def test_media_types_of_docker(give: Export, tmp_path: Path) -> None:
    give(f"type=docker,dest={tmp_path}/app.tar,oci-mediatypes=false,name=app")
    found = ReadImage(tmp_path / "app.tar")
    assert found.root["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert found.root["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    (entry,) = json.loads(found.files["manifest.json"])
    assert entry["RepoTags"] == ["app:latest"]
    assert entry["Config"] == found.root["config"]["digest"].replace("sha256:", "blobs/sha256/")
    assert [found.files[name] for name in entry["Layers"]] == [found.blob(layer) for layer in found.root["layers"]]


def test_docker_archives_hold_one_platform(store: Store, machine: Machine, tmp_path: Path) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    with pytest.raises(ExecutorError, match="docker exporter does not currently support exporting manifest lists"):
        export([parse_output(f"type=docker,dest={tmp_path}/app.tar")], images, machine, BuildFacts())
    assert not (tmp_path / "app.tar").exists()


def test_names(give: Export, tmp_path: Path) -> None:
    give(f'type=docker,dest={tmp_path}/app.tar,"name=r.example:5000/a/b:1,user/app,app:2"')
    found = ReadImage(tmp_path / "app.tar")
    names = [entry["annotations"]["io.containerd.image.name"] for entry in found.index["manifests"]]
    assert names == ["r.example:5000/a/b:1", "docker.io/user/app:latest", "docker.io/library/app:2"]
    assert json.loads(found.files["manifest.json"])[0]["RepoTags"] == ["r.example:5000/a/b:1", "user/app:latest", "app:2"]


def test_annotations(store: Store, machine: Machine, tmp_path: Path) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    text = (
        f"type=oci,dest={tmp_path}/app.tar,annotation.all=1,annotation[linux/aarch64].one=2,annotation[linux/arm64].all=3,"
        "annotation-index.i=4,annotation-index-descriptor.d=5,annotation-manifest-descriptor.m=6"
    )
    export([parse_output(text)], images, machine, BuildFacts())
    found = ReadImage(tmp_path / "app.tar")
    assert found.index["manifests"][0]["annotations"]["d"] == "5"
    assert found.root["annotations"] == {"i": "4"}
    assert [entry["annotations"] for entry in found.root["manifests"]] == [{"m": "6"}, {"m": "6"}]
    manifests = [found.document(entry) for entry in found.root["manifests"]]
    assert [manifest["annotations"] for manifest in manifests] == [{"all": "1"}, {"all": "3", "one": "2"}]
    for wrong, message in (
        ("annotation[linux/s390x].k=v", "invalid annotation: no platform linux/s390x found in source"),
        ("annotation-index.k=v", "index annotations not supported for single platform export"),
    ):
        with pytest.raises(ExecutorError, match=message):
            export([parse_output(f"type=oci,dest={tmp_path}/b.tar,{wrong}")], images[:1], machine, BuildFacts())


def test_a_layout_keeps_other_images(give: Export, tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    give(f"type=oci,tar=false,dest={folder}", names=("a", "b:1"))
    give(f"type=oci,tar=false,dest={folder},compression=uncompressed", names=("b:1", "c"))
    found = ReadImage(folder)
    named = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in found.index["manifests"]}
    names = [entry["annotations"]["io.containerd.image.name"] for entry in found.index["manifests"]]
    assert sorted(names) == ["docker.io/library/a:latest", "docker.io/library/b:1", "docker.io/library/c:latest"]
    assert len(set(named.values())) == 1  # ref.name "latest" is c's by now
    assert json.loads(found.files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_a_blob_that_is_there_is_left_alone(give: Export, tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    give(f"type=oci,tar=false,dest={folder}")
    blobs = {path: path.stat() for path in (folder / "blobs/sha256").iterdir()}
    give(f"type=oci,tar=false,dest={folder}")
    assert {path: path.stat() for path in (folder / "blobs/sha256").iterdir()} == blobs
    layer = first_layer(folder)
    layer.chmod(0o644)
    layer.write_bytes(b"cut")
    give(f"type=oci,tar=false,dest={folder}")
    ReadImage(folder)  # checks all digests


def first_layer(folder: Path) -> Path:
    digest: str = ReadImage(folder).root["layers"][0]["digest"]
    return folder / "blobs/sha256" / digest.removeprefix("sha256:")


def test_an_archive_that_is_there_is_left_alone(give: Export, tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    give(f"type=oci,dest={path}")
    before = path.stat()
    give(f"type=oci,dest={path}")
    assert path.stat() == before
    with path.open("r+b") as file:  # same size
        file.write(b"x")
    give(f"type=oci,dest={path}")
    ReadImage(path)
    assert path.stat().st_ino != before.st_ino
    give(f"type=oci,dest={path}", names=("other",))
    assert first_entry(path)["annotations"]["io.containerd.image.name"] == "docker.io/library/other:latest"


def test_a_file_that_is_replaced_keeps_its_mode(give: Export, tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_text("old")
    path.chmod(0o600)
    (tmp_path / "link.tar").symlink_to("app.tar")
    give(f"type=oci,dest={tmp_path}/link.tar")
    ReadImage(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "link.tar").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["app.tar", "link.tar", "store"]


def test_devices_are_written_into(give: Export) -> None:
    give("type=oci,dest=/dev/null", "type=tar,dest=/dev/null")
    assert Path("/dev/null").is_char_device()


def test_an_image_without_settings(store: Store, machine: Machine, tmp_path: Path) -> None:
    export([parse_output(f"type=oci,dest={tmp_path}/a.tar")], [Image(AMD64, ())], machine, BuildFacts())
    found = ReadImage(tmp_path / "a.tar")
    assert found.config["architecture"] == "amd64"
    assert found.config["config"]["WorkingDir"] == "/"
    assert found.config["rootfs"] == {"type": "layers", "diff_ids": []}
    assert found.root["layers"] == []
    with pytest.raises(ExecutorError, match="missing architecture"):
        export([parse_output(f"type=oci,dest={tmp_path}/b.tar")], [Image(AMD64, (), b'{"os":"linux"}')], machine, BuildFacts())
    assert not (tmp_path / "b.tar").exists()


def imported(store: Store, text: bytes) -> tuple[Image, bytes, bytes]:
    """An image over a base, whose layer came packed by somebody else; the base's tar and blob."""
    tar = tar_of(("base.txt", text, {"uid": os.geteuid(), "gid": os.getegid()}))
    blob = gzip.compress(tar, 1, mtime=77)
    layers = import_chain(store, [layer_of(store, tar, packed=blob)])
    store.on_unpack(Unpacker(store, never).unpack)
    history = [{"created": "2020-01-01T00:00:00Z", "created_by": "base"}]
    rootfs = {"type": "layers", "diff_ids": [digest_of(tar)]}
    base = {"architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": history}
    config = json.loads(image_config())
    config["history"] = [*history, *config["history"]]
    own = add_layer(store, layers, lambda root: (root / "own.txt").write_text("own"))
    return Image(AMD64, own, json.dumps(config).encode(), json.dumps(base).encode()), tar, blob


def never(layer: ImageLayer) -> None:
    raise AssertionError(layer)


def test_a_base_keeps_its_blobs(store: Store, machine: Machine, tmp_path: Path) -> None:
    """Also where time and compression of new layers are changed."""
    image, tar, blob = imported(store, b"base")
    text = f"type=oci,dest={tmp_path}/a.tar,rewrite-timestamp=true,compression=uncompressed"
    export([parse_output(text)], [image], machine, BuildFacts(source_date_epoch=1_700_000_000))
    found = ReadImage(tmp_path / "a.tar")
    first, second = found.root["layers"]
    assert found.blob(first) == blob
    assert (first["mediaType"], second["mediaType"]) == (f"{OCI}layer.v1.tar+gzip", f"{OCI}layer.v1.tar")
    assert found.layers()[0] == tar
    with tarfile.open(fileobj=BytesIO(found.layers()[1])) as own:
        assert {member.mtime for member in own} == {1_700_000_000}
    assert [entry["created"] for entry in found.config["history"]] == ["2020-01-01T00:00:00Z", *["2023-11-14T22:13:20Z"] * 2]


def test_compression_of_a_base_is_forced(store: Store, machine: Machine, tmp_path: Path) -> None:
    image, tar, blob = imported(store, b"base")
    export([parse_output(f"type=oci,dest={tmp_path}/a.tar,compression=zstd,force-compression=true")], [image], machine, BuildFacts())
    found = ReadImage(tmp_path / "a.tar")
    assert [layer["mediaType"] for layer in found.root["layers"]] == [f"{OCI}layer.v1.tar+zstd"] * 2
    assert found.layers()[0] == tar  # its own tar, so its diff id stays
    export([parse_output(f"type=oci,dest={tmp_path}/b.tar,force-compression=true")], [image], machine, BuildFacts())
    assert ReadImage(tmp_path / "b.tar").blob(ReadImage(tmp_path / "b.tar").root["layers"][0]) == blob


def test_times_of_a_base_stay_when_its_compression_is_forced(store: Store, machine: Machine, tmp_path: Path) -> None:
    image, tar, _ = imported(store, b"base")
    text = f"type=oci,dest={tmp_path}/a.tar,rewrite-timestamp=true,compression=zstd,force-compression=true"
    export([parse_output(text)], [image], machine, BuildFacts(source_date_epoch=5))
    found = ReadImage(tmp_path / "a.tar")
    assert found.layers()[0] == tar
    assert found.root["layers"][0]["mediaType"] == f"{OCI}layer.v1.tar+zstd"
    assert ["annotations" in layer for layer in found.root["layers"]] == [False, True]
    with tarfile.open(fileobj=BytesIO(found.layers()[1])) as own:
        assert {member.mtime for member in own} == {5}


def test_a_layer_over_another_base_gets_new_times(store: Store, machine: Machine, tmp_path: Path) -> None:
    """An imported layer that is not the base's, as COPY --link of an image leaves it, is ours to date."""
    image, tar, _ = imported(store, b"base")
    other = Image(AMD64, image.layers, image.config)
    export([parse_output(f"type=oci,dest={tmp_path}/a.tar,rewrite-timestamp=true")], [other], machine, BuildFacts(source_date_epoch=5))
    found = ReadImage(tmp_path / "a.tar")
    assert found.layers()[0] != tar
    with tarfile.open(fileobj=BytesIO(found.layers()[0])) as own:
        assert {member.mtime for member in own} == {5}


def test_a_missing_base_blob_is_fetched(store: Store, machine: Machine, tmp_path: Path) -> None:
    image, tar, blob = imported(store, b"base")
    layout = tmp_path / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
    (layout / "blobs/sha256" / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
    store.blobs.remove(digest_of(blob))
    with pytest.raises(ExecutorError, match="nobody remembers where it came from"):
        export([parse_output(f"type=oci,dest={tmp_path}/a.tar")], [image], machine, BuildFacts())
    remember_origin(store, digest_of(blob), Origin("layout", str(layout)))
    export([parse_output(f"type=oci,dest={tmp_path}/a.tar")], [image], machine, BuildFacts())
    assert ReadImage(tmp_path / "a.tar").layers()[0] == tar
    assert not needs_files([parse_output("type=oci,dest=a.tar")], [image], machine, BuildFacts())
    assert needs_files([parse_output("type=oci,dest=a.tar,compression=zstd")], [image], machine, BuildFacts())
    assert needs_files([parse_output("out")], [image], machine, BuildFacts())


def test_equal_builds_give_equal_archives(tmp_path: Path) -> None:
    """Two stores, at different times, with files in another order and other layer numbers."""
    made = []
    for name in ("one", "two"):
        with Store.open(tmp_path / name) as store, Machine(store, Session(), jobs=2) as machine:
            if name == "two":
                add_layer(store, (), some_files)  # other layer numbers
            layers = add_layer(store, (), lambda root, n=name: write_in_order(root, reverse=n == "two"))  # type: ignore[misc]  # bound now
            layers = add_layer(store, layers, lambda root: (root / "now").write_text("now"))
            images = [Image(platform, layers, image_config(platform, 2)) for platform in (AMD64, ARM64)]
            text = f"rewrite-timestamp=true,dest={tmp_path}"
            outputs = [f"type=oci,{text}/{name}.tar,compression=zstd", f"type=oci,{text}/{name}.gz.tar"]
            outputs.append(f"type=tar,dest={tmp_path}/{name}.rootfs")
            export([parse_output(each) for each in outputs], images, machine, BuildFacts(source_date_epoch=1_700_000_000))
        made.append([(tmp_path / f"{name}{end}").read_bytes() for end in (".tar", ".gz.tar", ".rootfs")])
    assert made[0] == made[1]
    found = ReadImage(tmp_path / "one.tar")
    config = found.document(found.document(found.root["manifests"][0])["config"])
    assert {config["created"], *(entry["created"] for entry in config["history"])} == {"2023-11-14T22:13:20Z"}
    assert found.index["manifests"][0]["annotations"]["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z"


def write_in_order(root: Path, *, reverse: bool) -> None:
    for name in sorted(("a", "b", "c"), reverse=reverse):
        (root / name).write_text(name)
        time.sleep(0.002)


def test_a_time_to_write_is_needed(give: Export, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match="rewrite-timestamp=true needs a time to write"):
        give(f"type=oci,dest={tmp_path}/a.tar,rewrite-timestamp=true")
    give(f"type=oci,dest={tmp_path}/a.tar,rewrite-timestamp=true,source-date-epoch=9")
    assert ReadImage(tmp_path / "a.tar").config["created"] == "1970-01-01T00:00:09Z"


def test_no_layer_is_packed_twice(give: Export, store: Store, tmp_path: Path) -> None:
    give(f"type=oci,dest={tmp_path}/a.tar", f"type=docker,dest={tmp_path}/b.tar", "type=image,name=x")
    blobs = store.db.execute("SELECT COUNT(*) FROM blob").fetchone()[0]
    assert blobs == 1
    assert (tmp_path / "a.tar").exists()


def test_what_goes_wrong_leaves_nothing(give: Export, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for text, message in (
        (f"type=oci,dest={tmp_path}/none/a.tar", "cannot write .*/none/a.tar: No such file or directory"),
        (f"type=oci,tar=false,dest={tmp_path}/file", "cannot write .*/file"),
        (f"type=local,dest={tmp_path}/file", "cannot write .*/file"),
    ):
        with pytest.raises(ExecutorError, match=message):
            give(text)
    assert sorted(os.listdir(tmp_path)) == ["file", "store"]


def test_a_build_that_is_stopped_leaves_nothing(give: Export, machine: Machine, tmp_path: Path) -> None:
    give("type=image")
    machine.stop()
    for text in (f"type=oci,dest={tmp_path}/a.tar", f"type=tar,dest={tmp_path}/b.tar", f"type=oci,dest={tmp_path}/c.tar,compression=zstd"):
        with pytest.raises(Cancelled):
            give(text)
    assert os.listdir(tmp_path) == ["store"]
