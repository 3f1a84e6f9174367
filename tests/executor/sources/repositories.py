"""Git repositories made by tests, and servers for them.

    repo = Repository(tmp_path / "app.git"); repo.commit({"a.txt": b"hi"}); repo.git("tag", "v1")
    with served(tmp_path, password="s3cret") as server: f"http://{server.host}/app.git"
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.components import require

WHEN = "1600000000 +0000"
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "joe", "GIT_AUTHOR_EMAIL": "joe@host", "GIT_AUTHOR_DATE": WHEN,
    "GIT_COMMITTER_NAME": "joe", "GIT_COMMITTER_EMAIL": "joe@host", "GIT_COMMITTER_DATE": WHEN,
}  # fmt: skip

ANYBODY = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
"""Whoever owns a repository."""


class Repository:
    """One with a work tree; servers give its .git."""

    def __init__(self, path: Path, *, form: str = "sha1") -> None:
        require("git")
        self.path = path
        if path.exists():
            return
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={form}")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")
        self.git("config", "http.receivepack", "false")

    def git(self, *args: str | Path, config: Mapping[str, str] | None = None) -> str:
        settings = [part for key, value in (config or {}).items() for part in ("-c", f"{key}={value}")]
        done = subprocess.run(["git", *settings, *args], cwd=self.path, env=ENVIRONMENT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, bytes | str | None], message: str = "change") -> str:
        """Write files (a text is a link's target, None removes) and commit them; the commit."""
        for name, data in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink() or path.exists():
                path.unlink()
            if isinstance(data, bytes):
                path.write_bytes(data)
                path.chmod(0o755 if data.startswith(b"#!") else 0o644)
            elif data is not None:
                path.symlink_to(data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def add_submodule(self, url: str, name: str) -> None:
        self.git("submodule", "--quiet", "add", "--", url, name, config={"protocol.file.allow": "always"})


@dataclass
class GitServer:
    """What a server has been asked."""

    host: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and Authorization header of each request."""
    after: Callable[[str], object] = lambda _path: None
    """Called when a request for a path has been answered."""

    @property
    def secrets_seen(self) -> set[str]:
        return {header for _, header in self.asked if header}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


@contextlib.contextmanager
def served(root: Path, *, password: str = "", redirect: str = "", old: bool = False) -> Iterator[GitServer]:
    """Git's own HTTP back end over `root`, for joe with a password when one is given; `redirect` sends everybody there.

    An `old` one does not speak version 2 of the protocol, and so gives no commit that no ref names, unless told to.
    """
    backend = subprocess.run(["git", "--exec-path"], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout.strip()
    wanted = f"Basic {base64.b64encode(f'joe:{password}'.encode()).decode()}"

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self._chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(length)
            shown = self.headers.get("Authorization", "")
            server.asked.append((self.path, shown))
            if redirect:
                self._say(302, {"Location": redirect + self.path})
            elif password and shown.lower() != wanted.lower():
                self._say(401, {"WWW-Authenticate": 'Basic realm="git"'})
            else:
                self._run(body)
            server.after(self.path)

        do_GET = do_POST = do_any  # noqa: N815

        def _chunked(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _say(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def _run(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            environment = {
                **ENVIRONMENT, **ANYBODY, "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": "" if old else self.headers.get("Git-Protocol", ""),
            }  # fmt: skip
            done = subprocess.run([f"{backend}/git-http-backend"], input=body, env=environment, capture_output=True, check=False)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self._say(int(headers.pop("Status", "200").split()[0]), headers, content)

        def log_message(self, *_: object) -> None:
            pass

    web = _Server(("127.0.0.1", 0), Handler)
    server = GitServer(f"127.0.0.1:{web.server_port}")
    threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        web.shutdown()
        web.server_close()


def facts(root: Path) -> dict[str, tuple[str, str]]:
    """Mode and kind (or a link's target) of everything below `root`, without what is in .git."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if ".git/" in f"{name}/":
            continue
        status = path.lstat()
        kind = os.readlink(path) if path.is_symlink() else "folder" if path.is_dir() else path.read_text()
        found[name] = (oct(stat.S_IMODE(status.st_mode)) if not path.is_symlink() else "link", kind)
    return found
