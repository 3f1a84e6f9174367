"""The frontend's process, told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from dockerfile_frontend.gateway import messages as m
from tests.gateway.buildkit import FakeBuildKit
from tests.gateway.daemon import Answer, Daemon, Silence
from tests.running import ROOT


@pytest.mark.parametrize("method", ["Ping", "Solve", "ReadFile", "ResolveSourceMeta", "Warn"])
def test_sigterm_is_one_error_wherever_it_comes(method: str) -> None:
    asked = threading.Event()

    def wait(_: object) -> Answer:
        asked.set()
        return Silence()

    buildkit = FakeBuildKit({"dockerfile": {"Dockerfile": b"FROM alpine as A\nCOPY a /\n"}, "context": {}})
    handlers = {**buildkit.handlers(), method: wait}
    with Daemon(handlers) as daemon:
        command = [sys.executable, "-m", "dockerfile_frontend.gateway"]
        streams = {"stdin": daemon.source, "stdout": daemon.sink, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, **streams) as process:  # type: ignore[call-overload]
            assert asked.wait(60)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=60)
            assert process.returncode == 1
    if method == "Ping":
        assert told == b"the frontend has lost its daemon: the frontend was told to stop (SIGTERM)\n"
    else:
        assert told == b""
        assert buildkit.error == m.Status(1, "the frontend was told to stop (SIGTERM)")
