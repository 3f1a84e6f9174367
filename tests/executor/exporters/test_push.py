"""Images into registries: Debian's docker-registry, with a password and TLS, and servers that misbehave."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.exporters.attest import settle_attests
from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, check_outputs, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.sources.blobs import origins_of, remember_origin
from dockerfile_frontend.executor.sources.pin import Origin
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from ir_schema import Definition
from tests.registry.servers import OPEN, Say, Scripted, Seen, client, debian_registry, login, make_authority, put_blob

from .conftest import AMD64, ARM64, add_layer, image_config, some_files
from .test_archives import imported
from .test_tools import run

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def pushing(store: Store, **settings: Any) -> Machine:  # noqa: ANN401 - of a client
    return Machine(store, Session(connect=lambda: client(**settings)), jobs=2)


def manifest_of(host: str, name: str) -> tuple[dict[str, Any], str]:
    """A manifest, asked for without our own client; and its media type."""
    path, _, selector = name.partition("@") if "@" in name else name.partition(":")
    request = urllib.request.Request(f"http://{host}/v2/{path}/manifests/{selector}")
    request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json")
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.loads(answer.read()), answer.headers["Content-Type"]


def blob_is_there(host: str, path: str, digest: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{host}/v2/{path}/blobs/{digest}", method="HEAD")):
            return True
    except urllib.error.HTTPError:
        return False


def test_several_names(store: Store, image: Image, registry: str) -> None:
    text = f'type=registry,"name={registry}/several/a:1,{registry}/several/a:2,{registry}/other"'
    with pushing(store) as machine:
        metadata = export([parse_output(text)], [image], machine, BuildFacts())
    found = [manifest_of(registry, name) for name in ("several/a:1", "several/a:2", "other:latest")]
    assert found[0] == found[1] == found[2]
    assert found[0][0]["config"]["digest"] == metadata["containerimage.config.digest"]
    assert metadata["image.name"] == f"{registry}/several/a:1,{registry}/several/a:2,{registry}/other:latest"
    for path in ("several/a", "other"):
        assert all(blob_is_there(registry, path, blob["digest"]) for blob in (found[0][0]["config"], *found[0][0]["layers"]))


def test_an_index(store: Store, registry: str) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    with pushing(store) as machine:
        metadata = export([parse_output(f"type=image,push=true,name={registry}/index:1")], images, machine, BuildFacts())
    index, kind = manifest_of(registry, "index:1")
    assert kind == "application/vnd.oci.image.index.v1+json"
    for entry in index["manifests"]:
        assert manifest_of(registry, f"index@{entry['digest']}")[0]["layers"]
    assert manifest_of(registry, f"index@{metadata['containerimage.digest']}")[0] == index


def test_by_digest(store: Store, image: Image, registry: str) -> None:
    text = f"type=image,push=true,push-by-digest=true,name={registry}/digest"
    with pushing(store) as machine:
        metadata = export([parse_output(text)], [image], machine, BuildFacts())
    assert manifest_of(registry, f"digest@{metadata['containerimage.digest']}")
    with pytest.raises(urllib.error.HTTPError):
        manifest_of(registry, "digest:latest")


def test_names_of_the_command_line(store: Store, image: Image, registry: str) -> None:
    with pushing(store) as machine:
        export([parse_output("type=image,push=true")], [image], machine, BuildFacts(names=(f"{registry}/tagged:9",)))
    assert manifest_of(registry, "tagged:9")
    with pytest.raises(ExecutorError, match="tag is needed when pushing to registry"):
        check_outputs([parse_output("type=registry")])
    check_outputs([parse_output("type=registry")], ("app",))


def test_provenance_goes_along(store: Store, image: Image, registry: str, tmp_path: Path) -> None:
    """By default, as with docker buildx."""
    known = Definition({}, None)
    with pushing(store) as machine:
        told = BuildFacts(definitions=(known,), attests=settle_attests())
        export([parse_output(f"type=registry,name={registry}/proven:1")], [image], machine, told)
    index, _ = manifest_of(registry, "proven:1")
    entry = index["manifests"][1]
    assert entry["annotations"]["vnd.docker.reference.digest"] == index["manifests"][0]["digest"]
    manifest, _ = manifest_of(registry, f"proven@{entry['digest']}")
    assert manifest["artifactType"] == "application/vnd.docker.attestation.manifest.v1+json"
    assert blob_is_there(registry, "proven", manifest["layers"][0]["digest"])
    source = f"docker://{registry}/proven:1"
    seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", source))
    assert seen["Architecture"] == "amd64"
    run("skopeo", "copy", "-q", "--insecure-policy", "--all", "--src-tls-verify=false", source, f"oci:{tmp_path}/copy:1")
    assert (tmp_path / "copy/blobs/sha256" / entry["digest"].removeprefix("sha256:")).exists()


def test_a_base_layer_is_mounted_and_not_fetched(store: Store, registry: str) -> None:
    image, _, blob = imported(store, b"mounted")
    put_blob(registry, "library/base", digest_of(blob), blob)
    store.blobs.remove(digest_of(blob))
    remember_origin(store, digest_of(blob), Origin("registry", f"{registry}/library/base"))
    with pushing(store) as machine:
        export([parse_output(f"type=registry,name={registry}/app/mounted")], [image], machine, BuildFacts())
    assert blob_is_there(registry, "app/mounted", digest_of(blob))
    assert store.keep_blob(digest_of(blob)) is None
    assert next(origin.place for origin in origins_of(store, digest_of(blob))) == f"{registry}/app/mounted"


def test_a_base_layer_of_another_registry_is_fetched_and_sent(store: Store, registry: str, tmp_path: Path) -> None:
    image, _, blob = imported(store, b"fetched")
    store.blobs.remove(digest_of(blob))
    with debian_registry(tmp_path) as other:
        put_blob(other, "library/base", digest_of(blob), blob)
        remember_origin(store, digest_of(blob), Origin("registry", f"{other}/library/base"))
        with pushing(store) as machine:
            export([parse_output(f"type=registry,name={registry}/app/fetched")], [image], machine, BuildFacts())
    assert blob_is_there(registry, "app/fetched", digest_of(blob))


def test_a_password_and_tls(store: Store, image: Image, tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    (tmp_path / "registry").mkdir()
    with debian_registry(tmp_path / "registry", htpasswd=True, certificate=(authority / "cert.pem", authority / "key.pem")) as host:
        hosts = HostTable({host: HostConfig(ca=(str(authority / "ca.pem"),))})
        output = parse_output(f"type=registry,name={host}/app:1")
        with pushing(store, hosts=hosts, config=login(host)) as machine:
            export([output], [image], machine, BuildFacts())
        with pushing(store, hosts=hosts) as machine, pytest.raises(ExecutorError, match=f"failed to push {host}/app:1: ") as denied:
            export([output], [image], machine, BuildFacts())
        assert "docker login" in denied.value.hint
        with pushing(store, hosts=HostTable({host: HostConfig(http=False)}), config=login(host)) as machine:
            with pytest.raises(ExecutorError, match="certificate"):
                export([output], [image], machine, BuildFacts())
            export([parse_output(f"type=registry,name={host}/app:2,registry.insecure=true")], [image], machine, BuildFacts())


def test_without_tls_only_by_name(store: Store, image: Image, registry: str) -> None:
    hosts = HostTable({registry: HostConfig(http=False)})  # as any registry that is not on loopback
    with pushing(store, hosts=hosts) as machine:
        with pytest.raises(ExecutorError, match="failed to push"):
            export([parse_output(f"type=registry,name={registry}/plain:1")], [image], machine, BuildFacts())
        export([parse_output(f"type=registry,name={registry}/plain:1,registry.insecure=true")], [image], machine, BuildFacts())
    assert manifest_of(registry, "plain:1")


def test_a_long_body_that_is_refused_goes_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy before the registry that takes no more than some bytes at once."""
    monkeypatch.setattr("dockerfile_frontend.executor.exporters.push.CHUNK", 100)
    layers = add_layer(store, (), lambda root: (root / "file").write_bytes(bytes(range(200))))
    image = Image(AMD64, layers, image_config())
    sent: dict[str, int] = {}
    numbers = count()

    def upload(seen: Seen) -> Say:
        here = seen.path.partition("?")[0]
        if seen.method == "POST":
            here = f"/up/{next(numbers)}"
            server.says(here, upload)
            return Say(202, headers={"Location": here})
        if seen.method == "PUT":
            return Say(413 if len(seen.body) > 100 else 201)
        sent[here] = sent.get(here, 0) + len(seen.body)
        return Say(202, headers={"Location": here, "Range": f"0-{sent[here] - 1}"})

    with Scripted() as server:
        server.says("/v2/app/blobs/uploads/", upload)
        server.says("/v2/app/manifests/latest", Say(201))
        with pushing(store) as machine:
            export([parse_output(f"type=registry,name={server.host}/app")], [image], machine, BuildFacts())
    patched = [len(seen.body) for seen in server.seen if seen.method == "PATCH"]
    assert patched
    assert max(patched) <= 100


def test_a_registry_that_lies(store: Store, image: Image) -> None:
    with Scripted() as server:
        server.says("/v2/app/blobs/uploads/", Say(202, headers={"Location": "http://user:pass@elsewhere.example/up"}))
        with pushing(store) as machine, pytest.raises(ExecutorError, match="upload address is an invalid URL"):
            export([parse_output(f"type=registry,name={server.host}/app")], [image], machine, BuildFacts())


def test_a_network_that_is_forbidden(store: Store, image: Image) -> None:
    with Machine(store, Session()) as machine, pytest.raises(ExecutorError, match="may not use the network"):
        export([parse_output("type=registry,name=r.example/app")], [image], machine, BuildFacts())
