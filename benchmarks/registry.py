"""A registry on loopback, from Debian's docker-registry, while it is wanted.

with registry(folder) as address:  ──▶  127.0.0.1:40123
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.builders import PATIENCE, FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Its address; it keeps what it is given in `folder`. Raises FailedError where there is none."""
    program = shutil.which("docker-registry")
    if program is None:
        raise FailedError("docker-registry is not installed: apt-get install docker-registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}"
    config.write_text(f'version: 0.1\n{storage}\nhttp: {{addr: "127.0.0.1:{port}"}}\n')
    with (folder / "registry.log").open("wb") as log:
        server = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise FailedError(f"docker-registry does not start: {(folder / 'registry.log').read_text()[-300:]}")
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
