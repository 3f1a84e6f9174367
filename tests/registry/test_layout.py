from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.errors import BadContent, NotFound, RegistryError
from dockerfile_frontend.registry.images import find_image
from dockerfile_frontend.registry.layout import DockerArchive, OciLayout, open_layout
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST, Descriptor
from dockerfile_frontend.registry.platforms import Platform, only

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
Content = dict[str, bytes]


def config(architecture: str) -> bytes:
    return json.dumps({"os": "linux", "architecture": architecture}).encode()


def blob(content: Content, body: bytes, media_type: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    content[f"blobs/sha256/{digest_of(body).removeprefix('sha256:')}"] = body
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body), **more}


def image(content: Content, architecture: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    doc = {"mediaType": OCI_MANIFEST, "config": blob(content, config(architecture)), "layers": []}
    return blob(content, json.dumps(doc).encode(), OCI_MANIFEST, **more)


def index(content: Content, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    doc = {"mediaType": OCI_INDEX, "manifests": list(entries)}
    return blob(content, json.dumps(doc).encode(), OCI_INDEX, **more)


def called(name: str) -> dict[str, Any]:
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


def on(architecture: str) -> dict[str, Any]:
    return {"platform": {"os": "linux", "architecture": architecture}}


def layout(content: Content, *entries: dict[str, Any]) -> Content:
    content["index.json"] = json.dumps({"schemaVersion": 2, "manifests": list(entries)}).encode()
    content["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return content


def several() -> Content:
    """An image `both` for two platforms, and `old` for one."""
    content: Content = {}
    both = index(
        content, image(content, "amd64", **on("amd64")), image(content, "arm64", **on("arm64")), **called("both")
    )
    return layout(content, both, image(content, "386", **called("docker.io/library/app:old")))


def as_folder(content: Content, where: Path) -> Path:
    for name, body in content.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(body)
    return where


def as_tar(content: Content, where: Path, tar_format: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(where / "x.tar", "w", format=tar_format) as tar:
        for name, body in content.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return where / "x.tar"


def as_gnu_tar(content: Content, where: Path) -> Path:
    return as_tar(content, where, tarfile.GNU_FORMAT)


Form = Callable[[Content, Path], Path]
FORMS = pytest.mark.parametrize("form", [as_folder, as_tar, as_gnu_tar])


def oci(path: Path) -> OciLayout:
    found = open_layout(path)
    assert isinstance(found, OciLayout)
    return found


def found_config(path: Path, selector: str, platform: Platform = AMD64) -> bytes:
    with oci(path) as opened:
        return find_image(opened.find(selector), opened, only(platform)).config


@FORMS
def test_an_image_by_tag_name_and_digest(form: Form, tmp_path: Path) -> None:
    content = several()
    path = form(content, tmp_path)
    assert found_config(path, "both") == config("amd64")
    assert found_config(path, "both", ARM64) == config("arm64")
    assert found_config(path, "old") == config("386") == found_config(path, "docker.io/library/app:old")
    with oci(path) as opened:
        assert found_config(path, opened.find("both").digest, ARM64) == config("arm64")
        nested = json.loads(opened.find("both").body)["manifests"][1]["digest"]
    assert found_config(path, nested) == config("arm64")


def test_the_only_image_needs_no_name(tmp_path: Path) -> None:
    content: Content = {}
    path = as_folder(layout(content, image(content, "amd64", **called("one"))), tmp_path)
    assert found_config(path, "") == config("amd64")
    with oci(path) as opened, pytest.raises(NotFound, match=r'could not find "two" in .*index\.json') as caught:
        opened.find("two")
    assert caught.value.hint == "it has one"


def test_entries_of_one_name_are_one_image(tmp_path: Path) -> None:
    content: Content = {}
    entries = [image(content, name, **on(name), **called("app")) for name in ("amd64", "arm64")]
    assert found_config(as_folder(layout(content, *entries), tmp_path), "app", ARM64) == config("arm64")


def test_no_match_for_the_platform(tmp_path: Path) -> None:
    path = as_folder(several(), tmp_path)
    with pytest.raises(NotFound, match=r"^no match for platform in manifest: not found$"):
        found_config(path, "both", Platform("linux", "s390x"))


def test_an_entry_without_a_platform_has_it_in_its_config(tmp_path: Path) -> None:
    content: Content = {}
    plain = index(content, image(content, "arm64"), **called("app"))
    path = as_folder(layout(content, plain), tmp_path)
    assert found_config(path, "app", ARM64) == config("arm64")
    with pytest.raises(NotFound, match=rf"^no match for platform in manifest {plain['digest']}: not found$"):
        found_config(path, "app", AMD64)


def test_an_image_of_its_own_is_taken_whatever_its_platform(tmp_path: Path) -> None:
    assert found_config(as_folder(several(), tmp_path), "old", ARM64) == config("386")


def test_indexes_nested_without_end(tmp_path: Path) -> None:
    content: Content = {}
    entry = image(content, "amd64")
    for _ in range(9):
        entry = index(content, entry, **on("amd64"))
    with pytest.raises(NotFound, match="nested too deeply"):
        found_config(as_folder(layout(content, entry), tmp_path), "")


@FORMS
def test_a_blob_of_any_length(form: Form, tmp_path: Path) -> None:
    body = os.urandom(1 << 20) + b"end"
    content: Content = {}
    layer = blob(content, body)
    path = form(layout(content), tmp_path)
    descriptor = Descriptor("", layer["digest"], layer["size"])
    with oci(path) as opened:
        assert b"".join(opened.blob_pieces(descriptor)) == body
    wrong = Descriptor("", "sha256:" + "0" * 64, layer["size"])
    (tmp_path / "w").mkdir()
    path = form({**content, "blobs/sha256/" + "0" * 64: body}, tmp_path / "w")
    got: list[bytes] = []
    with oci(path) as opened, pytest.raises(BadContent, match="unexpected commit digest"):
        got.extend(opened.blob_pieces(wrong))
    assert sum(map(len, got)) < len(body)


@FORMS
def test_a_changed_blob(form: Form, tmp_path: Path) -> None:
    content = several()
    for name in content:
        if name.startswith("blobs/"):
            content[name] = content[name].replace(b"linux", b"lunix")
    with pytest.raises(BadContent, match="unexpected commit digest"):
        found_config(form(content, tmp_path), "old")


@FORMS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"index.json": b"["}, "not valid JSON"),
        ({"index.json": b'{"config": {}}'}, "mediaType in manifest does not match manifest contents"),
        ({"index.json": b'{"manifests": [{"digest": "sha256:../../../etc/passwd"}]}'}, "no valid size|invalid digest"),
        ({"index.json": b" " * (5 << 20)}, "larger than 4194304 bytes"),
    ],
)
def test_a_bad_index(form: Form, tmp_path: Path, change: Content, message: str) -> None:
    with pytest.raises(BadContent, match=message):
        found_config(form({**several(), **change}, tmp_path), "old")


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(several()["index.json"])
    top = tmp_path / "layout"
    top.mkdir()
    (top / "index.json").symlink_to(secret)
    with pytest.raises(RegistryError, match=r"index\.json: Too many levels of symbolic links"):
        open_layout(top)
    as_folder(several(), tmp_path / "real")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "index.json").write_bytes(several()["index.json"])
    (tmp_path / "top" / "blobs").symlink_to(tmp_path / "real" / "blobs")
    with pytest.raises(RegistryError, match=r"Not a directory|Too many levels"):
        found_config(tmp_path / "top", "old")


def test_the_top_itself_may_be_a_link(tmp_path: Path) -> None:
    as_folder(several(), tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found_config(tmp_path / "link", "old") == config("386")


def test_no_plain_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(RegistryError, match="neither a folder nor a tar"):
        open_layout(tmp_path / "fifo")
    (tmp_path / "top").mkdir()
    os.mkfifo(tmp_path / "top" / "index.json")
    with pytest.raises(BadContent, match=r"index\.json: not a plain file"):
        open_layout(tmp_path / "top")
    with pytest.raises(RegistryError, match="absent: No such file or directory"):
        open_layout(tmp_path / "absent")
    with pytest.raises(NotFound, match="neither an OCI layout nor a docker archive"):
        open_layout(as_folder({"x": b""}, tmp_path / "empty"))


def saved(tmp_path: Path, change: Content | None = None, links: dict[str, str] | None = None) -> Path:
    """What docker save wrote before version 25."""
    name = digest_of(config("amd64")).removeprefix("sha256:") + ".json"
    entry = {"Config": name, "RepoTags": ["app:1", "reg.corp:5000/app:2"], "Layers": ["a/layer.tar"]}
    content = {name: config("amd64"), "manifest.json": json.dumps([entry]).encode(), "a/layer.tar": b"layer"}
    path = as_tar({**content, **(change or {})}, tmp_path)
    with tarfile.open(path, "a") as tar:
        for link, target in (links or {}).items():
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return path


def archive(path: Path) -> DockerArchive:
    found = open_layout(path)
    assert isinstance(found, DockerArchive)
    return found


@pytest.mark.parametrize("selector", ["", "1", "app:1", "docker.io/library/app:1", "reg.corp:5000/app:2"])
def test_a_docker_archive(tmp_path: Path, selector: str) -> None:
    with archive(saved(tmp_path)) as opened:
        found = opened.find(selector)
        assert found.config == config("amd64")
        assert [b"".join(opened.layer_pieces(layer)) for layer in found.layers] == [b"layer"]


def test_links_in_an_archive_stay_in_it(tmp_path: Path) -> None:
    links = {
        "b/layer.tar": "../a/layer.tar",
        "c": "b/layer.tar",
        "out": "../../etc/passwd",
        "abs": "/etc/passwd",
        "me": "me",
    }
    with archive(saved(tmp_path, links=links)) as opened:
        assert b"".join(opened.layer_pieces("b/layer.tar")) == b"".join(opened.layer_pieces("c")) == b"layer"
        for name in ("out", "abs", "me"):
            with pytest.raises(NotFound):
                list(opened.layer_pieces(name))
        for name in ("../x", "/etc/passwd", "a//b", "", "a/\0"):
            with pytest.raises(BadContent, match="not a name within"):
                list(opened.layer_pieces(name))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "not a list of images"),
        (b"[1]", "not a list of images"),
        (b"[" * 100_000, "not valid JSON"),
        (b'[{"RepoTags": ["app:1"]}]', "without a config"),
        (b'[{"RepoTags": ["app:1"], "Config": "../../x"}]', "not a name within"),
        (b'[{"RepoTags": null}, {"RepoTags": {"a": 1}}]', 'could not find "app:1"'),
    ],
)
def test_a_bad_docker_archive(tmp_path: Path, body: bytes, message: str) -> None:
    with archive(saved(tmp_path, {"manifest.json": body})) as opened, pytest.raises(RegistryError, match=message):
        opened.find("app:1")


def test_a_changed_config_of_a_docker_archive(tmp_path: Path) -> None:
    name = digest_of(config("amd64")).removeprefix("sha256:") + ".json"
    with archive(saved(tmp_path, {name: b"{}"})) as opened, pytest.raises(BadContent, match="unexpected commit digest"):
        opened.find("1")


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6), st.integers(0, 20_000))
def test_a_damaged_tar_is_refused_in_one_line(changes: list[tuple[int, int]], length: int) -> None:
    """Whatever is wrong with it: an answer, or an error of ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = as_gnu_tar(several(), Path(folder))
        body = bytearray(path.read_bytes()[:length])
        for at, byte in changes:
            if at < len(body):
                body[at] = byte
        path.write_bytes(body)
        with contextlib.suppress(RegistryError):
            assert found_config(path, "both") == config("amd64")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\x1f\x8b" + b"\0" * 600, "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd" + b"\0" * 600, "compressed with zstd"),
        (b"hello", "not a tar"),
        (b"x" * 10_000, "not a tar"),
        (b"", "neither an OCI layout"),
    ],
)
def test_what_is_no_tar(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(RegistryError, match=message):
        open_layout(tmp_path / "x")


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A ustar header with any size field."""
    block = bytearray(tarfile.TarInfo(name).tobuf()[:512])
    block[124:136], block[156:157], block[148:156] = size, kind, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (header("a", b"\x80" + b"\xff" * 11), "cut short"),
        (header("a", b"\xff" * 12), "cut short"),
        (header("a", b"00000000999\0"), "a size that is no number"),
        (header("a", b"77777777777\0", b"L"), "cut short"),
        (header("a", b"00010000000\0", b"x") + b"\0" * (1 << 21), "a tar header of more than"),
        (header("a", b"00000000010\0", b"x") + b"99 a=b\n".ljust(512, b"\0"), "a damaged PAX header"),
        (
            header("a", b"00000000015\0", b"x") + b"13 size=nan\n\n".ljust(512, b"\0") + header("a", b"0" * 12),
            "no number",
        ),
    ],
)
def test_headers_that_lie(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(BadContent, match=message):
        open_layout(tmp_path / "x")
