from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from dockerfile_frontend.registry.client import Client, Settings
from dockerfile_frontend.registry.errors import RegistryError
from dockerfile_frontend.resolvers import archive_time
from dockerfile_frontend.resolvers.archive_time import newest_file
from dockerfile_frontend.resolvers.registry import RegistryResolver
from dockerfile_frontend.semantics.resolver import ResolveError
from tests.components import require
from tests.git_daemon import git_daemon
from tests.registry.servers import Clock, Say, Scripted


@pytest.fixture
def resolver() -> Iterator[RegistryResolver]:
    with Client(Settings(retry=Clock().retry())) as client:
        yield RegistryResolver(lambda: client, os.environ)


def archive(*times: float, kind: bytes = tarfile.REGTYPE, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tar_format) as tar:
        for time in times:
            info = tarfile.TarInfo("d/" * 120 + "file")
            info.mtime, info.type = time, kind
            info.size = 3000 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"x" * 3000))
    return target.getvalue()


def pieces(body: bytes, length: int = 1000) -> Iterator[bytes]:
    return (body[at : at + length] for at in range(0, len(body), length))


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress]
)
@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_the_newest_file_of_an_archive(pack: Callable[[bytes], bytes], tar_format: int) -> None:
    body = pack(archive(1_600_000_000, 1_700_000_000, 5, tar_format=tar_format))
    assert newest_file(pieces(body)) == 1_700_000_000


def test_fractions_and_early_times() -> None:
    assert newest_file(pieces(archive(1.75, -3.5))) == 1
    assert newest_file(pieces(archive(-3.5))) == -4


@pytest.mark.parametrize("kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_only_files_count(kind: bytes) -> None:
    assert newest_file(pieces(archive(1_700_000_000, kind=kind))) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"x" * 2000,
        archive(5)[:2000],
        gzip.compress(archive(5), mtime=0)[:-20],
        gzip.compress(b"no tar at all", mtime=0),
        b"\x1f\x8b\x08" + b"\xff" * 600,
        b"BZh" + b"\xff" * 600,
        b"\xfd7zXZ\x00" + b"\xff" * 600,
        b"\x28\xb5\x2f\xfd" + b"\xff" * 600,
    ],
)
def test_what_is_no_archive(body: bytes) -> None:
    assert newest_file(pieces(body)) is None


def test_a_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_time, "_MAX_PLAIN", 1 << 20)
    info = tarfile.TarInfo("big")
    info.size = 1 << 30
    with pytest.raises(RegistryError, match="too large to look for its newest file"):
        newest_file(pieces(gzip.compress(info.tobuf() + bytes(4 << 20))))


def test_last_modified(resolver: RegistryResolver) -> None:
    with Scripted() as server:
        server.says("/a", Say(302, headers={"Location": "/b"}))
        server.says("/b", Say(body=b"x", headers={"Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT"}))
        assert resolver.source_time(f"http://{server.host}/a", {"http.filename": "a"}) == 1_700_000_000


@pytest.mark.parametrize(
    ("headers", "attrs", "found"),
    [
        ({}, {"http.filename": "a"}, 7),
        ({"Last-Modified": "soon"}, {"http.filename": "a"}, 7),
        ({"Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT"}, {"http.filename": "a", "http.checksum": "sha256:x"}, 7),
        ({}, {}, None),
    ],
)
def test_without_it_the_archive_is_looked_at(
    resolver: RegistryResolver, headers: dict[str, str], attrs: dict[str, str], found: int | None
) -> None:
    with Scripted() as server:
        server.says("/a.tar", Say(body=archive(7), headers=headers))
        assert resolver.source_time(f"http://{server.host}/a.tar", attrs) == found


def test_a_file_that_is_not_there(resolver: RegistryResolver) -> None:
    with Scripted() as server, pytest.raises(ResolveError, match=r"unexpected status from GET request .*404 Not Found"):
        resolver.source_time(f"http://{server.host}/a", {"http.filename": "a"})


def test_an_archive_that_is_cut(resolver: RegistryResolver) -> None:
    with Scripted() as server:
        server.says("/a", Say(body=archive(7), cut=1000))
        with pytest.raises(ResolveError, match=r"unexpected EOF"):
            resolver.source_time(f"http://{server.host}/a", {"http.filename": "a"})


def test_another_source_says_nothing(resolver: RegistryResolver) -> None:
    assert resolver.source_time("local://context", {}) is None


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{role}_{key}": "x" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    identity |= {"GIT_AUTHOR_DATE": "1500000000 +0100", "GIT_COMMITTER_DATE": "1600000000 -0330", "HOME": str(folder)}
    done = subprocess.run(
        [require("git"), *arguments], cwd=folder, env=os.environ | identity, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A repository with the tag v1, behind a git server on loopback; its host and path, and its commit."""
    top = tmp_path_factory.mktemp("git")
    git(top, "init", "-q", "-b", "main", "repo")
    git(top / "repo", "commit", "-q", "--allow-empty", "-m", "a\n\ncommitter x <x> 1 +0000")
    git(top / "repo", "tag", "-a", "v1", "-m", "v1")
    with git_daemon(top) as address:
        yield f"{address}/repo", git(top / "repo", "rev-parse", "HEAD")


@pytest.mark.e2e
@pytest.mark.parametrize("ref", ["", "#v1", "#main:sub/folder"])
def test_a_commits_time(resolver: RegistryResolver, repository: tuple[str, str], ref: str) -> None:
    address, commit = repository
    attrs = {"git.fullurl": f"git://{address}", "git.checksum": commit[:12]}
    assert resolver.source_time(f"git://{address}{ref}", attrs) == 1_600_000_000


@pytest.mark.e2e
def test_a_commit_that_is_another_or_none(resolver: RegistryResolver, repository: tuple[str, str]) -> None:
    address, commit = repository
    attrs = {"git.fullurl": f"git://{address}"}
    with pytest.raises(ResolveError, match=f"^expected checksum to match 1234567, got {commit}$"):
        resolver.source_time(f"git://{address}", {**attrs, "git.checksum": "1234567"})
    with pytest.raises(ResolveError, match=r"^git fetch failed: fatal: couldn't find remote ref nope$"):
        resolver.source_time(f"git://{address}#nope", attrs)


@pytest.mark.parametrize(
    ("identifier", "attrs", "message"),
    [
        ("git://x", {"git.fullurl": "ext::sh -c id"}, "is not an http, https, ssh or git address"),
        ("git://x", {"git.fullurl": "file:///etc"}, "is not an http, https, ssh or git address"),
        ("git://x", {"git.fullurl": "--upload-pack=id"}, "is not an http, https, ssh or git address"),
        ("git://x", {"git.fullurl": "https://u:hush@x/y::z/"}, "git fetch failed|could not|cannot run"),
        ("git://x/y#--upload-pack=id", {}, "invalid git ref"),
        ("git://x/y#+a:b", {}, "invalid git ref"),
        ("git://x/y#a..b", {}, "invalid git ref"),
    ],
)
def test_git_is_not_talked_into_anything(
    resolver: RegistryResolver, identifier: str, attrs: dict[str, str], message: str
) -> None:
    with pytest.raises(ResolveError, match=message) as caught:
        resolver.source_time(identifier, attrs)
    assert "hush" not in str(caught.value)
