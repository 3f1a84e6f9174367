"""Debian's docker-registry: push and pull, with and without a password, with TLS of a test's own authority."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.registry.digests import digest_of
from dockerfile_frontend.registry.errors import (
    BadContent,
    Broken,
    Denied,
    NotFound,
    RegistryError,
    UnexpectedStatus,
    Unreachable,
)
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from dockerfile_frontend.registry.media import OCI_INDEX, OCI_MANIFEST
from dockerfile_frontend.registry.names import ImageName
from dockerfile_frontend.registry.push import Outcome
from dockerfile_frontend.registry.retry import Retry
from tests.registry.servers import (
    Clock,
    Say,
    Scripted,
    client,
    debian_registry,
    login,
    make_authority,
    manifest,
    put_blob,
)

pytestmark = pytest.mark.e2e

BLOB = bytes(range(256)) * 4096
DIGEST = digest_of(BLOB)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with debian_registry(tmp_path_factory.mktemp("locked"), htpasswd=True) as host:
        yield host


def content(offset: int) -> Iterable[bytes]:
    """The blob from `offset` on, in pieces of an odd length."""
    return (BLOB[at : at + 10_007] for at in range(offset, len(BLOB), 10_007))


def name(host: str, rest: str) -> ImageName:
    return ImageName.parse(f"{host}/{rest}")


@pytest.mark.parametrize("chunk", [None, 1 << 30, 100_000, len(BLOB)])
def test_a_blob_there_and_back(registry: str, chunk: int | None) -> None:
    ours, repo = client(), name(registry, f"blob/chunk{chunk}".lower())
    assert ours.push_blob(repo, DIGEST, len(BLOB), content, chunk=chunk) is Outcome.SENT
    assert ours.push_blob(repo, DIGEST, len(BLOB), content) is Outcome.PRESENT
    assert b"".join(ours.read_blob(repo, DIGEST, len(BLOB))) == BLOB


@pytest.mark.parametrize("small", [b"", b"x"])
def test_the_smallest_blobs(registry: str, small: bytes) -> None:
    ours, repo = client(), name(registry, "blob/small")
    assert ours.push_blob(repo, digest_of(small), len(small), lambda offset: [small[offset:]]) is Outcome.SENT
    assert ours.get_blob(repo, digest_of(small), limit=10) == small


def test_a_blob_is_mounted_from_another_repository(registry: str) -> None:
    put_blob(registry, "mount/from", DIGEST, BLOB)
    ours = client()
    found = ours.push_blob(name(registry, "mount/to"), DIGEST, len(BLOB), content, mount_from=["absent", "mount/from"])
    assert found is Outcome.MOUNTED
    assert ours.has_blob(name(registry, "mount/to"), DIGEST)


def test_a_mount_that_fails_is_sent(registry: str) -> None:
    found = client().push_blob(name(registry, "mount/no"), DIGEST, len(BLOB), content, mount_from=["absent"])
    assert found is Outcome.SENT


def broken_once(number: int, after: int, asked: list[int]) -> Callable[[int], Iterator[bytes]]:
    """The blob, but `after` so many bytes the connection breaks while it is read for the `number`th time."""

    def read(offset: int) -> Iterator[bytes]:
        asked.append(offset)
        if len(asked) == number:
            yield BLOB[offset : offset + after]
            raise Broken("the cable was pulled", retry=True)
        yield from content(offset)

    return read


@pytest.mark.parametrize(
    ("number", "asked"), [(2, [0, 400_000, 400_000, 800_000]), (3, [0, 400_000, 800_000, 800_000])]
)
def test_an_upload_that_breaks_between_chunks_goes_on(registry: str, number: int, asked: list[int]) -> None:
    repo, offsets = name(registry, f"broken/between{number}"), list[int]()
    sent = client().push_blob(repo, DIGEST, len(BLOB), broken_once(number, 0, offsets), chunk=400_000)
    assert (sent, offsets) == (Outcome.SENT, asked)
    assert b"".join(client().read_blob(repo, DIGEST)) == BLOB


@pytest.mark.parametrize(("chunk", "number"), [(None, 1), (400_000, 3)])
def test_an_upload_that_breaks_within_a_chunk_ends_well(registry: str, chunk: int | None, number: int) -> None:
    """Distribution 2 gives such an upload up; ours begins anew, once the registry has noticed."""
    repo, offsets = name(registry, f"broken/within{number}"), list[int]()
    reader = broken_once(number, 100_000, offsets)
    patient = client(retry=Retry(first=0.05))
    assert patient.push_blob(repo, DIGEST, len(BLOB), reader, chunk=chunk) is Outcome.SENT
    assert offsets.count(0) > 1
    assert b"".join(client().read_blob(repo, DIGEST)) == BLOB


def test_an_upload_goes_on_where_the_registry_says() -> None:
    with Scripted() as server:
        server.says("/v2/a/blobs/uploads/", Say(202, headers={"Location": "/up?s=1"}))
        status = Say(204, headers={"Location": "/up?s=2", "Range": "0-999999"})
        done = Say(202, headers={"Location": "/up?s=3", "Range": f"0-{len(BLOB) - 1}"})
        script = {"PUT /up?s=1": Say(502), "GET /up?s=1": status, "PATCH /up?s=2": done, "PUT /up?s=3": Say(201)}
        server.says("/up", lambda seen: script[f"{seen.method} {seen.path.partition('&')[0]}"])
        client().push_blob(name(server.host, "a"), DIGEST, len(BLOB), content)
        patch = next(seen for seen in server.seen if seen.method == "PATCH")
    assert patch.headers["content-range"] == f"1000000-{len(BLOB) - 1}"
    assert patch.body == BLOB[1_000_000:]


def test_a_blob_that_is_another_is_refused(registry: str) -> None:
    wrong = "sha256:" + "0" * 64
    with pytest.raises(UnexpectedStatus, match="400 Bad Request: digest invalid"):
        client().push_blob(name(registry, "wrong/blob"), wrong, len(BLOB), content)


def test_a_blob_that_ends_early(registry: str) -> None:
    with pytest.raises(RegistryError, match="ended 1 bytes early while it was sent"):
        client().push_blob(name(registry, "wrong/short"), DIGEST, len(BLOB) + 1, content)


def test_images_and_indexes(registry: str) -> None:
    ours, config = client(), b"{}"
    image = name(registry, "images/a:one")
    ours.push_blob(image, digest_of(config), 2, lambda offset: [config[offset:]])
    body = manifest(digest_of(config), 2)
    digest = ours.push_manifest(image, OCI_MANIFEST, body)
    entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(body)}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    ours.push_manifest(name(registry, "images/a:all"), OCI_INDEX, index)
    untagged = ours.push_manifest(name(registry, "images/a"), OCI_INDEX, index + b"\n")

    assert ours.get_manifest(image).body == body
    assert ours.head_manifest(image).digest == digest == ours.get_manifest(image).digest
    assert ours.get_manifest(name(registry, f"images/a@{untagged}")).body == index + b"\n"
    assert sorted(ours.list_tags(image)) == ["all", "one"]


def test_what_is_not_there(registry: str) -> None:
    ours = client()
    with pytest.raises(NotFound, match=f"^{registry}/no/such:latest: not found$"):
        ours.get_manifest(name(registry, "no/such:latest"))
    with pytest.raises(NotFound):
        ours.head_manifest(name(registry, "no/such:latest"))
    with pytest.raises(NotFound):
        ours.list_tags(name(registry, "no/such"))
    assert not ours.has_blob(name(registry, "no/such"), DIGEST)


def test_a_password(locked: str) -> None:
    ours = client(config=login(locked))
    assert ours.push_blob(name(locked, "a"), DIGEST, len(BLOB), content) is Outcome.SENT
    assert b"".join(ours.read_blob(name(locked, "a"), DIGEST)) == BLOB


def test_no_password(locked: str) -> None:
    with pytest.raises(
        Denied, match=r"^pull access denied, .*authorization failed: no basic auth credentials$"
    ) as caught:
        client().get_manifest(name(locked, "a:1"))
    assert caught.value.hint == f"docker login {locked} stores them"
    with pytest.raises(Denied, match=r"^push access denied, "):
        client().push_blob(name(locked, "a"), DIGEST, len(BLOB), content)


def test_a_wrong_password(locked: str) -> None:
    with pytest.raises(UnexpectedStatus, match="401 Unauthorized: unauthorized: authentication required") as caught:
        client(config=login(locked, "wrong")).get_manifest(name(locked, "a:1"))
    assert "docker login" in caught.value.hint
    assert "wrong" not in str(caught.value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[str]:
    pair = (authority / "cert.pem", authority / "key.pem")
    with debian_registry(tmp_path_factory.mktemp("secure"), certificate=pair) as host:
        yield host


def test_tls_of_an_own_authority(secure: str, authority: Path) -> None:
    ours = client(hosts=HostTable({secure: HostConfig(ca=(str(authority / "ca.pem"),))}))
    assert ours.push_blob(name(secure, "a"), DIGEST, len(BLOB), content) is Outcome.SENT
    assert b"".join(ours.read_blob(name(secure, "a"), DIGEST)) == BLOB


def test_tls_of_nobody_we_know(secure: str) -> None:
    ours = client(hosts=HostTable({secure: HostConfig(http=False)}))
    with pytest.raises(Unreachable, match="tls: failed to verify certificate: x509: ") as caught:
        ours.get_manifest(name(secure, "a:1"))
    assert "certificate authority" in caught.value.hint


def test_tls_unchecked_when_told_so(secure: str) -> None:
    ours = client(hosts=HostTable({secure: HostConfig(insecure=True)}))
    with pytest.raises(NotFound):
        ours.get_manifest(name(secure, "a:none"))


def test_a_missing_authority(secure: str) -> None:
    ours = client(hosts=HostTable({secure: HostConfig(ca=("/absent.pem",))}))
    with pytest.raises(RegistryError, match=r"^certificate /absent\.pem: "):
        ours.get_manifest(name(secure, "a:1"))


def test_a_secret_never_leaves_tls_for_its_upload() -> None:
    with Scripted() as server, Scripted() as other:
        uploads = "/v2/a/blobs/uploads/"
        server.says(uploads, Say(202, headers={"Location": f"http://{other.host}/up?x=1"}))
        other.says("/up", Say(201))
        sent = client(config=login(server.host)).push_blob(name(server.host, "a"), DIGEST, len(BLOB), content)
        assert sent is Outcome.SENT
        assert other.seen[0].path == f"/up?x=1&digest={DIGEST}"
        assert "authorization" not in other.seen[0].headers


@pytest.mark.parametrize("location", ["", "ftp://x/", "http://u:p@x/", "http://[/"])
def test_an_upload_to_nowhere(location: str) -> None:
    with Scripted() as server:
        server.says("/v2/a/blobs/uploads/", Say(202, headers={"Location": location}))
        with pytest.raises(BadContent, match="upload address is an invalid URL"):
            client().push_blob(name(server.host, "a"), DIGEST, len(BLOB), content)


def test_a_registry_that_keeps_failing_to_store() -> None:
    clock = Clock()
    with Scripted() as server:
        server.says("/v2/a/blobs/uploads/", Say(202, headers={"Location": "/up"}))
        server.says("/up", Say(503))
        with pytest.raises(UnexpectedStatus, match="503 Service Unavailable"):
            client(clock=clock).push_blob(name(server.host, "a"), DIGEST, len(BLOB), content)
    assert sum(clock.slept) < 120


def test_a_registry_that_claims_more_than_there_is() -> None:
    with Scripted() as server:
        server.says("/v2/a/blobs/uploads/", Say(202, headers={"Location": "/up"}))
        server.says("/up", Say(202, headers={"Location": "/up", "Range": "0-99999999"}))
        with pytest.raises(BadContent, match="claims to have 100000000 of 1048576 bytes"):
            client().push_blob(name(server.host, "a"), DIGEST, len(BLOB), content, chunk=1000)


def test_a_registry_that_stored_something_else() -> None:
    with Scripted() as server:
        server.says("/v2/a/manifests/1", Say(201, headers={"Docker-Content-Digest": "sha256:" + "0" * 64}))
        with pytest.raises(BadContent, match="got digest"):
            client().push_manifest(name(server.host, "a:1"), OCI_MANIFEST, b"{}")
