"""Git repositories in ADD and in contexts: which words name one, and what of it is asked for.

    parse_git_ref("https://github.com/moby/buildkit.git#v0.11:docs")
      →  GitRef(remote="https://github.com/moby/buildkit.git", ref="v0.11", subdir="docs", …)
    parse_git_ref("git@host:repo.git?branch=main&submodules=false")
      →  GitRef(remote="git@host:repo.git", ref="refs/heads/main", submodules=False, …)
    parse_git_ref("./file")  →  None
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.gostd.paths import join
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.gostd.urls import Url, UrlError, parse_query, parse_url
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class GitRefError(ValueError):
    """A repository is named, but what is asked of it makes no sense; the reference's message."""


class GitUrl(Record):
    """Where a repository is."""

    scheme: str
    """http, https, ssh or git."""
    host: str
    """With its port."""
    path: str
    remote: str
    """What git is given: the URL without query and fragment."""
    query: Mapping[str, list[str]]
    ref: str = ""
    subdir: str = ""


class GitRef(Record):
    """What of a repository is asked for."""

    remote: str
    ref: str = ""
    """A commit, tag or branch; the default branch without one."""
    subdir: str = ""
    checksum: str = ""
    """A commit that `ref` must be."""
    keep_git_dir: bool | None = None
    submodules: bool | None = None
    mtime: str = ""
    """Time of the files: checkout (the default) or commit."""
    fetch_by_commit: bool = False
    """The checksum is fetched, without a look at where `ref` is."""
    looks_local: bool = False
    """Written without a scheme, so that only a context may be meant: github.com/…"""


_SCHEMES = ("http", "https", "ssh", "git")
_SCHEME = r"([a-zA-Z0-9]+)://"
_SCP = (
    r"(?P<user>[a-zA-Z0-9_-]+)@(?P<host>[a-zA-Z0-9.-]+):(?P<path>[^?#\n]*)(?:\?(?P<query>[^#\n]*))?(?:#(?P<fragment>.*))?"
)
_GITHUB = "github.com/"


def parse_git_ref(text: str) -> GitRef | None:
    """The repository a source or context names, or None if it names none. Raises GitRefError."""
    if ":" not in text and not text.startswith(_GITHUB):
        return None
    looks_local = text.startswith(_GITHUB)
    url = _parse_local(text) if looks_local else parse_git_url(text)
    if url is None:
        return None
    if not looks_local and url.scheme in ("http", "https") and not url.path.endswith(".git"):
        return None
    remote = url.remote.partition("://")[2] if looks_local else url.remote
    return _with_query(GitRef(remote, url.ref, url.subdir, looks_local=looks_local), url.query)


def parse_git_url(text: str) -> GitUrl | None:
    """A URL, or an address as scp takes it, that git could fetch from; None for anything else."""
    if (match := re.match(_SCHEME, text)) is None:
        return _parse_scp(text)
    if match[1].lower() not in _SCHEMES:
        return None
    try:
        return _from_url(parse_url(text))
    except UrlError:
        return None


def _parse_local(text: str) -> GitUrl | None:
    """github.com/…, which is taken for https://github.com/…."""
    try:
        return _from_url(replace(parse_url(text), scheme="https"))
    except UrlError:
        return None


def _from_url(url: Url) -> GitUrl:
    query, _ = parse_query(url.raw_query)
    remote = str(replace(url, fragment="", raw_query=""))
    return GitUrl(url.scheme, url.host, url.path, remote, query, *_split_fragment(url.fragment))


def _parse_scp(text: str) -> GitUrl | None:
    match = re.fullmatch(_SCP, text)
    if match is None:
        return None
    query, fault = parse_query(match["query"] or "")
    if fault:
        return None
    remote = f"{match['user']}@{match['host']}:{match['path']}"
    return GitUrl("ssh", match["host"], match["path"], remote, query, *_split_fragment(match["fragment"] or ""))


def _split_fragment(fragment: str) -> tuple[str, str]:
    """ref:subdir."""
    ref, _, subdir = fragment.partition(":")
    return ref, join("/", subdir).removeprefix("/")


def _with_query(found: GitRef, query: Mapping[str, list[str]]) -> GitRef:
    """What the parameters ask for, besides what the fragment does."""
    named: dict[str, str] = {}
    for key, values in query.items():
        if len(values) > 1:
            raise GitRefError(f"query {quote(key)} has multiple values")
        value = values[0]
        if not value and key not in _FLAGS:
            raise GitRefError(f"query {quote(key)} has no value")
        if key in _PREFIXES:
            named[key] = value
        elif key in _PARAMETERS:
            found = _PARAMETERS[key](found, key, value)
        else:
            raise GitRefError(f"unexpected query {quote(key)}")
    if "tag" in named and "branch" in named:
        _with_name(found, "tag", named["tag"])
        raise GitRefError("branch conflicts with tag")
    for key, value in named.items():
        found = _with_name(found, key, value)
    return found


def _with_name(found: GitRef, key: str, value: str) -> GitRef:
    """A tag or branch, by its full name."""
    prefix = _PREFIXES[key]
    return _with_ref(found, key, value if value.startswith(prefix) else prefix + value)


def _with_ref(found: GitRef, _: str, value: str) -> GitRef:
    if found.ref not in ("", value):
        raise GitRefError(f"ref conflicts: {quote(found.ref)} vs {quote(value)}")
    return replace(found, ref=value)


def _with_subdir(found: GitRef, _: str, value: str) -> GitRef:
    if found.subdir not in ("", value):
        raise GitRefError(f"subdir conflicts: {quote(found.subdir)} vs {quote(value)}")
    return replace(found, subdir=value)


def _with_checksum(found: GitRef, _: str, value: str) -> GitRef:
    return replace(found, checksum=value)


def _with_mtime(found: GitRef, _: str, value: str) -> GitRef:
    if value not in ("checkout", "commit"):
        raise GitRefError(f'invalid mtime value: {quote(value)} (must be "checkout" or "commit")')
    return replace(found, mtime=value)


def _with_flag(found: GitRef, key: str, value: str) -> GitRef:
    """A parameter that says yes when it has no value."""
    try:
        flag = parse_bool(value or "true")
    except NumberError:
        raise GitRefError(f"invalid {key} value: {quote(value)}") from None
    match key:
        case "keep-git-dir":
            return replace(found, keep_git_dir=flag)
        case "submodules":
            return replace(found, submodules=flag)
        case _:
            return replace(found, fetch_by_commit=flag)


_FLAGS = ("submodules", "keep-git-dir", "fetch-by-commit")
_PREFIXES = {"tag": "refs/tags/", "branch": "refs/heads/"}
_PARAMETERS: Mapping[str, Callable[[GitRef, str, str], GitRef]] = {
    "checksum": _with_checksum,
    "commit": _with_checksum,
    "fetch-by-commit": _with_flag,
    "keep-git-dir": _with_flag,
    "mtime": _with_mtime,
    "ref": _with_ref,
    "subdir": _with_subdir,
    "submodules": _with_flag,
}
