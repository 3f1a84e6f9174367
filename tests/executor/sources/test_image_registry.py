"""Base images from Debian's docker-registry: without a password, with one, over TLS of a test's own authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.solver.model import StepError
from dockerfile_frontend.executor.store import Store
from dockerfile_frontend.registry.client import Client
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from dockerfile_frontend.registry.names import ImageName
from tests.executor.sources.conftest import Make
from tests.executor.sources.images import AMD64, ARM64, Image, bring, digest_of, files, index_of
from tests.registry.servers import PASSWORD, client, debian_registry, login, make_authority

pytestmark = pytest.mark.e2e

OURS = Image.of({"cpu": b"amd64"}, {"bin/tool": bytes(100_000)})
THEIRS = Image.of({"cpu": b"arm64"}, {"bin/tool": bytes(100_000)}, platform=ARM64)
BOTH = {"cpu": b"amd64", "bin/tool": bytes(100_000)}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        push(client(), host)
        yield host


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as host:
        push(client(config=login(host)), host)
        yield host


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("tls")) / "ca.pem"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[str]:
    pair = (authority.parent / "cert.pem", authority.parent / "key.pem")
    with debian_registry(tmp_path_factory.mktemp("secure"), certificate=pair) as host:
        push(client(hosts=trusting(host, authority)), host)
        yield host


def trusting(host: str, authority: Path) -> HostTable:
    return HostTable({host: HostConfig(ca=(str(authority),))})


def push(ours: Client, host: str) -> None:
    """An index of two images as team/base:1."""
    name = ImageName.parse(f"{host}/team/base:1")
    for image in (OURS, THEIRS):
        for blob in (*image.blobs, image.config):
            ours.push_blob(name, digest_of(blob), len(blob), lambda offset, blob=blob: [blob[offset:]])  # type: ignore[misc]
        ours.push_manifest(ImageName.parse(f"{host}/team/base"), OCI_MANIFEST, image.manifest)
    ours.push_manifest(name, OCI_INDEX, index_of(OURS, THEIRS))
    ours.close()


def test_by_tag_and_by_digest(make: Make, store: Store, registry: str) -> None:
    machine = make()
    assert files(store, bring(machine, f"docker-image://{registry}/team/base:1")) == BOTH
    by_digest = bring(machine, f"docker-image://{registry}/team/base:1@{digest_of(index_of(OURS, THEIRS))}", platform=ARM64)
    assert files(store, by_digest)["cpu"] == b"arm64"


def test_a_machine_of_another_kind_is_asked_for(make: Make, store: Store, registry: str) -> None:
    tree = bring(make(), f"docker-image://{registry}/team/base@{THEIRS.digest}", platform=AMD64)
    assert files(store, tree)["cpu"] == b"arm64"  # no part of an index: taken whatever it is, as BuildKit takes it


def test_with_a_password(make: Make, store: Store, locked: str) -> None:
    tree = bring(make(connect=lambda: client(config=login(locked))), f"docker-image://{locked}/team/base:1")
    assert files(store, tree) == BOTH
    for path in Path(store.path).rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes()


def test_without_a_password(make: Make, locked: str) -> None:
    with pytest.raises(StepError, match=r"failed to resolve source metadata for .*: pull access denied") as caught:
        bring(make(), f"docker-image://{locked}/team/base:1")
    assert caught.value.hint == f"docker login {locked} stores them"


def test_with_a_wrong_password(make: Make, locked: str) -> None:
    with pytest.raises(StepError, match="401 Unauthorized") as caught:
        bring(make(connect=lambda: client(config=login(locked, "wrong-word"))), f"docker-image://{locked}/team/base:1")
    assert "wrong-word" not in str(caught.value)


def test_over_tls(make: Make, store: Store, secure: str, authority: Path) -> None:
    tree = bring(make(connect=lambda: client(hosts=trusting(secure, authority))), f"docker-image://{secure}/team/base:1")
    assert files(store, tree) == BOTH


def test_cve_2025_6032_tls_of_nobody_we_know(make: Make, secure: str) -> None:
    """No fall-back to an unverified or a plain connection."""
    hosts = HostTable({secure: HostConfig(http=False)})
    with pytest.raises(StepError, match="tls: failed to verify certificate"):
        bring(make(connect=lambda: client(hosts=hosts)), f"docker-image://{secure}/team/base:1")
