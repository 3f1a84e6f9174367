"""git:// sources: a branch, tag or commit of a repository as files.

    SourceOp("git://host/app.git#v1:docs", {"git.fullurl": "https://host/app.git"}) ──▶ the files of docs/ at v1

One bare repository for each remote is kept in the store and fetched into. Git is run as a program that trusts nothing: no
configuration of the user or the system, no hooks, no protocols but the ones below, refs never where options could stand.
Submodules are checked out unless the op says otherwise; a subdirectory must be a real directory inside the checkout.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.record import Record

from .pin import Pin, body_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.executor.solver.model import Step
    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, SourceOp

PROTOCOLS = "http:https:ssh:git"
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
UNSAFE_REF = re.compile(r"^-|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.lock$|/$|^/|//")
SUPPORTED = frozenset({
    "git.keepgitdir", "git.fullurl", "git.authheadersecret", "git.authtokensecret", "git.knownsshhosts", "git.mountsshsock",
    "git.checksum", "git.skipsubmodules", "git.mtime", "git.fetchbycommit",
})  # fmt: skip
SAFE_CONFIG = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.file.allow=never", "protocol.ext.allow=never",
    "submodule.recurse=false", "advice.detachedHead=false", "init.defaultBranch=master", "safe.directory=*", "gc.auto=0",
)  # fmt: skip


class GitSource(Record):
    """A git source op, understood."""

    remote: str
    ref: str
    subdir: str
    attrs: Mapping[str, str]

    def flag(self, name: str) -> bool:
        return self.attrs.get(f"git.{name}") == "true"

    @property
    def checksum(self) -> str:
        return self.attrs.get("git.checksum", "")


def recall(op: Op, _worker: Worker) -> Pin | None:
    """A commit that is named needs nobody to ask. Raises ExecutorError for an op that makes no sense."""
    source = parse_source(body_of(op))
    commit = source.ref if COMMIT.fullmatch(source.ref) else ""
    if not commit and source.flag("fetchbycommit"):
        commit = source.checksum
    if commit and source.checksum and not commit.startswith(source.checksum):
        raise ExecutorError(f"expected checksum to match {source.checksum}, got {commit}")
    return _pin(source, commit) if commit else None


def resolve(op: Op, worker: Worker) -> Pin:
    """The commit that the ref names now. Raises ExecutorError when the remote cannot be reached or lacks the ref."""
    source = parse_source(body_of(op))
    with _git(source, worker) as git:
        return _pin(source, _remote_commit(source, git))


def _pin(source: GitSource, commit: str) -> Pin:
    kept = f"{source.ref or 'HEAD'}" if source.flag("keepgitdir") else ""
    extras = [source.subdir, kept, source.attrs.get("git.skipsubmodules", ""), source.attrs.get("git.mtime", "")]
    return Pin(("git", commit, *extras), state=commit, digest=commit)


def fetch(op: Op, pin: Pin, step: Step) -> Tree:
    """Bring the commit's files into a layer."""
    source = parse_source(body_of(op))
    worker: Worker = step.worker
    bare = worker.store.root / "git" / hashlib.sha256(source.remote.encode()).hexdigest()
    with worker.store.exclusive(f"git-{bare.name}"), _git(source, worker) as git:
        _fetch_commit(source, pin.state, bare, git)
        with worker.store.new_layer(description=step.name) as draft:
            _check_out(source, pin.state, bare, Path(draft.path), git)
        return Tree((draft.layer,))


def parse_source(op: SourceOp) -> GitSource:
    """Remote, ref and subdirectory of a source op. Raises ExecutorError for what is not supported or not safe."""
    unknown = {k for k in op.attrs if k.startswith("git.")} - SUPPORTED
    if unknown:
        raise ExecutorError(f"git source option {min(unknown)} is not supported by this executor")
    address, _, fragment = op.identifier.removeprefix("git://").partition("#")
    ref, _, subdir = fragment.partition(":")
    remote = op.attrs.get("git.fullurl") or f"https://{address}"
    if "://" not in remote and not re.match(r"[\w.-]+@[\w.-]+:", remote):
        remote = f"https://{remote}"
    scheme = remote.partition("://")[0] if "://" in remote else "ssh"
    if scheme not in PROTOCOLS.split(":") or remote.startswith("-"):
        raise ExecutorError(
            f"git remote {redacted(remote)} has no protocol that is allowed here ({PROTOCOLS.replace(':', ', ')})"
        )
    if ref and UNSAFE_REF.search(ref):
        raise ExecutorError(f"invalid git ref: {ref!r}")
    if op.attrs.get("git.checksum") and not re.fullmatch(r"[0-9a-fA-F]+", op.attrs["git.checksum"]):
        raise ExecutorError(f"invalid checksum {op.attrs['git.checksum']} for Git URL, expected hex commit hash")
    return GitSource(remote, ref, _clean_subdir(subdir), op.attrs)


def redacted(url: str) -> str:
    """`url` without the password in it."""
    return re.sub(r"(?<=://)[^/@]*@", "xxxxx@", url)


class Git:
    """Runs git with nothing of the user's in its way."""

    def __init__(self, settings: Sequence[str], environment: Mapping[str, str], worker: Worker) -> None:
        self._settings = [part for setting in settings for part in ("-c", setting)]
        self._environment = dict(environment)
        self._worker = worker

    def run(self, *args: str, git_dir: Path | None = None, cwd: Path | None = None) -> str:
        """Standard output of `git args`. Raises ExecutorError with what git said."""
        where = ["--git-dir", str(git_dir)] if git_dir else []
        command = ["git", *self._settings, *where, *args]
        code, out, err = self._worker.run_program(command, env=self._environment, cwd=cwd)
        if code:
            raise ExecutorError(f"git {args[0]} failed: {redacted(err.decode('utf-8', 'replace').strip())}")
        return out.decode("utf-8", "surrogateescape").strip()


def _git(source: GitSource, worker: Worker) -> _OpenGit:
    return _OpenGit(source, worker)


class _OpenGit:
    """Git with the credentials for one remote, for as long as it is needed."""

    def __init__(self, source: GitSource, worker: Worker) -> None:
        self._source = source
        self._worker = worker
        self._cleanup: list[Path] = []

    def __enter__(self) -> Git:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ALLOW_PROTOCOL": PROTOCOLS, "GIT_ASKPASS": "/bin/false", "LC_ALL": "C", "TZ": "UTC",
        }  # fmt: skip
        environment |= {
            k: v for k, v in os.environ.items() if k.lower() in ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
        }
        header = next(_auth_headers(self._source, self._worker), None)
        if header:  # by environment: an argument would be seen by every user of the machine
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{_origin(self._source.remote)}.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: {header}",
            }
        environment["GIT_SSH_COMMAND"] = self._ssh_command(environment)
        return Git(SAFE_CONFIG, environment, self._worker)

    def __exit__(self, *exc: object) -> None:
        for path in self._cleanup:
            path.unlink(missing_ok=True)

    def _ssh_command(self, environment: dict[str, str]) -> str:
        command = "ssh -F /dev/null -o BatchMode=yes"
        name = self._source.attrs.get("git.mountsshsock")
        if name is not None:
            environment["SSH_AUTH_SOCK"] = str(self._worker.session.ssh_socket(name))
        hosts = self._source.attrs.get("git.knownsshhosts")
        if hosts:
            path = self._worker.store.temporary_file(hosts.encode())
            self._cleanup.append(path)
            return f"{command} -o UserKnownHostsFile={path} -o StrictHostKeyChecking=yes"
        return f"{command} -o StrictHostKeyChecking=yes"


def _auth_headers(source: GitSource, worker: Worker) -> Iterator[str]:
    """Authorization values from secrets, the one named for the host first; a token becomes basic auth."""
    host = re.sub(r"^.*://(?:[^/@]*@)?", "", source.remote).partition("/")[0]
    for suffix in (f".{host}", ""):
        for attr, token in (("git.authheadersecret", False), ("git.authtokensecret", True)):
            name = source.attrs.get(attr)
            value = worker.session.secret(name + suffix) if name else None
            if value is not None:
                basic = b"basic " + base64.b64encode(b"x-access-token:" + value) if token else value
                yield basic.decode().strip()


def _origin(remote: str) -> str:
    """Scheme and host: the only place the credentials are sent to."""
    return "/".join(remote.split("/", 3)[:3]) + "/"


def _remote_commit(source: GitSource, git: Git) -> str:
    ref = source.ref or "HEAD"
    listed = git.run("ls-remote", "--", source.remote, ref, f"{ref}^{{}}")
    pairs = (line.partition("\t") for line in listed.splitlines())
    found = {name: commit for commit, _, name in pairs if name}
    names = [f"refs/{ref.removeprefix('refs/')}", f"refs/heads/{ref}", f"refs/tags/{ref}"] if source.ref else ["HEAD"]
    name = next((n for n in names if n in found), None)
    if name is None or not COMMIT.fullmatch(found[name]):
        raise ExecutorError(f"repository does not contain ref {ref}, output: {listed!r}")
    commits = [found[name], *([found[f"{name}^{{}}"]] if f"{name}^{{}}" in found else [])]
    if source.checksum and not any(c.startswith(source.checksum) for c in commits):
        raise ExecutorError(f"expected checksum to match {source.checksum}, got {' or '.join(commits)}")
    return commits[0] if source.flag("keepgitdir") else commits[-1]


def _fetch_commit(source: GitSource, commit: str, bare: Path, git: Git) -> None:
    if not (bare / "HEAD").exists():
        shutil.rmtree(bare, ignore_errors=True)
        bare.mkdir(parents=True)
        extra = ["--object-format=sha256"] if len(commit) == 64 else []
        git.run("init", "--quiet", "--bare", *extra, str(bare))
    if _has(commit, bare, git):
        return
    (bare / "shallow.lock").unlink(missing_ok=True)
    wanted = source.ref if source.ref and not COMMIT.fullmatch(source.ref) else "HEAD"
    attempts = [
        ["--depth=1", "--no-tags", "--", source.remote, commit],
        ["--depth=1", "--no-tags", "--", source.remote, wanted],
    ]
    attempts.append(
        [
            "--tags",
            *(["--unshallow"] if (bare / "shallow").exists() else []),
            "--",
            source.remote,
            "+refs/heads/*:refs/heads/*",
        ]
    )
    fault: ExecutorError | None = None
    for attempt in attempts:
        try:
            git.run("fetch", "--quiet", "--no-recurse-submodules", *attempt, git_dir=bare)
        except ExecutorError as error:
            fault = error
        if _has(commit, bare, git):
            return
    raise fault or ExecutorError(f"fetched {redacted(source.remote)}, but it has no commit {commit}")


def _has(commit: str, bare: Path, git: Git) -> bool:
    try:
        git.run("cat-file", "-e", f"{commit}^{{commit}}", git_dir=bare)
    except ExecutorError:
        return False
    return True


def _check_out(source: GitSource, commit: str, bare: Path, target: Path, git: Git) -> None:
    work = target / ".checkout" if source.subdir else target
    work.mkdir(exist_ok=True)
    git.run("init", "--quiet", *(["--object-format=sha256"] if len(commit) == 64 else []), str(work))
    inside = work / ".git"
    (inside / "objects/info").mkdir(parents=True, exist_ok=True)
    (inside / "objects/info/alternates").write_text(f"{bare}/objects\n")
    if (bare / "shallow").exists():
        shutil.copyfile(bare / "shallow", inside / "shallow")
    git.run("checkout", "--quiet", "--force", "--detach", commit, cwd=work)
    if not source.flag("skipsubmodules") and (work / ".gitmodules").exists():
        git.run("submodule", "update", "--init", "--recursive", "--depth=1", cwd=work)
    if source.flag("keepgitdir"):
        _keep_git_dir(source, commit, work, git)
    else:
        for found in [*work.rglob(".git")]:
            shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
    if source.attrs.get("git.mtime") == "commit":
        _set_times(work, int(git.run("log", "-1", "--format=%ct", commit, git_dir=bare)))
    if source.subdir:
        _lift(work, source.subdir, target)


def _keep_git_dir(source: GitSource, commit: str, work: Path, git: Git) -> None:
    """A repository that needs no other: objects of its own, the remote without credentials, the branch or tag by name."""
    git.run("repack", "--quiet", "-a", "-d", cwd=work)
    (work / ".git/objects/info/alternates").unlink()
    git.run("remote", "add", "origin", re.sub(r"(?<=://)[^/@]*@", "", source.remote), cwd=work)
    if source.ref and not COMMIT.fullmatch(source.ref):
        name = source.ref.removeprefix("refs/")
        git.run(
            "update-ref",
            f"refs/{name}" if name.startswith(("heads/", "tags/")) else f"refs/tags/{name}",
            commit,
            cwd=work,
        )


def _lift(work: Path, subdir: str, target: Path) -> None:
    """Move the subdirectory's content up. Each part of its path must be a real directory, so that no link leads out."""
    current = work
    for part in subdir.split("/"):
        current = current / part
        if current.is_symlink() or not current.is_dir():
            raise ExecutorError(f"git subdir {subdir!r} is not a directory of the repository")
    for entry in list(current.iterdir()):
        entry.rename(target / entry.name) if entry.name != ".checkout" else None
    shutil.rmtree(work)


def _set_times(root: Path, seconds: int) -> None:
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            os.utime(os.path.join(folder, name), (seconds, seconds), follow_symlinks=False)


def _clean_subdir(subdir: str) -> str:
    parts = [part for part in subdir.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ExecutorError(f"git subdir {subdir!r} leaves the repository")
    return "/".join(parts)
