"""The frontend's image, built as its users build it, but for the places where base image and packages come from.

build_image(("type=oci,dest=image.tar",), root=store)
"""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components import MissingError, cache_folder, give_up, locked, run
from tests.packaging.debian import TAG, python_base
from tests.running import ROOT

REQUIREMENTS = ROOT / "packaging" / "requirements.txt"


def build_image(*arguments: str, root: Path, context: Path = ROOT) -> None:
    """`dfc build` of packaging/Dockerfile with `root` as its store, and these arguments."""
    with package_index() as index:
        base = ["--build-arg", "BASE=base", "--build-context", f"base=oci-layout://{python_base()}:{TAG}"]
        reachable = ["--build-arg", f"PACKAGE_INDEX={index}", "--network", "host", "--allow", "network.host"]
        dockerfile = ["-f", str(context / "packaging" / "Dockerfile"), "--root", str(root)]
        command = [
            sys.executable,
            "-m",
            "dockerfile_frontend.cli",
            "build",
            str(context),
            *dockerfile,
            *base,
            *reachable,
        ]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def push_image(reference: str) -> None:
    """The image in a registry on loopback, built in a store that is kept: what has not changed is not built again."""
    with locked("frontend-image"):
        build_image("-t", reference, "--push", "--provenance=false", root=cache_folder() / "frontend-image")


@contextmanager
def package_index() -> Iterator[str]:
    """The wheels that the image needs, behind the interface of a package index on loopback."""
    handler = functools.partial(_Quiet, directory=str(wheels()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A folder's listing is what a package index answers."""

    def log_message(self, *_: object) -> None:
        pass


def wheels() -> Path:
    """A folder for each package, with its wheel; fetched once by pip."""
    folder = cache_folder() / "wheels"
    try:
        with locked(folder.name):
            for name, requirement in requirements(REQUIREMENTS.read_text()).items():
                version = requirement.split()[0].partition("==")[2]
                if not list((folder / name).glob(f"{name}-{version}-*.whl")):
                    fetch(requirement, folder / name)
    except MissingError as error:
        give_up(f"packages of the frontend's image: {error}")
    return folder


def requirements(text: str) -> dict[str, str]:
    """The entries of a file of pinned requirements, each in one line, by name."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return {line.partition("==")[0]: " ".join(line.split()) for line in joined.splitlines() if "==" in line}


def fetch(requirement: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pinned = folder / "requirements.txt"
    pinned.write_text(requirement)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    run([*command, "-d", str(folder), "-r", str(pinned)], folder, dict(os.environ))
    pinned.unlink()
