"""Source ops: what enters the graph from outside.

image_source("docker.io/library/alpine:latest@sha256:…", …)  →  docker-image://docker.io/library/alpine:latest@sha256:…
git_source(parse_git_ref("https://h/r.git#main:docs"), name)  →  git://h/r.git#main:docs
http_source("https://h/x.tar", "x.tar", name)                 →  https://h/x.tar, attr http.filename=x.tar
local_source("context", …)                                   →  local://context
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Node
from dockerfile_frontend.compiler.metadata import caps_of, described
from dockerfile_frontend.gostd.jsontext import encode_json
from dockerfile_frontend.gostd.paths import join
from dockerfile_frontend.semantics.platforms import Platform
from ir_schema import ops
from ir_schema.ops import OpMetadata, SourceOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockerfile_frontend.instructions.model import Lines
    from dockerfile_frontend.semantics.git_refs import GitRef
    from dockerfile_frontend.semantics.resolver import ResolveMode


def op_platform(platform: Platform) -> ops.Platform:
    """A platform as ops hold it."""
    return ops.Platform(platform.architecture, platform.os, platform.variant, platform.os_version, platform.os_features)


def platform_of(platform: ops.Platform | None) -> Platform | None:
    """The way back."""
    if platform is None:
        return None
    return Platform(platform.os, platform.architecture, platform.variant, platform.os_version, platform.os_features)


def image_source(
    ref: str,
    platform: Platform,
    name: str,
    *,
    command: str | None = None,
    mode: ResolveMode = "default",
    lines: Lines | tuple[()] | None = None,
) -> Node:
    """An image's file system."""
    attrs = {} if mode == "default" else {"image.resolvemode": mode}
    caps = caps_of("source.image", "source.image.resolvemode") if mode == "pull" else caps_of("source.image")
    body = SourceOp(f"docker-image://{ref}", attrs)
    return Node(body, (), described(name, caps, command=command), platform=op_platform(platform), lines=lines)


def layout_source(ref: str, store: str, session: str, platform: Platform, name: str) -> Node:
    """An image's file system, from an OCI layout that the client holds."""
    attrs = {"oci.session": session, "oci.store": store} if session else {"oci.store": store}
    body = SourceOp(f"oci-layout://{ref}", attrs)
    return Node(body, (), described(name, caps_of("source.ocilayout")), platform=op_platform(platform))


def http_source(url: str, filename: str, name: str, *, checksum: str = "", command: str | None = None) -> Node:
    """A file at a URL."""
    attrs, caps = {"http.filename": filename}, ["source.http"]
    if checksum:
        attrs["http.checksum"] = checksum
        caps.append("source.http.checksum")
    return Node(SourceOp(url, attrs), (), described(name, caps_of(*caps), command=command))


class GitWish(Record):
    """What of a repository is wanted, wherever that was said: in its URL or in flags."""

    remote: str
    ref: str = ""
    subdir: str = ""
    keep_git_dir: bool = False
    checksum: str = ""
    skip_submodules: bool = False
    mtime: str = ""
    fetch_by_commit: bool = False
    advice: bool = False
    """Git's own advice is shown in progress."""


def git_wish(
    ref: GitRef, *, keep_git_dir: bool = False, checksum: str = "", mtime: str = "", advice: bool = False
) -> GitWish:
    """What a git reference says, with what is said beside it."""
    return GitWish(
        ref.remote,
        ref.ref,
        ref.subdir,
        keep_git_dir,
        checksum or ref.checksum,
        ref.submodules is False,
        mtime,
        ref.fetch_by_commit,
        advice,
    )


def git_source(wish: GitWish, name: str) -> Node:
    """Files of a git repository.

    The reference asks an SSH server for its host key while it compiles, and puts it into the graph if it gets an answer. Compilation
    here asks nobody, which is what the reference's graph is without an answer.
    """
    identifier, remote, ssh = _git_address(wish)
    attrs, caps = {}, ["source.git"]
    if wish.keep_git_dir:
        attrs["git.keepgitdir"] = "true"
        caps.append("source.git.keepgitdir")
    attrs["git.fullurl"] = remote
    attrs["git.authtokensecret"] = "GIT_AUTH_TOKEN"
    attrs["git.authheadersecret"] = "GIT_AUTH_HEADER"
    caps.append("source.git.fullurl")
    if ssh:
        attrs["git.mountsshsock"] = "default"
        caps += ["source.git.knownsshhosts", "source.git.mountsshsock"]
    for wanted, attr, value in (
        (wish.checksum, "checksum", wish.checksum),
        (wish.skip_submodules, "skipsubmodules", "true"),
        (wish.mtime, "mtime", wish.mtime),
        (wish.fetch_by_commit, "fetchbycommit", "true"),
    ):
        if wanted:
            attrs[f"git.{attr}"] = value
            caps.append(f"source.git.{attr}")
    if wish.advice:
        attrs["git.advice"] = "true"
    return Node(SourceOp(identifier, attrs), (), described(name, caps_of(*caps)))


def _git_address(wish: GitWish) -> tuple[str, str, bool]:
    """The identifier, the remote for git, and whether that goes through SSH. One repository is one, whatever the protocol."""
    from dockerfile_frontend.semantics.git_refs import parse_git_url  # noqa: PLC0415  rare, and loads the URL parser

    remote = wish.remote
    url = parse_git_url(remote)
    if url is None:
        remote = f"https://{remote}"
        url = parse_git_url(remote)
    if url is None:
        return f"git://{remote}", remote, False
    fragment = f"#{wish.ref}" if wish.ref or wish.subdir else ""
    if wish.subdir:
        fragment += f":{wish.subdir}"
    return f"git://{url.host}{join('/', url.path)}{fragment}", url.remote, url.scheme == "ssh"


class LocalWish(Record):
    """How a local source is read."""

    name: str
    shared_key: str
    session: str = ""
    unique_id: str = ""
    exclude: Sequence[str] = ()
    """Patterns of the ignore file."""
    follow: Sequence[str] = ()
    """Paths that are needed; empty needs all."""


def local_source(wish: LocalWish, name: str) -> Node:
    """A directory of the client's."""
    attrs, caps = {}, ["source.local"]
    if wish.session:
        attrs["local.session"] = wish.session
        caps.append("source.local.sessionid")
    if wish.follow:
        attrs["local.followpaths"] = _json(wish.follow)
        caps.append("source.local.followpaths")
    if wish.exclude:
        attrs["local.excludepatterns"] = _json(wish.exclude)
        caps.append("source.local.excludepatterns")
    if wish.shared_key:
        attrs["local.sharedkeyhint"] = wish.shared_key
        caps.append("source.local.sharedkeyhint")
    if not wish.session:
        attrs["local.unique"] = wish.unique_id
        caps.append("source.local.unique")
    return Node(SourceOp(f"local://{wish.name}", attrs), (), described(name, caps_of(*caps)))


def _json(texts: Iterable[str]) -> str:
    return encode_json(list(texts)).decode()


def paths_to_follow(paths: Iterable[str]) -> list[str]:
    """What a source must send for these absolute paths to be read, sorted; nothing when that is all of it."""
    distinct = set(paths)
    if "/" in distinct:
        return []
    return sorted((join(".", path) for path in distinct), key=lambda path: path.encode("utf-8", "surrogateescape"))


def placeholder() -> Node:
    """A source that is known only when everything is lowered."""
    return Node(SourceOp("local://"), (), OpMetadata())
