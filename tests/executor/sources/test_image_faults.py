"""Registries that cut, stall, lie and refuse, under a build: a clear error, a good store, and the next attempt goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from tests.executor.sources.conftest import Make
from tests.executor.sources.images import GZIP, Image, bring, descriptor, digest_of, files, write_layout
from tests.registry.servers import QUICK, Clock, Say, Scripted, Seen, client

NOISE = bytes(range(256)) * 1200
IMAGE = Image.of({"data": NOISE}, media="application/vnd.oci.image.layer.v1.tar")
BLOB = IMAGE.blobs[0]
BLOB_PATH = f"/v2/base/blobs/{digest_of(BLOB)}"


@pytest.fixture
def name(server: Scripted) -> str:
    IMAGE.serve(server, "base")
    return f"docker-image://{server.host}/base:latest"


def ranges(server: Scripted) -> list[str]:
    return [seen.headers.get("range", "") for seen in server.seen if seen.path == BLOB_PATH]


def test_a_cut_layer_goes_on_where_it_broke(make: Make, store: Store, server: Scripted, name: str) -> None:
    rest = Say(206, BLOB[100_000:], {"Content-Range": f"bytes 100000-{len(BLOB) - 1}/{len(BLOB)}"})
    server.says(BLOB_PATH, Say(body=BLOB, cut=100_000), rest)
    assert files(store, bring(make(), name)) == {"data": NOISE}
    assert ranges(server) == ["", "bytes=100000-"]


def test_a_later_build_goes_on_where_an_earlier_one_was_cut(make: Make, store: Store, server: Scripted, name: str) -> None:
    def cut_again(seen: Seen) -> Say:
        return Say(body=BLOB, cut=100_000) if "range" not in seen.headers else Say(206, b"", {"Content-Range": "bytes 100000-"}, cut=0)

    server.says(BLOB_PATH, cut_again)
    tree = bring(make(), name)
    with pytest.raises(ExecutorError, match=digest_of(BLOB)):
        files(store, tree)
    IMAGE.serve(server, "base")
    server.seen.clear()
    assert files(store, bring(make(), name)) == {"data": NOISE}
    (wanted,) = ranges(server)
    assert int(wanted.removeprefix("bytes=").removesuffix("-")) >= 90_000


def test_what_an_earlier_attempt_left_wrong_is_fetched_anew(make: Make, store: Store, server: Scripted, name: str) -> None:
    tree = bring(make(), name)
    partial = Path(store.path) / "ingest" / f"{digest_of(BLOB).removeprefix('sha256:')}.partial"
    partial.write_bytes(b"x" * 1000)
    assert files(store, tree) == {"data": NOISE}
    assert ranges(server) == ["bytes=1000-", ""]


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (Say(body=b"y" * len(BLOB)), f"unexpected commit digest {digest_of(b'y' * len(BLOB))}, expected {digest_of(BLOB)}"),
        (Say(body=BLOB + b"more"), "more than the expected"),
        (Say(body=BLOB[:-1]), "failed size validation"),
        (Say(404), "not found"),
        (Say(401), "401 Unauthorized"),
        (Say(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), "403 Forbidden: denied: no"),
        (Say(429, headers={"Retry-After": "86400"}), "429 Too Many Requests"),
        (Say(500), "500 Internal Server Error"),
        (Say(302, headers={"Location": BLOB_PATH}), "stopped after 10 redirects"),
        (Say(302, headers={"Location": "ftp://elsewhere/"}), "redirect to an invalid URL"),
        (Say(body=b"\x1f\x8b\x08" + bytes(100), cut=50), "unexpected EOF|cut|closed"),
    ],
)
def test_a_layer_that_cannot_be_had(make: Make, store: Store, server: Scripted, name: str, says: Say, message: str) -> None:
    server.says(BLOB_PATH, says)
    tree = bring(make(), name)
    with pytest.raises(ExecutorError, match=message) as caught:
        files(store, tree)
    assert "\n" not in str(caught.value)
    assert store.blob_path(digest_of(BLOB)) is None
    IMAGE.serve(server, "base")
    assert files(store, bring(make(), name)) == {"data": NOISE}


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (Say(404), "not found"),
        (Say(500), "500 Internal Server Error"),
        (Say(429, headers={"Retry-After": "86400"}), "429 Too Many Requests"),
        (Say(body=b"[" * 100_000), "not valid JSON"),
        (Say(body=b"{}"), "unexpected media type"),
        (Say(body=b" " * (5 << 20)), "the limit is 4194304 bytes"),
        (Say(body=json.dumps({"config": {}, "layers": [], "manifests": []}).encode()), "invalid ambiguous manifest"),
        (Say(body=IMAGE.manifest, headers={"Docker-Content-Digest": "sha256:" + "0" * 64}), "unexpected commit digest"),
        (Say(body=IMAGE.manifest, headers={"Docker-Content-Digest": "sha256:../../x"}), "invalid digest"),
    ],
)
def test_a_manifest_that_makes_no_sense(make: Make, server: Scripted, says: Say, message: str) -> None:
    server.says("/v2/base/manifests/latest", says)
    with pytest.raises(StepError, match=f"failed to resolve source metadata for .*{message}"):
        bring(make(), f"docker-image://{server.host}/base:latest")


def manifest_of(**changes: object) -> bytes:
    return json.dumps(json.loads(IMAGE.manifest) | changes).encode()


BIG = {**descriptor(b"", GZIP), "size": 1 << 62}
CVE_2024_3727 = {**descriptor(b"", GZIP), "digest": "sha256:../../../../etc/passwd"}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "mismatched image rootfs and manifest layers"),
        ([descriptor(b"", GZIP)] * 1025, "an image of 1025 layers: the limit is 1024"),
        ([CVE_2024_3727], "invalid digest"),
        ([{**descriptor(b"", GZIP), "digest": "sha512:" + "0" * 128}], "invalid digest"),
        ([{**descriptor(b"", GZIP), "size": -1}], "no valid size"),
        (["x"], "not a descriptor"),
    ],
)
def test_cve_2024_3727_layers_that_are_none(make: Make, server: Scripted, name: str, layers: object, message: str) -> None:
    server.says("/v2/base/manifests/latest", Say(body=manifest_of(layers=layers), headers={"Content-Type": OCI_MANIFEST}))
    with pytest.raises(StepError, match=message):
        bring(make(), name)


def test_a_size_that_cannot_be_is_not_tried(make: Make, store: Store, server: Scripted, name: str) -> None:
    server.says("/v2/base/manifests/latest", Say(body=manifest_of(layers=[BIG]), headers={"Content-Type": OCI_MANIFEST}))
    tree = bring(make(), name)
    with pytest.raises(ExecutorError, match="no space left for blob"):
        files(store, tree)


@pytest.mark.parametrize("config", [b"{}", b"[]", b'{"rootfs":{"diff_ids":["sha256:../x"]}}', b'{"rootfs":{"diff_ids":7}}', b"{" * 9000])
def test_a_config_that_makes_no_sense(make: Make, server: Scripted, name: str, config: bytes) -> None:
    body = manifest_of(config=descriptor(config, "application/vnd.oci.image.config.v1+json"))
    server.says("/v2/base/manifests/latest", Say(body=body, headers={"Content-Type": OCI_MANIFEST}))
    server.says(f"/v2/base/blobs/{digest_of(config)}", Say(body=config))
    with pytest.raises(StepError, match=r"failed to resolve source metadata for .*: (mismatched|image config|invalid digest)"):
        bring(make(), name)


def test_a_diff_id_that_is_another(make: Make, store: Store, server: Scripted, name: str) -> None:
    """The blob is what the manifest says; the config states another content."""
    other = Image.of({"data": b"other"}, media=IMAGE.media)
    server.says(f"/v2/base/blobs/{digest_of(other.config)}", Say(body=other.config))
    body = manifest_of(config=descriptor(other.config, "application/vnd.oci.image.config.v1+json"))
    server.says("/v2/base/manifests/latest", Say(body=body, headers={"Content-Type": OCI_MANIFEST}))
    tree = bring(make(), name)
    with pytest.raises(ExecutorError, match="wrong diff id"):
        files(store, tree)


def test_an_index_without_our_platform(make: Make, server: Scripted, name: str) -> None:
    entry = descriptor(IMAGE.manifest, OCI_MANIFEST, platform={"os": "linux", "architecture": "s390x"})
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    server.says("/v2/base/manifests/latest", Say(body=body, headers={"Content-Type": OCI_INDEX}))
    with pytest.raises(StepError, match="no match for platform in manifest"):
        bring(make(), name)


def test_a_mirror_that_lies_is_passed_over(make: Make, store: Store, server: Scripted, name: str) -> None:
    with Scripted() as mirror:
        IMAGE.serve(mirror, "base")
        mirror.says(BLOB_PATH, Say(body=b"z" * len(BLOB)))
        hosts = HostTable({server.host: HostConfig(mirrors=(mirror.host,))})
        tree = bring(make(connect=lambda: client(clock=Clock(), hosts=hosts)), name)
        assert files(store, tree) == {"data": NOISE}
        assert len(mirror.seen) == 3
        assert ranges(server) == [""]


def test_a_mirror_serves_everything(make: Make, store: Store, server: Scripted, name: str) -> None:
    with Scripted() as mirror:
        IMAGE.serve(mirror, "hub/base")
        hosts = HostTable({server.host: HostConfig(mirrors=(f"{mirror.host}/hub",))})
        tree = bring(make(connect=lambda: client(clock=Clock(), hosts=hosts)), name)
        assert files(store, tree) == {"data": NOISE}
        assert not server.seen


def test_silence(make: Make, store: Store, server: Scripted, name: str) -> None:
    server.says(BLOB_PATH, Say(body=BLOB, pause=60))
    tree = bring(make(connect=lambda: client(clock=Clock(), timeouts=QUICK)), name)
    with pytest.raises(ExecutorError, match=r"i/o timeout|timed out"):
        files(store, tree)


def test_cve_2020_15157_foreign_urls_are_not_asked(make: Make, store: Store, server: Scripted, name: str) -> None:
    with Scripted() as other:
        layer = {**descriptor(BLOB, GZIP), "urls": [f"http://{other.host}/layer"]}
        server.says("/v2/base/manifests/latest", Say(body=manifest_of(layers=[layer]), headers={"Content-Type": OCI_MANIFEST}))
        assert files(store, bring(make(), name)) == {"data": NOISE}
        assert not other.seen


def test_cve_2020_15157_credentials_stay_with_their_host(make: Make, store: Store, server: Scripted, name: str) -> None:
    with Scripted() as other:
        basic = Say(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        moved = Say(307, headers={"Location": f"http://{other.host}/moved?signature=SIGNED"})
        server.says(BLOB_PATH, lambda seen: moved if "authorization" in seen.headers else basic)
        server.says("/v2/base/manifests/latest", basic, Say(body=IMAGE.manifest, headers={"Content-Type": OCI_MANIFEST}))
        other.says("/moved", Say(body=BLOB))
        config = {"auths": {server.host: {"username": "joe", "password": "s3cret-word"}}}
        tree = bring(make(connect=lambda: client(clock=Clock(), config=config)), name)
        assert files(store, tree) == {"data": NOISE}
        assert [seen.headers.get("authorization") for seen in other.seen] == [None]
    for path in Path(store.path).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"s3cret-word" not in content
            assert b"SIGNED" not in content


def test_two_builds_download_once(server: Scripted, name: str, tmp_path: Path) -> None:
    """Of two builds that want one layer at once, the second finds it when the first has it."""
    began, go_on = threading.Event(), threading.Event()

    def slowly(_seen: Seen) -> Say:
        began.set()
        go_on.wait(60)
        return Say(body=BLOB)

    server.says(BLOB_PATH, slowly)
    found: list[dict[str, bytes]] = []

    def build() -> None:
        with Store.open(tmp_path / "shared") as store, Machine(store, Session(connect=client)) as machine:
            found.append(files(store, bring(machine, name)))

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(60)
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [{"data": NOISE}] * 2
    assert ranges(server) == [""]


def test_a_stopped_build_stops_downloading(make: Make, store: Store, server: Scripted, name: str) -> None:
    machine = make()
    tree = bring(machine, name)

    def stop(_seen: Seen) -> Say:
        machine.stop()
        return Say(body=BLOB)

    server.says(BLOB_PATH, stop)
    with pytest.raises(ExecutorError, match="canceled"):
        files(store, tree)


def test_without_network_a_missing_layer_is_said(make: Make, store: Store, server: Scripted, name: str) -> None:
    tree = bring(make(), name)
    make(connect=None)
    with pytest.raises(ExecutorError, match="this build may not use the network"):
        files(store, tree)


def test_a_layer_that_nobody_remembers_is_asked_for_again(make: Make, store: Store, server: Scripted, name: str) -> None:
    bring(make(), name)
    store.db.execute("DELETE FROM memo WHERE kind = 'origin'")
    assert files(store, bring(make(), name)) == {"data": NOISE}


def test_a_file_is_preferred_to_a_registry(make: Make, store: Store, server: Scripted, name: str, tmp_path: Path) -> None:
    bring(make(), name)
    layout = write_layout(tmp_path / "layout", {"1": IMAGE})
    server.seen.clear()
    machine = make(layouts={"x": layout})
    tree = bring(machine, f"oci-layout://docker.io/library/x@{IMAGE.digest}", {"oci.store": "x"})
    assert files(store, tree) == {"data": NOISE}
    assert not server.seen


Break = Callable[[Path], object]
LAYER_FILE = f"blobs/sha256/{digest_of(BLOB).removeprefix('sha256:')}"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda layout: (layout / LAYER_FILE).unlink(), "not found"),
        (lambda layout: (layout / LAYER_FILE).write_bytes(b"x" * len(BLOB)), "unexpected commit digest"),
        (lambda layout: (layout / LAYER_FILE).write_bytes(b"x"), "failed size validation"),
        (lambda layout: (layout / "index.json").unlink(), "neither an OCI layout nor a docker archive"),
    ],
)
def test_a_layout_that_changes_before_it_is_read(make: Make, store: Store, tmp_path: Path, damage: Break, message: str) -> None:
    layout = write_layout(tmp_path / "layout", {"1": IMAGE})
    tree = bring(make(layouts={"x": layout}), f"oci-layout://docker.io/library/x@{IMAGE.digest}", {"oci.store": "x"})
    damage(layout)
    with pytest.raises(ExecutorError, match=message):
        files(store, tree)


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"image.resolvemode": "sometimes"}, "invalid resolvemode: sometimes"),
        ({"image.layerlimit": "-1"}, "invalid layer limit"),
        ({"image.layerlimit": "0"}, "invalid layer limit"),
        ({"image.layerlimit": "2"}, "layer limit 2 is greater than the number of layers in the image 1"),
        ({"image.checksum": "sha256:" + "0" * 64}, "does not match expected checksum"),
        ({"image.new": "1"}, "image source option image.new is not supported"),
    ],
)
def test_options_that_make_no_sense(make: Make, name: str, attrs: dict[str, str], message: str) -> None:
    with pytest.raises(StepError, match=message):
        bring(make(), name, attrs)


@pytest.mark.parametrize("identifier", ["docker-image://", "docker-image://base", "docker-image://h/A:1", "docker-image://h/a:1@sha256:x", "docker-image://h/../../x"])
def test_names_that_are_none(make: Make, identifier: str) -> None:
    with pytest.raises(StepError, match="invalid reference format"):
        bring(make(), identifier)


def test_a_layer_limit(make: Make, store: Store, server: Scripted) -> None:
    Image.of({"a": b"1"}, {"b": b"2"}, {"c": b"3"}).serve(server, "three")
    tree = bring(make(), f"docker-image://{server.host}/three:latest", {"image.layerlimit": "2"})
    assert files(store, tree) == {"a": b"1", "b": b"2"}


def test_the_local_mode_asks_nobody_for_a_name_known(make: Make, server: Scripted, name: str) -> None:
    first = bring(make(), name)
    server.seen.clear()
    assert bring(make(connect=None), name, {"image.resolvemode": "local"}) == first
    with pytest.raises(StepError, match="may not use the network"):
        bring(make(connect=None), name, {"image.resolvemode": "pull"})
