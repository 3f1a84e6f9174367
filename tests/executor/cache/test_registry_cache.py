"""Caches in registries: Debian's docker-registry, open and with a password, and one that breaks off."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.sources.blobs import origins_of
from dockerfile_frontend.executor.sources.pin import Origin
from ir_schema.ops import Input
from tests.registry.servers import OPEN, Say, Scripted, Seen, client, debian_registry, login, manifest

from .world import Graph, World

pytestmark = pytest.mark.e2e

ACCEPTED = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.buildkit.cacheconfig.v0"


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as host:
        yield host


@pytest.fixture
def online(tmp_path: Path) -> World:
    return World(tmp_path, connect=client)


def chain(*names: str) -> tuple[Graph, Input]:
    graph = Graph()
    at: Input | None = None
    for name in names:
        at = graph.file(f"/{name}", name.encode() * 100, at)
    assert at is not None
    return graph, at


def get(host: str, path: str) -> Any:
    request = urllib.request.Request(f"http://{host}/v2/{path}", headers={"Accept": ACCEPTED})
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.loads(answer.read())


@pytest.mark.parametrize(
    "option", ["", ",mode=max", ",image-manifest=false", ",oci-mediatypes=false", ",compression=zstd"]
)
def test_another_store_builds_nothing(online: World, registry: str, option: str) -> None:
    graph, end = chain("a", "b")
    name = f"{registry}/cache{abs(hash(option))}:main"
    made = online.build("one", graph.definition(end), cache_to=[f"type=registry,ref={name}{option}"])
    found = online.build("two", graph.definition(end), cache_from=[f"type=registry,ref={name}"])
    assert (made.ran, found.ran) == (["/a", "/b"], [])
    assert found.files == made.files


def test_nothing_is_fetched_before_it_is_used(online: World, registry: str) -> None:
    graph, end = chain("lazy", "more")
    online.build("one", graph.definition(end), cache_to=[f"{registry}/lazy:cache"])
    found = online.build("two", graph.definition(end), cache_from=[f"{registry}/lazy:cache"], look=False)
    with online.opened("two") as machine:
        blobs = machine.store.db.execute("SELECT digest FROM packed").fetchall()
        assert len(found.layers) == len(blobs) == 2
        assert not any(machine.store.keep_blob(digest) for (digest,) in blobs)
        assert origins_of(machine.store, blobs[0][0]) == [Origin("registry", f"{registry}/lazy")]


def test_nothing_is_fetched_to_write_what_the_registry_has(online: World, registry: str) -> None:
    graph, end = chain("again", "more")
    online.build("one", graph.definition(end), cache_to=[f"{registry}/again:one"])
    targets = [f"{registry}/again:two", f"{registry}/elsewhere:cache"]
    online.build("two", graph.definition(end), cache_from=[f"{registry}/again:one"], cache_to=targets, look=False)
    first, second = (get(registry, path) for path in ("again/manifests/one", "elsewhere/manifests/cache"))
    assert first == second
    with online.opened("two") as machine:
        blobs = machine.store.db.execute("SELECT digest FROM packed").fetchall()
        assert not any(machine.store.keep_blob(digest) for (digest,) in blobs)
    assert online.build("three", graph.definition(end), cache_from=[f"{registry}/elsewhere:cache"]).ran == []


def test_a_manifest_that_registries_and_their_tools_take(online: World, registry: str) -> None:
    graph, end = chain("form")
    online.build("one", graph.definition(end), cache_to=[f"{registry}/form:cache"])
    found = get(registry, "form/manifests/cache")
    assert found["config"]["mediaType"] == CONFIG
    assert [layer["mediaType"] for layer in found["layers"]] == ["application/vnd.oci.image.layer.v1.tar+gzip"]


def test_a_registry_with_a_password(tmp_path: Path, locked: str) -> None:
    graph, end = chain("a", "b")
    allowed = World(tmp_path, connect=lambda: client(config=login(locked)))
    allowed.build("one", graph.definition(end), cache_to=[f"{locked}/private:cache"])
    assert allowed.build("two", graph.definition(end), cache_from=[f"{locked}/private:cache"]).ran == []
    refused = World(tmp_path, connect=lambda: client(config=login(locked, "wrong")))
    done = refused.build("three", graph.definition(end), cache_from=[f"{locked}/private:cache"])
    assert done.ran == ["/a", "/b"]
    assert "401" in done.events.ended[f"importing cache manifest from {locked}/private:cache"]


def test_an_image_is_its_own_cache(online: World, registry: str) -> None:
    graph = Graph()
    base = graph.file("/base")
    built = graph.file("/b", b"b", graph.file("/other"))
    end = graph.copy("/b", built, base)
    name = f"{registry}/inline:1"
    online.build("one", graph.definition(end), cache_to=["type=inline"], output=f"type=registry,name={name}")
    config = get(registry, f"inline/blobs/{get(registry, 'inline/manifests/1')['config']['digest']}")
    assert isinstance(config["moby.buildkit.cache.v0"], str)
    found = online.build("two", graph.definition(end), cache_from=[name])
    assert (found.ran, found.files) == ([], {"base": "", "b": "b"})
    changed = graph.file("/last", b"", base)
    assert online.build("three", graph.definition(changed), cache_from=[name]).ran == ["/last"]


def test_an_inline_cache_of_layers_in_another_order(online: World, registry: str) -> None:
    graph = Graph()
    parts = [graph.file(f"/{name}", name.encode()) for name in "abc"]
    end = graph.merge(*parts)
    name = f"{registry}/merged:1"
    online.build("one", graph.definition(end), cache_to=["type=inline"], output=f"type=registry,name={name}")
    backwards = graph.merge(*reversed(parts))
    found = online.build("two", graph.definition(backwards), cache_from=[name])
    assert (found.ran, list(found.files)) == (["merge"], ["a", "b", "c"])


def test_an_image_without_a_cache_holds_none(online: World, registry: str) -> None:
    graph, end = chain("a")
    online.build("one", graph.definition(end), output=f"type=registry,name={registry}/plain:1")
    done = online.build("two", graph.definition(end), cache_from=[f"{registry}/plain:1"])
    assert done.ran == ["/a"]
    assert done.events.ended[f"importing cache manifest from {registry}/plain:1"] == "done"


def test_a_name_that_is_not_there_is_told(online: World, registry: str) -> None:
    graph, end = chain("a")
    done = online.build("one", graph.definition(end), cache_from=[f"{registry}/nowhere:1", "127.0.0.1:1/x:y"])
    assert done.ran == ["/a"]
    assert "not found" in done.events.ended[f"importing cache manifest from {registry}/nowhere:1"]
    assert done.events.ended["importing cache manifest from 127.0.0.1:1/x:y"] not in ("", "done")


class Copied:
    """A registry that answers as another does, until it is told to do otherwise."""

    def __init__(self, server: Scripted, origin: str, path: str, tag: str) -> None:
        self.server, self.origin, self.path = server, origin, path
        self.document = get(origin, f"{path}/manifests/{tag}")
        request = urllib.request.Request(f"http://{origin}/v2/{path}/manifests/{tag}", headers={"Accept": ACCEPTED})
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            body, kind = answer.read(), answer.headers["Content-Type"]
        server.says("/v2/", Say())
        server.says(f"/v2/{path}/manifests/{tag}", Say(body=body, headers={"Content-Type": kind}))
        for entry in (self.document["config"], *self.document["layers"]):
            server.says(f"/v2/{path}/blobs/{entry['digest']}", self.blob(entry["digest"]))

    def blob(self, digest: str, cut: int | None = None) -> Any:
        with urllib.request.urlopen(f"http://{self.origin}/v2/{self.path}/blobs/{digest}") as answer:
            whole = answer.read()

        def say(seen: Seen) -> Say:
            start = int(seen.headers["range"].removeprefix("bytes=").rstrip("-")) if "range" in seen.headers else 0
            headers = {"Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"} if start else {}
            return Say(206 if start else 200, whole[start:], headers, cut)

        return say


def test_a_cut_transfer_goes_on_where_it_broke(online: World, registry: str) -> None:
    graph, end = chain("cut", "more")
    online.build("one", graph.definition(end), cache_to=[f"{registry}/cut:cache"])
    with Scripted() as server:
        copied = Copied(server, registry, "cut", "cache")
        digest = copied.document["layers"][0]["digest"]
        path = f"/v2/cut/blobs/{digest}"
        server.says(path, copied.blob(digest, cut=40), copied.blob(digest))
        done = online.build("two", graph.definition(end), cache_from=[f"{server.host}/cut:cache"])
        assert (done.ran, list(done.files)) == ([], ["cut", "more"])
        assert [seen.headers.get("range", "") for seen in server.seen if seen.path == path] == ["", "bytes=40-"]


@pytest.mark.parametrize("answer", [Say(404), Say(500), Say(body=b"something else")])
def test_a_blob_that_never_comes_is_built(online: World, registry: str, answer: Say) -> None:
    graph, end = chain("never", "more")
    online.build("one", graph.definition(end), cache_to=[f"{registry}/never:cache"])
    with Scripted() as server:
        copied = Copied(server, registry, "never", "cache")
        server.says(f"/v2/never/blobs/{copied.document['layers'][1]['digest']}", answer)
        done = online.build("two", graph.definition(end), cache_from=[f"{server.host}/never:cache"])
    assert (done.ran, list(done.files)) == (["/never", "/more"], ["more", "never"])


def test_an_index_over_too_many_images_is_refused(online: World) -> None:
    graph, end = chain("a")
    body = manifest("sha256:" + "0" * 64, 2)
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest_of(body), "size": len(body)}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry] * 65}
    with Scripted() as server:
        said = Say(body=json.dumps(index).encode(), headers={"Content-Type": str(index["mediaType"])})
        server.says("/v2/many/manifests/1", said)
        done = online.build("one", graph.definition(end), cache_from=[f"{server.host}/many:1"])
    assert done.ran == ["/a"]
    assert "65 images" in done.events.ended[f"importing cache manifest from {server.host}/many:1"]
