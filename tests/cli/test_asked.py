"""Base images are shown while they are looked up, and the build goes on counting."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fixtures.base_image import write_layout
from tests.components import require
from tests.registry.servers import debian_registry
from tests.running import DFC, ROOT, dfc

LOAD = "[internal] load metadata for"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A base image in a registry, as a reference."""
    layout = tmp_path_factory.mktemp("base")
    write_layout(layout, require("busybox-static"))
    with debian_registry(tmp_path_factory.mktemp("registry")) as host:
        copy = [str(require("skopeo")), "copy", "-q", "--insecure-policy", "--dest-tls-verify=false"]
        subprocess.run([*copy, f"oci:{layout}:1.37", f"docker://{host}/base:1"], check=True)
        yield f"{host}/base:1"


def build(context: Path, base: str, *flags: str) -> subprocess.CompletedProcess[bytes]:
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY Dockerfile /\n")
    return dfc("build", *flags, context, env={"DFC_ROOT": str(context.with_name("store"))})


def test_lines_are_counted_on(base: str, tmp_path: Path) -> None:
    for again in (False, True):
        done = build(tmp_path / "context", base, "--progress=plain")
        said = done.stderr.decode()
        assert done.returncode == 0, said
        lines = said.splitlines()
        assert lines[0] == f"#1 {LOAD} {base}"
        assert lines[1].startswith("#1 DONE ")
        assert any(line.startswith("#2 [") for line in lines)
        assert again == (said.count(" DONE ") == 1)
        assert said.count(LOAD) == said.count("#1 DONE") == 1


def test_records(base: str, tmp_path: Path) -> None:
    done = build(tmp_path / "context", base, "--progress=rawjson")
    records = [vertex for line in done.stderr.splitlines() for vertex in json.loads(line).get("vertexes", ())]
    (ended,) = [record for record in records if record["name"].startswith(LOAD) and "completed" in record]
    assert ended["name"] == f"{LOAD} {base}"


def test_an_image_that_is_not_there(base: str, tmp_path: Path) -> None:
    done = build(tmp_path / "context", base.replace("base:1", "none:1"), "--progress=plain")
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert lines[0] == f"#1 {LOAD} {base.replace('base:1', 'none:1')}"
    assert lines[1].startswith("#1 ERROR: ")
    assert any(line.startswith(str(tmp_path / "context/Dockerfile:1:1: error: ")) for line in lines), lines


def test_quiet_says_nothing_of_it(base: str, tmp_path: Path) -> None:
    done = build(tmp_path / "context", base, "-q")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="on one processor it is asked for before anything is shown")
def test_a_file_from_the_web_is_shown_while_it_comes(tmp_path: Path) -> None:
    shown = threading.Event()

    class Waits(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            shown.wait(60)
            self.wfile.write(b"file")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Waits) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/f"
        (tmp_path / "Dockerfile").write_text(f"FROM scratch\nADD {url} /f\n")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(tmp_path / "store")}
        command = [*DFC, "build", "--progress=plain", str(tmp_path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as build:
            assert build.stderr
            assert build.stderr.readline().decode() == f"#1 [1/1] ADD {url} /f\n"
            shown.set()
            assert b"#1 DONE " in build.stderr.read()
            assert build.wait() == 0
        server.shutdown()
