"""The git protocol's own server on loopback, one process a connection.

with git_daemon(folder) as address: clone(f"git://{address}/repo.git")

Git's daemon cannot say which port it got, and a port chosen beforehand may be somebody else's by then. So we listen.
"""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components import require

ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
}  # fmt: skip
"""Nobody's settings; repositories of any owner."""


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Host and port of a server for all repositories below `folder`."""
    command = [str(require("git")), "daemon", "--inetd", "--export-all", "--log-destination=none", f"--base-path={folder}", str(folder)]

    class Connection(socketserver.BaseRequestHandler):
        """Lends the connection to a process."""

        def handle(self) -> None:
            subprocess.run(
                command, stdin=self.request, stdout=self.request, stderr=subprocess.DEVNULL, env=ENVIRONMENT, check=False
            )

    class Listening(socketserver.ThreadingTCPServer):
        """Doesn't wait for clients that stay."""

        daemon_threads = True

    with Listening(("127.0.0.1", 0), Connection) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
