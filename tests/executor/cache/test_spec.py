"""What --cache-from and --cache-to may say, and what is said of the rest."""

from __future__ import annotations

import pytest

from dockerfile_frontend.executor.cache.spec import CacheSpec, parse_cache_from, parse_cache_to
from dockerfile_frontend.executor.solver.model import ExecutorError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("type=local,src=cache", CacheSpec("local", "cache")),
        ("type=local,src=c,tag=main", CacheSpec("local", "c", {"tag": "main"})),
        (f"type=local,src=c,digest={DIGEST}", CacheSpec("local", "c", {"digest": DIGEST})),
        ("type=registry,ref=app", CacheSpec("registry", "docker.io/library/app:latest")),
        ("TYPE=registry,REF=r.example/app:1", CacheSpec("registry", "r.example/app:1")),
        ('type=local,"src=a,b"', CacheSpec("local", "a,b")),
        ("user/app:cache", CacheSpec("registry", "docker.io/user/app:cache")),
        (f"r.example/app@{DIGEST}", CacheSpec("registry", f"r.example/app:latest@{DIGEST}")),
        ("type=local,src=c,mounts=all", CacheSpec("local", "c", {"mounts": "all"})),
    ],
)
def test_caches_to_read(text: str, spec: CacheSpec) -> None:
    assert parse_cache_from(text) == spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("type=local,dest=cache,mode=max", CacheSpec("local", "cache", {"mode": "max"})),
        ("type=inline", CacheSpec("inline")),
        ("r.example/app:cache", CacheSpec("registry", "r.example/app:cache")),
        (
            "type=registry,ref=r.example/c:1,mode=max,compression=zstd,compression-level=9,ignore-error=true",
            CacheSpec(
                "registry",
                "r.example/c:1",
                {"mode": "max", "compression": "zstd", "compression-level": "9", "ignore-error": "true"},
            ),
        ),
    ],
)
def test_caches_to_write(text: str, spec: CacheSpec) -> None:
    assert parse_cache_to(text) == spec


def test_what_a_spec_means() -> None:
    assert parse_cache_to("type=local,dest=c,mode=max").whole
    assert not parse_cache_to("type=local,dest=c").whole
    assert parse_cache_from("type=local,src=c,mounts=all").mounts is None
    assert parse_cache_from("type=local,src=c,mounts=a;b").mounts == ("a", "b")
    assert parse_cache_from("type=local,src=c").mounts == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=local", "local cache importer requires src"),
        ("type=registry", "registry cache importer requires ref"),
        ("type=gha", "not supported"),
        ("type=s3,bucket=b", "Amazon S3"),
        ("type=azblob", "Azure Blob Storage"),
        ("type=inline", "read with its image"),
        ("type=other", "unknown cache importer: 'other'"),
        ("type=local,src=c,mode=max", "has no option 'mode'"),
        ("type=local,src=c,digest=sha256:../x", "invalid digest"),
        ("type=local,src=c,tag=../x", "invalid tag"),
        ("type=registry,ref=UPPER", "must be lowercase"),
        ("type=registry,ref=r.example/app@sha256:12", "invalid digest"),
        ("type=local,src=c,mounts-newer=true", "says nothing without mounts"),
        ("type=local,src", "invalid value src"),
        ("ref=app", "requires type"),
        ("", "requires type"),
    ],
)
def test_caches_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(ExecutorError, match=message):
        parse_cache_from(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=local", "local cache exporter requires dest"),
        ("type=registry,mode=max", "registry cache exporter requires ref"),
        ("type=gha", "not supported"),
        ("type=local,dest=c,mode=all", "unsupported cache mode 'all'"),
        ("type=inline,mode=max", "holds the layers of its image only"),
        ("type=local,dest=c,compression=estargz", "unsupported layer compression type"),
        ("type=local,dest=c,compression-level=99", "gzip has levels 0 to 9"),
        ("type=local,dest=c,oci-mediatypes=false,image-manifest=true", "OCI mediatypes are required"),
        ("type=local,dest=c,ignore-error=perhaps", "non-bool value"),
        (f"type=registry,ref=r.example/app@{DIGEST}", "cannot be named by a digest"),
        ("type=local,dest=c,src=d", "has no option 'src'"),
    ],
)
def test_caches_that_cannot_be_written(text: str, message: str) -> None:
    with pytest.raises(ExecutorError, match=message):
        parse_cache_to(text)
