"""`dfc` beside a BuildKit daemon: the same project built by both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.components import require
from tests.e2e.conftest import BuildKit, base_image, base_layout, buildkit, frontend_image, registry, root_folder
from tests.running import DFC, ROOT

__all__ = ["base_image", "base_layout", "buildkit", "frontend_image", "registry", "root_folder"]


class Here:
    """A folder, a store, and a daemon."""

    def __init__(self, folder: Path, daemon: BuildKit) -> None:
        self.folder = folder
        self.daemon = daemon
        self.app = folder / "app"
        self.app.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        programs = f"{self.daemon.buildctl.parent}:{os.environ['PATH']}"
        own = {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(self.folder / "store"), "BUILDKIT_HOST": self.daemon.socket, "PATH": programs}
        return {**os.environ, **own}

    def write(self, **files: str) -> None:
        """Files of the build context; Dockerfile is one."""
        for name, text in files.items():
            (self.app / name).write_text(text)

    def run(
        self, *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        command = [*DFC, *map(str, arguments)]
        environment = {**self.environment, **(env or {})}
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=self.folder, env=environment, check=False, timeout=120
        )

    def there(self, *arguments: str | Path, command: str = "build", **more: bytes) -> subprocess.CompletedProcess[bytes]:
        """Run on the daemon, and end well."""
        done = self.run(command, "--backend", "buildkit", *arguments, **more)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr.decode()
        return done

    def here(self, *arguments: str | Path, command: str = "build") -> subprocess.CompletedProcess[bytes]:
        """The same by the executor."""
        done = self.run(command, *arguments)
        assert done.returncode == 0, done.stderr.decode()
        return done

    def refused(self, *arguments: str | Path, code: int = 1, env: Mapping[str, str] | None = None) -> str:
        """What is said when it does not work."""
        done = self.run("build", "--backend", "buildkit", *arguments, env=env)
        assert done.returncode == code, done.stderr.decode()
        assert b"Traceback" not in done.stderr
        return done.stderr.decode()


@pytest.fixture
def place(tmp_path: Path, buildkit: BuildKit) -> Here:
    require("runc")
    return Here(tmp_path, buildkit)


@pytest.fixture
def project(place: Here, base_image: str) -> Here:
    """A project with a bit of everything."""
    place.write(
        Dockerfile=f"""\
FROM {base_image} AS made
WORKDIR /src
COPY one.txt two.txt ./
RUN cat one.txt two.txt > both.txt && mkdir -p /out/deep && cp both.txt /out/deep

FROM {base_image}
ARG WHO=nobody
ENV WHO=$WHO LIST=a,b
LABEL quoted="say \\"hi\\", twice"
COPY --from=made /out/ /srv/
COPY --link one.txt /linked/
RUN echo "$WHO" > /who
USER 1000
CMD ["cat", "/srv/deep/both.txt"]
""",
        **{"one.txt": "one\n", "two.txt": "two\n", "ignored.txt": "no\n", ".dockerignore": "ignored.txt\n"},
    )
    return place


