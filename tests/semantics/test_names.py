"""Images, platforms, repositories, modes, owners and signals are read as the tables beside this file say."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.semantics.git_refs import GitRefError, parse_git_ref, parse_git_url
from dockerfile_frontend.semantics.ownership import ChmodError, parse_chmod, parse_owner
from dockerfile_frontend.semantics.platforms import (
    InvalidPlatformError,
    Platform,
    format_platform,
    format_whole_platform,
    normalize_platform,
    parse_platform,
)
from dockerfile_frontend.semantics.references import (
    InvalidReferenceError,
    check_digest,
    parse_reference,
    parse_whole_reference,
)
from dockerfile_frontend.semantics.signals import SignalError, parse_signal
from tests.tables import outcome, rows

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "references.txt"))
def test_references(text: str, wanted: str) -> None:
    def both() -> str:
        found = parse_reference(text)
        return f"{found.tagged} {found.familiar}"

    assert outcome(both, InvalidReferenceError) == wanted


NAMES = st.from_regex(
    r"[a-z0-9]{1,3}([._-][a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,3}){0,2}(:[a-zA-Z0-9_]{1,4})?", fullmatch=True
)


@given(NAMES)
def test_a_reference_reads_back_in_both_forms(text: str) -> None:
    found = parse_reference(text)
    assert parse_reference(str(found)) == found
    assert parse_reference(found.familiar) == found
    assert parse_whole_reference(str(found)) == found


def test_a_reference_is_pinned_by_a_digest() -> None:
    assert str(parse_reference("a:1").pinned(DIGEST)) == f"docker.io/library/a:1@{DIGEST}"
    with pytest.raises(InvalidReferenceError, match="invalid digest format"):
        parse_reference("a").pinned("sha256:abc")


def test_a_whole_name_gets_nothing_added() -> None:
    assert parse_whole_reference("alpine").name == "alpine"
    with pytest.raises(InvalidReferenceError, match="repository name must have at least one component"):
        parse_whole_reference("")
    with pytest.raises(InvalidReferenceError, match="repository name must be lowercase"):
        parse_whole_reference("Alpine")
    with pytest.raises(InvalidReferenceError, match="must not be more than 255 characters"):
        parse_whole_reference("a" * 256)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (DIGEST, None),
        ("sha512:" + "0" * 128, None),
        ("sha256:" + "A" * 64, "invalid checksum digest format"),
        ("sha256:00", "invalid checksum digest length"),
        ("md5:00", "unsupported digest algorithm"),
        ("sha256:", "invalid checksum digest format"),
        ("00", "invalid checksum digest format"),
    ],
)
def test_digests(text: str, fault: str | None) -> None:
    assert outcome(lambda: check_digest(text), InvalidReferenceError) == (f"error: {fault}" if fault else "None")


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "platforms.txt"))
def test_platforms(text: str, wanted: str) -> None:
    def both() -> str:
        found = parse_platform(text)
        return f"{format_whole_platform(found)} {format_whole_platform(normalize_platform(found))}"

    assert outcome(both, InvalidPlatformError) == wanted


def test_the_short_form_leaves_the_version_out() -> None:
    assert format_platform(parse_platform("windows(10.0)/amd64")) == "windows/amd64"
    assert format_platform(Platform("", "amd64")) == format_whole_platform(Platform("", "amd64")) == "unknown"


def test_what_is_not_said_is_the_hosts() -> None:
    pi = Platform("linux", "arm", "v6")
    assert parse_platform("linux", pi) == pi
    assert parse_platform("windows", replace(pi, variant="v7")) == Platform("windows", "arm")
    assert parse_platform("arm64", Platform("darwin", "arm64")) == Platform("darwin", "arm64")


WORDS = st.sampled_from(["linux", "arm", "arm64", "amd64", "v6", "v7", "v8", "v9", "a1"])
VERSIONS = st.text("1.+%()/é", max_size=4).filter(lambda text: not text.startswith("."))


@given(st.builds(Platform, WORDS, WORDS, WORDS, st.just(""), st.just(())))
def test_normalizing_twice_is_once(platform: Platform) -> None:
    once = normalize_platform(platform)
    assert normalize_platform(once) == once
    assert normalize_platform(parse_platform(format_platform(once))) == once


@given(st.text("1.+%()/", max_size=4), st.lists(st.text("a+%()/", min_size=1, max_size=3), max_size=3))
def test_versions_and_features_are_escaped(version: str, features: list[str]) -> None:
    platform = normalize_platform(Platform("windows", "amd64", "", version, tuple(features)))
    assert parse_platform(format_whole_platform(platform)) == platform


@pytest.mark.parametrize(("text", "wanted"), rows(__file__, "git.txt"))
def test_git_references(text: str, wanted: str) -> None:
    def shown() -> str:
        found = parse_git_ref(text)
        if found is None:
            return "None"
        asked = ((field.name, getattr(found, field.name)) for field in fields(found)[1:])
        default = {"looks_local": False, "fetch_by_commit": False}
        told = [f"{name}={value}" for name, value in asked if value not in ("", None, default.get(name))]
        return " ".join([found.remote, *told])

    assert outcome(shown, GitRefError) == wanted


def test_git_urls_say_where_the_host_is() -> None:
    url = parse_git_url("ssh://git@host:22/a/b.git#v1:x")
    assert url is not None
    assert (url.scheme, url.host, url.path, url.ref, url.subdir) == ("ssh", "host:22", "/a/b.git", "v1", "x")
    scp = parse_git_url("git@host:a/b.git#v1")
    assert scp is not None
    assert (scp.scheme, scp.host, scp.path, scp.ref) == ("ssh", "host", "a/b.git", "v1")


@given(st.text("git@host:/?#&=.%20 \n", max_size=20))
def test_any_word_is_a_repository_or_none(text: str) -> None:
    for word in (text, f"https://{text}", f"github.com/{text}", f"git@h:{text}"):
        found = outcome(lambda word=word: parse_git_ref(word), GitRefError)
        assert found == "None" or found.startswith(("GitRef(", "error: "))


@pytest.mark.parametrize(("row", "wanted"), rows(__file__, "modes.txt"))
def test_modes_owners_and_signals(row: str, wanted: str) -> None:
    kind, _, text = row.partition(" ")

    def shown() -> str:
        if kind == "owner":
            owner = parse_owner(text)
            return f"{owner.user!r} {owner.group!r}"
        return str(parse_chmod(text) if kind == "chmod" else parse_signal(text))

    assert outcome(shown, ChmodError, SignalError) == wanted
