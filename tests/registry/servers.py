"""Registries to test against: one that does as it is told, and Debian's real one.

with Scripted() as server:
    server.says("/v2/a/manifests/1", Say(429, headers={"Retry-After": "3"}), Say(body=manifest))
    server.seen[0].headers["authorization"]
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from dockerfile_frontend.registry.client import Client, Settings
from dockerfile_frontend.registry.credentials import CredentialStore
from dockerfile_frontend.registry.deadlines import Timeouts
from dockerfile_frontend.registry.hosts import HostTable
from dockerfile_frontend.registry.media import OCI_MANIFEST
from dockerfile_frontend.registry.retry import Retry
from tests.components import require
from tests.waiting import until

PASSWORD = "s3cret"  # noqa: S105  of a registry that lives as long as a test
# joe with the password above: perl -e 'print crypt("s3cret", q($2b$05$abcdefghijklmnopqrstuu))'
HTPASSWD = "joe:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"


@dataclass(frozen=True, slots=True)
class Say:
    """One scripted answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Hang up after so many bytes of the body."""
    pause: float = 0.0
    """Wait so many seconds before each byte of the body."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news here."""


Script = Say | Callable[[Seen], Say]


class Scripted:
    """A server on loopback that answers as its script says; the last answer for a path repeats."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._scripts: dict[str, list[Script]] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {key.lower(): value for key, value in self.headers.items()}
                outer._answer(self, Seen(self.command, self.path, headers, body))

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_CONNECT = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def says(self, path: str, *scripts: Script) -> None:
        self._scripts[path] = list(scripts)

    def _answer(self, handler: http.server.BaseHTTPRequestHandler, seen: Seen) -> None:
        self.seen.append(seen)
        scripts = self._scripts.get(seen.path) or self._scripts.get(seen.path.partition("?")[0]) or [Say(404)]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        say = script if isinstance(script, Say) else script(seen)
        with contextlib.suppress(OSError):
            send(handler, seen, say)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(handler: http.server.BaseHTTPRequestHandler, seen: Seen, say: Say) -> None:
    handler.send_response(say.status)
    for key, value in ({"Content-Length": str(len(say.body))} | dict(say.headers)).items():
        if value:
            handler.send_header(key, value)
    handler.end_headers()
    if seen.method == "HEAD":
        return
    if say.pause:
        for at in range(len(say.body)):
            time.sleep(say.pause)
            handler.wfile.write(say.body[at : at + 1])
    else:
        handler.wfile.write(say.body[: say.cut])
    if say.cut is not None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def retry(self, **changes: Any) -> Retry:  # noqa: ANN401  any field of Retry
        return Retry(sleep=self.sleep, clock=lambda: self.now, jitter=lambda: 1.0, **changes)


OPEN: list[Client] = []
QUICK = Timeouts(connect=2.0, idle=0.3, exchange=0.6, window=0.6, pace=4096)


def client(
    *,
    clock: Clock | None = None,
    hosts: HostTable | None = None,
    config: Mapping[str, Any] | None = None,
    timeouts: Timeouts | None = None,
    retry: Retry | None = None,
) -> Client:
    """A client that never really waits between attempts; closed when the test ends."""
    made = Client(
        Settings(
            hosts=hosts or HostTable(),
            credentials=CredentialStore(config or {}),
            timeouts=timeouts or Timeouts(),
            retry=retry or (clock or Clock()).retry(),
        )
    )
    OPEN.append(made)
    return made


def manifest(config_digest: str, config_size: int) -> bytes:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config_size}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}).encode()


def login(host: str, password: str = PASSWORD) -> dict[str, object]:
    """Docker's config.json of who has logged in at `host`."""
    return {"auths": {host: {"auth": base64.b64encode(f"joe:{password}".encode()).decode()}}}


def make_authority(folder: Path) -> Path:
    """A certificate authority's ca.pem, and cert.pem and key.pem that it signed for 127.0.0.1."""

    def openssl(*arguments: str | Path) -> None:
        subprocess.run([require("openssl"), *arguments], check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=test CA")
    openssl("req", *key, "-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", "/CN=registry")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    signing = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names")
    openssl("x509", "-req", "-in", folder / "request.pem", *signing, "-out", folder / "cert.pem")
    return folder


@contextlib.contextmanager
def debian_registry(
    folder: Path, *, htpasswd: bool = False, certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """Debian's docker-registry on a free port of loopback; gives host:port."""
    program = require("docker-registry")
    config = [
        "version: 0.1",
        "log: {level: info, accesslog: {disabled: true}}",
        f"storage: {{filesystem: {{rootdirectory: {folder / 'storage'}}}, delete: {{enabled: true}}}}",
        "http: {addr: '127.0.0.1:0'" + _tls(certificate) + "}",
    ]
    if htpasswd:
        (folder / "htpasswd").write_text(HTPASSWD)
        config.append(f"auth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}")
    (folder / "config.yml").write_text("\n".join(config))
    command, path = [str(program), "serve", str(folder / "config.yml")], folder / "registry.log"
    with path.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as child:
        try:
            yield until(lambda: _address(path, child), "docker-registry to listen")
        finally:
            child.terminate()


def _address(log: Path, child: subprocess.Popen[bytes]) -> str:
    """Where it says it listens; nothing yet. Fails when it has ended."""
    text = log.read_text(errors="replace")
    assert child.poll() is None, text
    found = re.search(r"listening on (127\.0\.0\.1:\d+)", text)
    return found[1] if found else ""


def _tls(certificate: tuple[Path, Path] | None) -> str:
    return f", tls: {{certificate: {certificate[0]}, key: {certificate[1]}}}" if certificate else ""


def put_blob(host: str, path: str, digest: str, content: bytes) -> None:
    """Store a blob without our own client, to hold it against something else."""
    start = urllib.request.Request(f"http://{host}/v2/{path}/blobs/uploads/", method="POST", data=b"")
    with urllib.request.urlopen(start) as answer:  # noqa: S310
        location = answer.headers["Location"]
    put = urllib.request.Request(f"{location}&digest={digest}", method="PUT", data=content)  # noqa: S310
    put.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(put):  # noqa: S310
        pass
