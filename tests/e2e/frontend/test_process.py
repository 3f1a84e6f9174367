"""The frontend's process while it runs: what it may and does not do, and what becomes of it when others end."""

from __future__ import annotations

import http.server
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import BuildKit, start_buildkit
from tests.e2e.frontend.frontends import outcome, run
from tests.e2e.frontend.stage import LOCALS
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

"""Seconds that anything here may take before it counts as hanging."""


class Holding(http.server.ThreadingHTTPServer):
    """A server that answers when it is told to: whoever asks it waits."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), _Held)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/context"


class _Held(http.server.BaseHTTPRequestHandler):
    server: Holding

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.go_on.wait(PATIENCE)
        with suppress(OSError):  # nobody may be there any more
            self.send_response(404)
            self.end_headers()

    do_HEAD = do_GET  # noqa: N815  the base class looks for it

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A build whose frontend waits for its context."""

    client: subprocess.Popen[bytes]
    frontend: int
    """Its process, as this machine counts."""
    server: Holding

    def ended(self) -> tuple[int, str]:
        """The client's exit code and words."""
        _, said = self.client.communicate(timeout=PATIENCE)
        return self.client.returncode, said.decode()


@contextmanager
def serving(server: Holding) -> Iterator[None]:
    """Until the end, when nobody waits any longer."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.go_on.set()
        server.shutdown()


@contextmanager
def waiting(buildkit: BuildKit, image: str) -> Iterator[Waiting]:
    with Holding() as server, serving(server):
        options = ["--opt", f"source={image}", "--opt", f"context={server.url}", "--opt", "build-arg:WORD=never-shown"]
        command = [str(buildkit.buildctl), "--addr", buildkit.socket, "build", "--frontend", "gateway.v0", *options]
        client = subprocess.Popen([*command, "--progress=plain"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert server.asked.wait(PATIENCE)
            yield Waiting(client, next(frontends(server.url)), server)
        finally:
            server.go_on.set()
            client.kill()
            client.communicate()


def frontends(mark: str) -> Iterator[int]:
    """The processes that were started with `mark` among their options."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and f"context={mark}".encode() in (entry / "environ").read_bytes():
                program = (entry / "cmdline").read_bytes()
                if b"dockerfile_frontend.gateway" in program:
                    yield int(entry.name)


def gone(process: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return True


def test_it_has_no_network_and_writes_nothing(buildkit: BuildKit, frontend_image: str) -> None:
    with waiting(buildkit, frontend_image) as build:
        home = Path(f"/proc/{build.frontend}")
        assert (home / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
        names = [line.split(":")[0].strip() for line in (home / "net" / "dev").read_text().splitlines()[2:]]
        assert names == ["lo"]
        assert list(written(home)) == []
        build.server.go_on.set()
        code, said = build.ended()
    assert code == 1
    assert said.count("ERROR: ") == said.count("404 Not Found") or "404" in said
    assert "never-shown" not in said


def written(home: Path) -> Iterator[str]:
    """Files that the process has changed on what it sees as its disk."""
    root = next(line for line in (home / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
    upper = Path(root.partition("upperdir=")[2].partition(",")[0])
    assert upper.is_dir()
    for path in upper.rglob("*"):
        if path.is_file() and path.stat().st_size:
            yield str(path.relative_to(upper))


def test_a_frontend_that_is_told_to_end_is_one_error(buildkit: BuildKit, frontend_image: str) -> None:
    with waiting(buildkit, frontend_image) as build:
        os.kill(build.frontend, signal.SIGTERM)
        code, said = build.ended()
    assert code == 1
    assert len(re.findall(r"^error: ", said, re.MULTILINE)) == 1
    assert "Traceback" not in said


def test_it_ends_with_its_client(buildkit: BuildKit, frontend_image: str) -> None:
    with waiting(buildkit, frontend_image) as build:
        build.client.kill()
        until(lambda: gone(build.frontend), "the frontend to end")


def test_it_ends_with_its_daemon(registry: str, frontend_image: str, tmp_path: Path) -> None:
    with start_buildkit(tmp_path / "daemon", registry) as (own, daemon), waiting(own, frontend_image) as build:
        daemon.kill()
        code, said = build.ended()
        assert code == 1
        assert "Traceback" not in said
        until(lambda: gone(build.frontend), "the frontend to end")


def test_neither_secrets_nor_args_are_shown(buildkit: BuildKit, frontend_image: str, library: str, tmp_path: Path) -> None:
    """Of a build that fails, which says most. What the Dockerfile itself shows is the Dockerfile's."""
    (tmp_path / "secret").write_text("hidden-in-a-file")
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox:1.37\nARG TOKEN\nRUN --mount=type=secret,id=one printenv TOKEN | grep -q given && false\n"
    )
    options = ["--opt", f"source={frontend_image}", "--opt", "build-arg:TOKEN=given-as-an-arg", "--secret", "id=one,src=secret"]
    done = run(buildkit, ["--frontend", "gateway.v0", *LOCALS, *options], tmp_path)
    assert done.returncode == 1
    assert b"did not complete successfully" in done.stderr
    assert b"hidden-in-a-file" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if b"given-as-an-arg" in line]


def test_ten_megabytes_of_warnings(buildkit: BuildKit, frontend_image: str, tmp_path: Path) -> None:
    """Each is sent with the whole Dockerfile."""
    lines = [f"ENV A{number} $UNDEFINED{number} {'x' * 60}" for number in range(250)]
    (tmp_path / "Dockerfile").write_text("\n".join(["FROM scratch", *lines, ""]))
    assert (tmp_path / "Dockerfile").stat().st_size * 2 * len(lines) > 10_000_000
    found = []
    for frontend in (["dockerfile.v0"], ["gateway.v0", "--opt", f"source={frontend_image}"]):
        done = run(buildkit, ["--frontend", *frontend, *LOCALS], tmp_path)
        found.append(outcome(done, {}, tmp_path / "none").warnings)
        assert done.returncode == 0
    assert len(found[0]) == 2 * len(lines)
    assert found[1] == found[0]
