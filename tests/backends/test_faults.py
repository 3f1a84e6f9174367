"""What a user reads when the daemon or its client is not as it should be; and what a build shows, beside a build here."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.backends.conftest import Here
from tests.e2e.conftest import BuildKit, running
from tests.running import DFC

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buildkit")]


@pytest.fixture
def simple(place: Here) -> Here:
    place.write(Dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    return place


def fake(place: Here, script: str) -> dict[str, str]:
    """A client that does what the script does."""
    client = place.folder / "fake-buildctl"
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)
    return {"DFC_BUILDCTL": str(client)}


def test_a_daemon_that_is_not_there(simple: Here) -> None:
    for address, why in (("unix:///nowhere/b.sock", "no such file or directory"), ("tcp://127.0.0.1:1", "connection refused")):
        said = simple.refused("app", "--addr", address)
        assert said == (
            f"dfc: error: no BuildKit daemon answers at {address}: {why}\n"
            "  hint: start buildkitd, or name another one with --addr or BUILDKIT_HOST\n"
        )
        assert simple.refused("app", env={"BUILDKIT_HOST": address}) == said


def test_something_else_answers(simple: Here) -> None:
    """As Docker's own socket does."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"tcp://127.0.0.1:{server.server_port}"
            said = simple.refused("app", "--addr", address)
        finally:
            server.shutdown()
            thread.join()
    assert f"what answers at {address} is no BuildKit daemon" in said


def test_no_client(simple: Here) -> None:
    said = simple.refused("app", env={"PATH": str(simple.folder)})
    assert said.startswith("dfc: error: there is no buildctl, BuildKit's client (PATH)\n  hint: ")
    assert "DFC_BUILDCTL names one" in said
    assert "(DFC_BUILDCTL=/nowhere)" in simple.refused("app", env={"DFC_BUILDCTL": "/nowhere"})


@pytest.mark.parametrize(
    ("script", "message", "hint"),
    [
        (
            "echo 'error: flag provided but not defined: -ref-file' >&2; exit 1",
            "fake-buildctl is too old: dfc needs the buildctl of BuildKit 0.13 or newer",
            "releases of github.com/moby/buildkit",
        ),
        ("echo 'error: invalid progress mode rawjson' >&2; exit 1", "is too old", "releases"),
        (
            """echo 'error: failed to solve: requested merge feature merge.op.llb.moby.buildkit is not supported by build server, \
please update buildkitd' >&2; exit 1""",
            "requested merge feature",
            "a newer buildkitd has it",
        ),
        (
            """echo 'error: listing workers for Build: failed to list workers: Unimplemented: unknown service moby.buildkit.v1.Control' >&2
            exit 1""",
            "unknown service",
            "a newer buildkitd has it",
        ),
        (
            """echo 'error: listing workers for Build: failed to list workers: Unavailable: connection error: desc = "transport: Error \
while dialing: dial unix /run/b.sock: connect: permission denied"' >&2; exit 1""",
            "no access to the BuildKit daemon at unix:///run/b.sock: permission denied",
            "member of the socket's group",
        ),
        (
            """echo 'error: failed to solve: failed to push r.example/a: http: server gave HTTP response to HTTPS client' >&2; exit 1""",
            "failed to push r.example/a",
            "buildkitd.toml",
        ),
        ("exit 3", "the client ended with exit code 3 and said nothing", ""),
        ("kill -9 $$", "the client was ended by signal 9", ""),
        ("echo 'panic: oh' >&2; exit 2", "panic: oh", ""),
        ("""echo '{"vertexes": [1, {"digest": 3}, {"digest": "x", "inputs": 7}], "logs": {}}' >&2; exit 1""", "the client ended", ""),
        ("printf '{{{{\\n[1]\\n{\"statuses\":[{\"vertex\":[]}]}\\nerror: so it is\\n' >&2; exit 1", "so it is", ""),
        ("printf 'error: at tcp://joe:hunter2@host it fails\\n' >&2; exit 1", "tcp://xxxxx:xxxxx@host", ""),
    ],
)
def test_what_a_client_says(simple: Here, script: str, message: str, hint: str) -> None:
    said = simple.refused("app", env={**fake(simple, script), "BUILDKIT_HOST": "unix:///run/b.sock"})
    *_, error = (line for line in said.splitlines() if line.startswith("dfc: error: "))
    assert message in error
    assert (hint in said.splitlines()[-1]) if hint else "hint" not in said


@pytest.fixture
def other(place: Here, tmp_path: Path) -> Iterator[Here]:
    """A daemon of this test alone, which grants nothing."""
    daemon = place.daemon.buildctl.parent / "buildkitd"
    folder = tmp_path / "other"
    folder.mkdir()
    address = f"unix://{folder}/b.sock"
    # In namespaces that end with it: a daemon that is killed leaves containers and mounts behind.
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*alone, str(daemon), "--root", str(folder / "root"), "--addr", address, "--containerd-worker=false"]

    def ready() -> bool:
        probe = [str(place.daemon.buildctl), "--addr", address, "debug", "workers"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    pid = folder / "pid"
    start = ["/bin/sh", "-c", 'echo $$ > "$0"; exec "$@"', str(pid), *command]
    with running(start, folder / "log", ready):
        there = Here.__new__(Here)
        there.folder, there.app, there.daemon = place.folder, place.app, BuildKit(address, place.daemon.buildctl)
        yield there
    shutil.rmtree(folder, ignore_errors=True)


def test_a_daemon_that_grants_nothing_and_dies_in_the_middle(other: Here, base_image: str) -> None:
    other.write(Dockerfile=f"FROM {base_image}\nRUN --network=host true\n")
    said = other.refused("app", "--allow", "network.host")
    assert "start buildkitd with --allow-insecure-entitlement network.host" in said

    other.write(Dockerfile=f"FROM {base_image}\nRUN echo running-$((40 + 2)); sleep 70718\n")
    command = [*DFC, "build", "--backend", "buildkit", "app", "-o", "type=oci,dest=app.tar", "--progress", "plain"]
    with subprocess.Popen(
        command, cwd=other.folder, env=other.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stderr is not None
        said_before = b""
        for line in process.stderr:
            said_before += line
            if b"running-42" in line:
                os.kill(int((other.folder / "other" / "pid").read_text()), signal.SIGKILL)
                break
        rest = process.stderr.read().decode()
        assert process.wait() == 1, said_before.decode() + rest
    assert f"the BuildKit daemon at {other.daemon.socket} went away during the build" in rest
    assert "Traceback" not in rest
    assert not (other.folder / "app.tar").exists()


FAILING = """\
FROM {}
RUN echo first; echo second >&2; seq 1 30
COPY Dockerfile /
RUN echo third; exit 7
"""


@pytest.fixture
def failing(place: Here, base_image: str) -> Here:
    place.write(Dockerfile=FAILING.format(base_image))
    return place


def said_of_failure(place: Here, *arguments: str) -> tuple[str, str]:
    """What both backends say: there, here."""
    there, here = (place.run("build", *more, "app", *arguments) for more in (("--backend", "buildkit"), ()))
    assert (there.returncode, here.returncode) == (1, 1)
    assert there.stdout == here.stdout == b""
    return there.stderr.decode(), here.stderr.decode()


def steps(text: str) -> set[str]:
    """Titles of plain progress, and what the steps printed."""
    titles = re.findall(r"^#\d+ (\[\d/4\].*)", text, re.MULTILINE)
    return {*titles, *re.findall(r"^#\d+ \d+\.\d+ (.*)", text, re.MULTILINE)}


def test_plain_progress_and_a_failed_step_are_told_in_the_same_words(failing: Here) -> None:
    there, here = said_of_failure(failing, "--progress", "plain", "--no-cache")
    end = there[there.index("------\n") :]
    assert end == here[here.index("------\n") :]
    assert " > [4/4] RUN echo third; exit 7:\nthird\n------\nDockerfile:4\n" in end.replace("app/Dockerfile", "Dockerfile")
    assert end.count(">>> RUN echo third; exit 7") == 1
    assert end.endswith("did not complete successfully: exit code: 7\n")
    assert {"first", "second", "30", "third", "[4/4] RUN echo third; exit 7"} <= steps(there)
    assert steps(there) == steps(here)


def test_quiet_says_only_what_failed(failing: Here) -> None:
    there, here = said_of_failure(failing, "-q")
    assert there == here
    assert there.startswith("------\n > [4/4] RUN echo third")


def raw(text: str) -> tuple[set[str], dict[str, bytes]]:
    """Names of steps, and what each printed."""
    names, logs = {}, dict[str, bytes]()
    for line in text.splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            names.update({v["digest"]: v["name"] for v in record.get("vertexes", ())})
            for log in record.get("logs", ()):
                logs[log["vertex"]] = logs.get(log["vertex"], b"") + base64.b64decode(log["data"])
    return set(names.values()), {names[digest]: bytes(sorted(data)) for digest, data in logs.items()}


def test_raw_progress_has_the_same_steps_and_logs(failing: Here) -> None:
    there, here = (raw(text) for text in said_of_failure(failing, "--progress", "rawjson", "--no-cache"))
    assert there[1] == here[1]
    wanted = {name for name in here[0] if re.match(r"\[\d/4\]", name)}
    assert len(wanted) == 4
    assert wanted <= there[0]


def test_the_tree_on_a_terminal(failing: Here) -> None:
    primary, secondary = pty.openpty()
    try:
        command = [*DFC, "build", "--backend", "buildkit", "app", "--no-cache", "--progress", "tty"]
        environment = {**failing.environment, "TERM": "xterm"}
        with subprocess.Popen(command, cwd=failing.folder, env=environment, stderr=secondary, stdout=secondary) as process:
            os.close(secondary)
            secondary = -1
            shown = b""
            while True:
                try:
                    data = os.read(primary, 1 << 16)
                except OSError:
                    break
                if not data:
                    break
                shown += data
            assert process.wait() == 1
    finally:
        os.close(primary)
        if secondary >= 0:
            os.close(secondary)
    text = shown.decode()
    assert "[+] Building" in text
    assert text.count(">>> RUN echo third; exit 7") == 1
