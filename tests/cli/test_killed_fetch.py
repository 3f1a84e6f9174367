"""A build that is killed while it fetches: the next one completes, goes on where the first was, and nothing is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.executor.sources.images import Image, digest_of, ranged
from tests.registry.servers import Say, Scripted, Seen
from tests.running import DFC, ROOT, dfc
from tests.waiting import until

pytestmark = pytest.mark.e2e

NOISE = bytes(range(256)) * 4096
IMAGE = Image.of({"data": NOISE}, media="application/vnd.oci.image.layer.v1.tar")
BLOB = IMAGE.blobs[0]
BLOB_PATH = f"/v2/base/blobs/{digest_of(BLOB)}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_the_next_build_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    store, killed = tmp_path / "store", threading.Event()
    partial = store / "ingest" / f"{digest_of(BLOB).removeprefix('sha256:')}.partial"
    with Scripted() as server:
        IMAGE.serve(server, "base")
        dockerfile = f"FROM {server.host}/base\nCOPY --from={server.host}/base data /copy\n".encode()
        whole = ranged(BLOB)

        def hold(seen: Seen) -> Say:
            """Half of the blob, and then nothing more until the build is dead."""
            killed.wait(60)
            return Say(body=BLOB, cut=0) if "range" not in seen.headers else whole(seen)

        server.says(BLOB_PATH, Say(body=BLOB, cut=len(BLOB) // 2), hold)
        command = [*DFC, "build", "-o", f"type=local,dest={tmp_path / 'out'}", "-"]
        environment = environment_of(store)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as build:
            assert build.stdin is not None
            build.stdin.write(dockerfile)
            build.stdin.close()
            while not partial.exists() or partial.stat().st_size < len(BLOB) // 4:
                assert build.poll() is None, build.stderr and build.stderr.read().decode()
                time.sleep(0.02)
            build.send_signal(number)
            assert build.wait(60) != 0
        killed.set()
        server.says(BLOB_PATH, whole)
        server.seen.clear()
        done = dfc("build", "-o", f"type=local,dest={tmp_path / 'out'}", "-", stdin=dockerfile, env={"DFC_ROOT": str(store)})
        assert done.returncode == 0, done.stderr.decode()
        ranges = [seen.headers.get("range", "") for seen in server.seen if seen.path == BLOB_PATH]
    assert (tmp_path / "out" / "copy").read_bytes() == NOISE
    assert [text.startswith("bytes=") for text in ranges] == [True]
    assert not list((store / "ingest").iterdir())
    until(lambda: not processes_of(store), "processes and mounts to end")


def environment_of(store: Path) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(store)}


def processes_of(store: Path) -> list[str]:
    """Command lines of processes that still have to do with the store, and mounts in it."""
    found = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(store) in line]
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # one that has ended
            if os.fsencode(store) in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
    return found
