"""What cases fetch: files over HTTP and a git repository, on loopback, the same to every builder."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.components import require
from tests.git_daemon import git_daemon

STAMP = 1600000000
"""Modification time of every file that is served or lies in a context, seconds."""
WHO = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "a"), ("EMAIL", "a@b"))}
WHEN = {"GIT_AUTHOR_DATE": f"{STAMP} +0000", "GIT_COMMITTER_DATE": f"{STAMP} +0000"}


class Quiet(SimpleHTTPRequestHandler):
    """No line a request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401  the base class names them
        """Say nothing."""


@contextmanager
def serve_files(folder: Path) -> Iterator[str]:
    """The URL of a server that gives the files of `folder`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def write_files(folder: Path) -> None:
    (folder / "file.txt").write_text("fetched\n")
    (folder / "tree").mkdir()
    (folder / "tree" / "a.txt").write_text("packed\n")
    (folder / "tree" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "tree" / "run.sh").chmod(0o755)
    tar = ["tar", "--sort=name", "--owner=u:12", "--group=g:34", f"--mtime=@{STAMP}", "-czf"]
    subprocess.run([*tar, str(folder / "tree.tar.gz"), "-C", str(folder / "tree"), "."], check=True)
    for name in ("file.txt", "tree.tar.gz"):
        os.utime(folder / name, (STAMP, STAMP))


def write_repository(folder: Path) -> None:
    """main: a file, a program and a folder; the tag v1 lies one commit before, without the file."""

    def git(*arguments: str) -> None:
        environment = {**os.environ, **WHO, **WHEN, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run([str(require("git")), *arguments], cwd=folder, env=environment, check=True, capture_output=True)

    folder.mkdir()
    git("init", "-q", "-b", "main")
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "sub" / "deep" / "note.txt").write_text("a note\n")
    (folder / "run.sh").write_text("#!/bin/sh\necho run\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("sub/deep/note.txt")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    git("tag", "v1")
    (folder / "late.txt").write_text("late\n")
    git("add", ".")
    git("commit", "-q", "-m", "second")


@contextmanager
def serve_repository(folder: Path) -> Iterator[str]:
    """The URL below which repositories of `folder` can be cloned."""
    with git_daemon(folder) as address:
        yield f"git://{address}"
