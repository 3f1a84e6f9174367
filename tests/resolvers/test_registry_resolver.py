"""Base images from registries: Debian's real one, and a scripted one where a registry has to be odd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.registry.client import Client, Settings
from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from dockerfile_frontend.registry.names import ImageName
from dockerfile_frontend.resolvers.concurrent import Concurrent
from dockerfile_frontend.resolvers.make import ResolverOptions, make_resolver
from dockerfile_frontend.resolvers.registry import RegistryResolver
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ImageRequest, ResolveError
from tests.registry.servers import Clock, Say, Scripted, debian_registry
from tests.resolvers.samples import AMD64, ARM64, config, image, index


class Content:
    """A blob, from any offset on."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __call__(self, offset: int) -> list[bytes]:
        return [self._body[offset:]]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client(Settings(retry=Clock().retry())) as made:
        yield made


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, client: Client) -> Iterator[str]:
    """A registry with `app:all` for amd64 and arm64, and `app:one` for amd64."""
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        app = ImageName.parse(f"{host}/app")
        for architecture in ("amd64", "arm64"):
            body = config(architecture)
            client.push_blob(app, digest_of(body), len(body), Content(body))
            client.push_manifest(app, OCI_MANIFEST, image(architecture))
        client.push_manifest(ImageName.parse(f"{host}/app:all"), OCI_INDEX, index("amd64", "arm64"))
        client.push_manifest(ImageName.parse(f"{host}/app:one"), OCI_MANIFEST, image("amd64"))
        yield host


@pytest.mark.e2e
def test_an_index_keeps_its_digest_and_gives_the_platforms_config(registry: str, client: Client) -> None:
    resolver = RegistryResolver(lambda: client)
    for platform in (AMD64, ARM64, Platform("linux", "arm64", "v8")):
        found = resolver.resolve_image(f"{registry}/app:all", platform, "default")
        assert found.ref == f"{registry}/app:all"
        assert found.digest == digest_of(index("amd64", "arm64"))
        assert found.config == config(platform.architecture)


@pytest.mark.e2e
def test_by_digest(registry: str, client: Client) -> None:
    digest = digest_of(image("arm64"))
    found = RegistryResolver(lambda: client).resolve_image(f"{registry}/app:ignored@{digest}", AMD64, "default")
    assert (found.digest, found.config) == (digest, config("arm64"))


@pytest.mark.e2e
def test_the_references_words(registry: str, client: Client) -> None:
    resolver = RegistryResolver(lambda: client)
    with pytest.raises(ResolveError) as caught:
        resolver.resolve_image(f"{registry}/nope:latest", AMD64, "default")
    ref = f"{registry}/nope:latest"
    assert str(caught.value) == f"failed to resolve source metadata for {ref}: {ref}: not found"
    with pytest.raises(ResolveError, match=r"app:all: no match for platform in manifest: not found$"):
        resolver.resolve_image(f"{registry}/app:all", Platform("linux", "s390x"), "default")


@pytest.mark.e2e
def test_all_together(registry: str) -> None:
    resolver = make_resolver(ResolverOptions(), {"HOME": "/nonexistent"})
    assert isinstance(resolver, Concurrent)
    requests = [
        ImageRequest(f"{registry}/app:{tag}", platform) for tag in ("all", "one") for platform in (AMD64, ARM64)
    ]
    resolver.prefetch(requests)
    found = [resolver.resolve_image(request.ref, request.platform, "default") for request in requests]
    resolver.close()
    assert [answer.config for answer in found] == [config(name) for name in ("amd64", "arm64", "amd64", "amd64")]


def test_a_name_that_is_none(client: Client) -> None:
    with pytest.raises(ResolveError, match=r"^failed to resolve source metadata for x y: invalid reference format"):
        RegistryResolver(lambda: client).resolve_image("x y", AMD64, "default")


def test_a_config_that_is_another(client: Client) -> None:
    with Scripted() as server:
        server.says("/v2/a/manifests/1", Say(body=image("amd64")))
        server.says(f"/v2/a/blobs/{digest_of(config('amd64'))}", Say(body=config("amd64").replace(b"amd64", b"evil!")))
        with pytest.raises(ResolveError, match="unexpected commit digest"):
            RegistryResolver(lambda: client).resolve_image(f"{server.host}/a:1", AMD64, "default")


def test_an_image_of_the_first_schema(client: Client) -> None:
    body = json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode()
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    with Scripted() as server:
        server.says("/v2/a/manifests/1", Say(body=body, headers={"Content-Type": kind}))
        with pytest.raises(ResolveError, match="manifest version 2, schema 1 has been removed"):
            RegistryResolver(lambda: client).resolve_image(f"{server.host}/a:1", AMD64, "default")


def test_faulty_settings_are_a_refusal_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "hosts.toml").write_text("[")
    for options, environment in [
        (ResolverOptions(), {"DOCKER_CONFIG": str(tmp_path)}),
        (ResolverOptions(hosts=tmp_path / "hosts.toml"), {}),
    ]:
        with pytest.raises(ResolveError, match=rf"docker\.io/library/a:1: {tmp_path}/"):
            make_resolver(options, environment).resolve_image("docker.io/library/a:1", AMD64, "default")


def test_offline_asks_nobody() -> None:
    with pytest.raises(ResolveError, match="no resolver was given"):
        make_resolver(ResolverOptions(offline=True), {}).resolve_image("docker.io/library/a:1", AMD64, "default")
