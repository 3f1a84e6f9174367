"""`dfc build` of Dockerfiles with RUN, as root and as a user without privileges."""

from __future__ import annotations

import importlib.util
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.running import DFC, ROOT, as_user
from tests.waiting import until

NOBODY = 65534
USERS = {"root": 0, "rootless": NOBODY} if os.geteuid() == 0 else {"rootless": os.geteuid()}

DOCKERFILE = """\
FROM base
RUN echo made > /made
RUN --mount=type=secret,id=token cp /run/secrets/token /length && wc -c < /length > /made2 && rm /length
RUN echo first; seq 1 500; false
"""


@pytest.fixture(scope="session")
def base_layout() -> Iterator[Path]:
    """The fixtures' base image as an OCI layout, tag 1.37, where every user may read it."""
    spec = importlib.util.spec_from_file_location("base_image", ROOT / "fixtures" / "base_image.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    folder = Path(tempfile.mkdtemp(prefix="dfc-base-"))
    folder.chmod(0o755)
    maker.write_layout(folder, require("busybox-static"))
    yield folder
    shutil.rmtree(folder)


class Place:
    """A context, a store and a user."""

    def __init__(self, folder: Path, base: Path, uid: int) -> None:
        require("runc")
        self.folder = folder
        self.base = base
        self.uid = uid
        self.context = folder / "context"
        self.context.mkdir()
        (self.context / "Dockerfile").write_text(DOCKERFILE)
        (folder / "token").write_text("hunter2")
        for path in (folder, self.context):
            os.chown(path, uid, uid)
        self.dfc = DFC if uid == os.geteuid() else as_user(uid, folder / "code")

    @property
    def command(self) -> list[str]:
        secret = f"id=token,src={self.folder / 'token'}"
        return [*self.dfc, "build", str(self.context), "--build-context", f"base=oci-layout://{self.base}:1.37", "--secret", secret]

    @property
    def environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(self.folder / "store"), "HOME": str(self.folder)}
        return {**os.environ, **own, "TERM": "xterm", "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, *arguments: str | Path, **more: object) -> subprocess.Popen[bytes]:
        command = [*self.command, *map(str, arguments)]
        given = {"env": self.environment, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
        return subprocess.Popen(command, cwd="/", **given)  # type: ignore[call-overload,no-any-return]

    def build(self, *arguments: str | Path) -> tuple[int, str]:
        """Exit code, and what it said."""
        process = self.start(*arguments)
        _, stderr = process.communicate()
        return process.returncode, stderr.decode()

    def leftovers(self) -> list[str]:
        """Mounts and processes that have to do with the store."""
        mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.folder) in line]
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return mounts + [line for line in listed.splitlines() if str(self.folder) in line]


@pytest.fixture(params=USERS)
def place(request: pytest.FixtureRequest, base_layout: Path) -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="dfc-runs-"))
    folder.chmod(0o755)
    yield Place(folder, base_layout, USERS[request.param])
    shutil.rmtree(folder)


def test_steps_run_fail_with_their_log_and_are_found_again(place: Place) -> None:
    code, said = place.build("--progress=plain")
    assert code == 1
    assert re.search(r"#\d+ \[stage-0 1/4\] RUN echo made > /made\n#\d+ DONE", said), said
    assert re.search(r"(?m)^#\d+ \d+\.\d+ 500$", said)
    end = said[said.index("------") :]
    assert end.startswith("------\n > [stage-0 3/4] RUN echo first; seq 1 500; false:\n491\n")
    assert "Dockerfile:4\n" in end
    assert end.endswith('dfc: error: process "/bin/sh -c echo first; seq 1 500; false" did not complete successfully: exit code: 1\n')
    code, said = place.build("-q")
    assert code == 1
    assert "\nfirst\n1\n2\n" in said  # nobody has seen it yet, so all of it is shown
    (place.context / "Dockerfile").write_text(DOCKERFILE.replace("; false", ""))
    code, said = place.build("-o", place.folder / "out")
    assert code == 0, said
    assert said.count("CACHED") >= 2
    assert (place.folder / "out/made2").read_text() == "7\n"
    until(lambda: not place.leftovers(), "mounts and processes to end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_and_the_next_build_goes_on(place: Place, number: signal.Signals) -> None:
    (place.context / "Dockerfile").write_text("FROM base\nRUN echo made > /made\nRUN echo begun; sleep 60 & sleep 60\n")
    with place.start() as process:
        assert process.stderr is not None
        seen = b""
        while b"begun\n" not in seen:
            piece = os.read(process.stderr.fileno(), 65536)
            assert piece, seen
            seen += piece
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in rest
    assert b"CANCELED" in rest
    until(lambda: not place.leftovers(), "mounts and processes to end")
    (place.context / "Dockerfile").write_text("FROM base\nRUN echo made > /made\n")
    code, said = place.build()
    assert code == 0
    assert re.search(r"RUN echo made > /made\n#\d+ CACHED", said)


def test_a_shell_in_the_step_that_failed(place: Place) -> None:
    (place.context / "Dockerfile").write_text("FROM base\nWORKDIR /here\nRUN echo left > file; false\n")
    leader, follower = pty.openpty()
    if place.uid:
        os.fchown(follower, place.uid, place.uid)
    process = place.start("--shell-on-error", stdin=follower, stdout=follower, stderr=follower, start_new_session=True)
    os.close(follower)
    seen, typed = b"", False
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        if not typed and b"what the step left" in seen:
            typed = True
            os.write(leader, b"cat file; exit\n")
    os.close(leader)
    assert process.wait() == 1
    assert b"\nleft\r\n" in seen, seen.decode()
    assert b"Dockerfile:3" in seen
    until(lambda: not place.leftovers(), "mounts and processes to end")


def test_a_shell_wants_a_terminal(place: Place) -> None:
    code, said = place.build("--shell-on-error")
    assert (code, said) == (2, "dfc: error: --shell-on-error needs a terminal\n")


def test_without_a_runtime_a_cached_build_still_works(place: Place) -> None:
    (place.context / "Dockerfile").write_text("FROM base\nRUN echo made > /made\n")
    nothing = {**place.environment, "DFC_RUNTIME": "/no/such/runtime"}
    process = place.start(env=nothing)
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert b"/no/such/runtime" in stderr
    assert b"Traceback" not in stderr
    assert place.build()[0] == 0
    process = place.start(env=nothing)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr.decode()
