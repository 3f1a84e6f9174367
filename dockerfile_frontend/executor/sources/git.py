"""git:// sources: a branch, tag or commit of a repository as files.

    SourceOp("git://host/app.git#v1:docs", {"git.fullurl": "https://host/app.git"}) ──▶ the files of docs/ at v1

One bare repository for each remote is kept in the store and fetched into; see `git_checkout`. Git is run as a program that trusts
nothing; see `git_program`. A password in a URL goes into no argument, key, message or file: it becomes a header.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.record import Record

from .pin import Pin, body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

    from .git_program import Git

PROTOCOLS = ("http", "https", "ssh", "git")
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SUPPORTED = frozenset({
    "git.keepgitdir", "git.fullurl", "git.authheadersecret", "git.authtokensecret", "git.knownsshhosts", "git.mountsshsock",
    "git.checksum", "git.skipsubmodules", "git.mtime", "git.fetchbycommit",
})  # fmt: skip
MOST_QUOTED = 200

_URL = re.compile(r"([a-zA-Z0-9]+)://(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?[^#]*)?")
_SCP = re.compile(r"([\w.+-]+)@([\w.-]+):([^?#]*)(?:\?[^#]*)?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_UNSAFE_REF = re.compile(r"^-|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.lock$|/$|^/|//")
_CHECKSUM = re.compile(r"[0-9a-fA-F]+")


class GitSource(Record):
    """A git source op, understood."""

    remote: str
    """URL without user and password, but for the user of SSH."""
    login: str = ""
    """user:password as the URL has it."""
    ref: str = ""
    subdir: str = ""
    attrs: Mapping[str, str] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        return self.attrs.get(f"git.{name}") == "true"

    @property
    def checksum(self) -> str:
        return self.attrs.get("git.checksum", "")

    @property
    def keeps_git_dir(self) -> bool:
        """A subdirectory never has one."""
        return self.flag("keepgitdir") and not self.subdir


def recall(op: Op, _worker: Worker) -> Pin | None:
    """A commit that is named needs nobody to ask. Raises ExecutorError for an op that makes no sense."""
    source = parse_source(body_of(op))
    if COMMIT.fullmatch(source.ref):
        _check_commit(source, source.ref)
        return _pin(source, source.ref, "")
    if not source.flag("fetchbycommit"):
        return None
    if not source.checksum:
        raise ExecutorError("fetch-by-commit requires a checksum or a commit SHA ref")
    if not COMMIT.fullmatch(source.checksum):
        raise ExecutorError(f'fetch-by-commit requires a full commit SHA checksum, got "{source.checksum}"')
    ref = source.ref if source.ref.startswith("refs/") or not source.ref else f"refs/heads/{source.ref}"
    return _pin(source, source.checksum, ref)


def resolve(op: Op, worker: Worker) -> Pin:
    """The commit that the ref names now. Raises ExecutorError when the remote cannot be reached or lacks the ref."""
    from .git_program import open_git

    source = parse_source(body_of(op))
    with open_git(source, worker) as git:
        return _pin(source, *_remote_commit(source, git))


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Bring the commit's files into a layer."""
    from .git_checkout import check_out, fetch_commit
    from .git_program import open_git

    source, worker = parse_source(body_of(op)), step.worker
    commit, _, ref = pin.state.partition(" ")
    with open_git(source, worker) as git:
        bare = fetch_commit(source, commit, ref, git, step)
        with worker.store.new_layer(description=step.name) as draft:
            check_out(source, commit, ref, bare, draft.path, git, step)
        return Tree((draft.layer,))


def parse_source(op: SourceOp) -> GitSource:
    """Remote, ref and subdirectory of a source op. Raises ExecutorError for what is not supported or not safe."""
    unknown = {key for key in op.attrs if key.startswith("git.")} - SUPPORTED
    if unknown:
        raise ExecutorError(f"git source option {min(unknown)} is not supported by this executor")
    address, _, fragment = op.identifier.removeprefix("git://").partition("#")
    ref, _, subdir = fragment.partition(":")
    remote, login = _parse_remote(op.attrs.get("git.fullurl") or address)
    if ref and _UNSAFE_REF.search(ref):
        raise ExecutorError(f"invalid git ref {quoted(ref)}")
    checksum = op.attrs.get("git.checksum")
    if checksum and not _CHECKSUM.fullmatch(checksum):
        raise ExecutorError(f"invalid checksum {checksum} for Git URL, expected hex commit hash")
    return GitSource(remote, login, ref, _clean_subdir(subdir), op.attrs)


def _parse_remote(text: str) -> tuple[str, str]:
    """URL for git, and the user:password that stood in it. Raises ExecutorError."""
    if _UNSAFE.search(text):
        raise ExecutorError("git remote has blanks or control characters in it")
    if "://" not in text and (scp := _SCP.fullmatch(text)):  # git@host:path
        user, host, path = scp.groups()
        _check_ssh(user, host, path)
        return f"{user}@{host}:{path}", ""
    url = _URL.fullmatch(text if "://" in text else f"https://{text}")
    scheme = url[1].lower() if url else text.partition(":")[0].lower()
    if url is None or scheme not in PROTOCOLS:
        raise ExecutorError(f"git remote has no protocol that is allowed here ({', '.join(PROTOCOLS)}): {scheme[:40]!r}")
    login, host, path = url[2] or "", url[3], url[4]
    user = login.partition(":")[0]
    _check_ssh(user, host, path)
    if scheme == "ssh":
        return f"ssh://{user}@{host}{path}" if user else f"ssh://{host}{path}", ""
    return f"{scheme}://{host}{path}", login


def _check_ssh(*parts: str) -> None:
    """No part of a remote may be taken for an option by ssh or git."""
    if any(part.startswith("-") for part in parts) or not parts[1]:
        raise ExecutorError(f"invalid host or path of a git remote: {parts[1]!r}")


def _clean_subdir(subdir: str) -> str:
    """A subdirectory as BuildKit cleans it: `..` ends at the repository's root."""
    parts: list[str] = []
    for part in subdir.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    if "\0" in subdir or ".git" in (part.lower() for part in parts):
        raise ExecutorError(f"invalid subdir {subdir!r} of a git repository")
    return "/".join(parts)


def _pin(source: GitSource, commit: str, ref: str) -> Pin:
    """The key is the commit, and what else shows in the files; where it came from is no part of it."""
    kept = f"kept {ref}" if source.keeps_git_dir else ""
    mtime = source.attrs.get("git.mtime", "")
    times = "" if mtime == "checkout" else mtime
    if times not in ("", "commit"):
        raise ExecutorError(f"invalid git.mtime {mtime!r}: checkout or commit")
    submodules = "none" if source.flag("skipsubmodules") else ""
    return Pin(("git", commit, source.subdir, kept, submodules, times), state=f"{commit} {ref}", digest=commit)


def _check_commit(source: GitSource, *commits: str) -> None:
    if source.checksum and not any(commit.startswith(source.checksum) for commit in commits):
        raise ExecutorError(f"expected checksum to match {source.checksum}, got {' or '.join(commits)}")


def _remote_commit(source: GitSource, git: Git) -> tuple[str, str]:
    """Commit and full name of the ref on the remote; of a tag object the commit, unless its .git is to be kept."""
    ref = source.ref or "HEAD"
    what = f"failed to fetch remote {source.remote}"
    listed = git.run("ls-remote", "--symref", "--", source.remote, ref, f"{ref}^{{}}", what=what)
    found, symbolic = _parse_refs(listed)
    if not source.ref:
        name, names = symbolic.get("HEAD", ""), ["HEAD"]
        if name and _UNSAFE_REF.search(name):
            raise ExecutorError(f"invalid git ref {quoted(name)}")
    else:
        names = [f"refs/{ref.removeprefix('refs/')}", *(f"refs/{kind}/{ref.removeprefix(f'refs/{kind}/')}" for kind in ("heads", "tags"))]
        name = next((name for name in names if name in found), "")
        names = [name]
    commits = [found[key] for key in (names[0], f"{names[0]}^{{}}") if key in found]
    if not commits:
        raise ExecutorError(f"repository does not contain ref {ref}, output: {quoted(listed)}")
    if not all(COMMIT.fullmatch(commit) for commit in commits):
        raise ExecutorError(f"invalid commit sha {commits[0][:80]!r}")
    _check_commit(source, *commits)
    return commits[0] if source.keeps_git_dir else commits[-1], name


def _parse_refs(listed: str) -> tuple[dict[str, str], dict[str, str]]:
    """Objects by the names of refs, and refs by the names of symbolic ones."""
    objects: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    for line in listed.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            symbolic[name] = value.removeprefix("ref: ")
        else:
            objects[name] = value
    return objects, symbolic


def quoted(text: str) -> str:
    """As Go writes it between quotes."""
    from dockerfile_frontend.gostd.text import quote

    return quote(text[:MOST_QUOTED])
