"""A commit fetched into the store's copy of a repository, and its files laid out.

    fetch_commit(source, commit, ref, git, step)                 ──▶ STORE/caches/<hash>, a bare repository that has the commit
    check_out(source, commit, ref, bare, draft.path, git, step)  ──▶ files, mode 0644 or 0755, owned by root

Only the commit itself is fetched, where the server can. Submodules are checked out unless the op says otherwise; no .git stays but
the one that is asked for. A subdirectory has to be a directory of the repository itself: no link on the way.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError

from .git import COMMIT

if TYPE_CHECKING:
    from dockerfile_frontend.executor.solver.model import Step

    from .git import GitSource
    from .git_program import Git

_OTHER_WAY = re.compile(
    r"not our ref|unadvertised|shallow|--depth|couldn't find remote ref|no such ref|not found in upstream|remote error|bad object"
)
"""What servers say that cannot give a single commit; then more is fetched."""

LINK_MODE = (0o160000).to_bytes(4)
"""How the index says that an entry is another repository's commit; anything else may look like it, too."""
PIECE = 1 << 20


def fetch_commit(source: GitSource, commit: str, ref: str, git: Git, step: Step) -> str:
    """The bare repository that has the commit. Raises ExecutorError."""
    form = "sha256" if len(commit) == 64 else "sha1"
    store = step.worker.store
    bare, _ = store.cache_directory(f"{form} {source.remote}", f"shared git repo for {source.remote}", kind="git")
    with store.exclusive(f"git {bare}", step.check_cancelled):
        if not os.path.exists(os.path.join(bare, "HEAD")):
            git.run("init", "--quiet", "--bare", f"--object-format={form}", bare)
        if not _has(commit, bare, git):
            _fetch(source, commit, ref, bare, git)
            git.run("update-ref", f"refs/kept/{commit}", commit, git_dir=bare)  # the next fetch brings only what is new
    return bare


def _fetch(source: GitSource, commit: str, ref: str, bare: str, git: Git) -> None:
    _remove(os.path.join(bare, "shallow.lock"))  # of a process that was killed
    shallow = ["--unshallow"] if os.path.exists(os.path.join(bare, "shallow")) else []
    attempts = [
        ["--depth=1", "--no-tags", "--", source.remote, commit],
        ["--depth=1", "--no-tags", "--", source.remote, ref or source.ref or "HEAD"],
        ["--tags", "--force", *shallow, "--", source.remote, "+refs/heads/*:refs/heads/*"],
    ]
    if COMMIT.fullmatch(attempts[1][-1]):
        attempts[1][-1] = "HEAD"
    what = f"failed to fetch remote {source.remote}"
    fault: ExecutorError | None = None
    for attempt in attempts:
        try:
            git.run("fetch", "--quiet", "--no-recurse-submodules", *attempt, git_dir=bare, what=what)
        except Cancelled:
            raise
        except ExecutorError as error:
            fault = fault or error
            if not _OTHER_WAY.search(str(error)):
                raise fault from None
        if _has(commit, bare, git):
            return
    raise fault or ExecutorError(f"{what}: it does not have commit {commit}")


def _has(commit: str, bare: str, git: Git) -> bool:
    try:
        git.run("cat-file", "-e", f"{commit}^{{commit}}", git_dir=bare)
    except Cancelled:
        raise
    except ExecutorError:
        return False
    return True


def check_out(source: GitSource, commit: str, ref: str, bare: str, target: str, git: Git, step: Step) -> None:
    """Lay out the files in the empty directory `target`. Raises ExecutorError."""
    with step.worker.store.scratch() as scratch:
        work = os.path.join(scratch, "tree") if source.subdir else target
        os.makedirs(work, exist_ok=True)
        inside = os.path.join(work if source.keeps_git_dir else scratch, ".git")
        _borrow(commit, bare, inside, git)
        what = f"failed to checkout remote {source.remote}"
        git.run("checkout", "--quiet", "--force", "--detach", commit, git_dir=inside, work_tree=work, what=what)
        if not source.flag("skipsubmodules") and _has_submodules(inside, work):
            what = f"failed to update submodules for {source.remote}"
            update = ("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
            git.run(*update, git_dir=inside, work_tree=work, what=what)
        if source.keeps_git_dir:
            _keep_git_dir(source, commit, ref, inside, work, git)
        else:
            _remove_git_files(work)
        if source.subdir:
            _lift(work, source.subdir, target)
    if source.attrs.get("git.mtime") == "commit":
        seconds = git.run("log", "-1", "--format=%ct", f"{commit}^{{commit}}", git_dir=bare)
        _set_times(target, int(seconds))


def _has_submodules(inside: str, work: str) -> bool:
    """Whether git has to be asked. A link to a commit that .gitmodules does not know is a fault, as in the reference."""
    if _is_file(os.path.join(work, ".gitmodules")):
        return True
    with open(os.path.join(inside, "index"), "rb") as file:
        before = b""
        while piece := file.read(PIECE):
            if LINK_MODE in before + piece:
                return True
            before = piece[-len(LINK_MODE):]
    return False


def _borrow(commit: str, bare: str, inside: str, git: Git) -> None:
    """A repository that uses the objects of the bare one."""
    form = "sha256" if len(commit) == 64 else "sha1"
    git.run("init", "--quiet", f"--object-format={form}", git_dir=inside)
    os.makedirs(os.path.join(inside, "objects", "info"), exist_ok=True)
    with open(os.path.join(inside, "objects", "info", "alternates"), "w", encoding="utf-8") as file:
        file.write(f"{bare}/objects\n")
    if os.path.exists(os.path.join(bare, "shallow")):
        shutil.copyfile(os.path.join(bare, "shallow"), os.path.join(inside, "shallow"))


def _keep_git_dir(source: GitSource, commit: str, ref: str, inside: str, work: str, git: Git) -> None:
    """Make it a repository that needs no other: objects of its own, the remote, the branch or tag by name."""
    name = ref or source.ref
    if name and not COMMIT.fullmatch(name):
        short = name.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")
        git.run("update-ref", f"refs/tags/{short}", commit, git_dir=inside, work_tree=work)
    git.run("repack", "--quiet", "-a", "-d", git_dir=inside, work_tree=work)
    _remove(os.path.join(inside, "objects", "info", "alternates"))
    for key, value in (("url", source.remote), ("fetch", "+refs/heads/*:refs/remotes/origin/*")):
        git.run("config", "--local", f"remote.origin.{key}", value, git_dir=inside, work_tree=work)


def _remove_git_files(root: str) -> None:
    """What submodules leave to say where their repository is: a path of ours."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            if name == ".git":
                path = os.path.join(folder, name)
                _remove(path) if not os.path.isdir(path) or os.path.islink(path) else shutil.rmtree(path)
        folders[:] = [name for name in folders if name != ".git"]


def _lift(work: str, subdir: str, target: str) -> None:
    """Move the subdirectory's content up, each part of its path being a real directory."""
    path = work
    for part in subdir.split("/"):
        path = os.path.join(path, part)
        shown = os.path.relpath(path, work)
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            told = f'failed to lstat "{shown}": statat {shown}: no such file or directory'
            raise ExecutorError(f"invalid subdir {subdir}: {told}") from None
        if not stat.S_ISDIR(mode):
            raise ExecutorError(f'invalid subdir {subdir}: git subpath "{subdir}" contains non-directory "{shown}"')
    for name in os.listdir(path):
        os.rename(os.path.join(path, name), os.path.join(target, name))


def _set_times(root: str, seconds: int) -> None:
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            os.utime(os.path.join(folder, name), (seconds, seconds), follow_symlinks=False)
    os.utime(root, (seconds, seconds))


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
