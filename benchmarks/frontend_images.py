"""The images that benchmarks/frontend.py compares, and how soon a container of one sends its first request.

own_image("127.0.0.1:40123")                            ──▶  127.0.0.1:40123/dockerfile-frontend:1
reference_image(builder, "127.0.0.1:40123", folder)     ──▶  127.0.0.1:40123/reference:1
time_starts(builder, {"ours": …}, folder, 9)            ──▶  {"ours": [0.14, …]}
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

from benchmarks.builders import FailedError, time_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.builders import BuildKit

REFERENCE = """\
FROM scratch
COPY dockerfile-frontend /bin/
LABEL moby.buildkit.frontend.network.none="true"
ENTRYPOINT ["/bin/dockerfile-frontend"]
"""
PREFACE, HEAD = 24, 9
"""Bytes that HTTP/2 begins with, and of a frame's head."""
HEADERS = 1
"""The kind of frame that a request begins with."""
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a server says first; clients may wait for it."""


def own_image(address: str) -> str:
    """The image of this checkout, in a registry. Its base comes from where the tests get it."""
    from tests.packaging.image import push_image  # noqa: PLC0415  wanted without --image alone

    reference = f"{address}/dockerfile-frontend:1"
    push_image(reference)
    return reference


def reference_image(builder: BuildKit, address: str, folder: Path) -> str:
    """The reference's frontend, built from its published module and alone in an image. Raises FailedError where it cannot be."""
    from tests.components import MissingError, find  # noqa: PLC0415  as above

    context = folder / "reference"
    context.mkdir()
    (context / "Dockerfile").write_text(REFERENCE)
    try:
        shutil.copy(find("dockerfile-frontend"), context)
    except MissingError as error:
        raise FailedError(str(error)) from None
    reference = f"{address}/reference:1"
    _solve(builder, context, f"type=image,name={reference},push=true,registry.insecure=true")
    return reference


def _solve(builder: BuildKit, context: Path, output: str) -> None:
    folders = ["--local", "context=.", "--local", "dockerfile=."]
    time_command([*builder.buildctl(), "build", "--frontend", "dockerfile.v0", *folders, "--output", output], context)


def time_starts(builder: BuildKit, images: Mapping[str, str], folder: Path, runs: int) -> dict[str, list[float]]:
    """Seconds from the start of runc to the first request, by image; nothing where there is no runc."""
    runc = shutil.which("runc")
    if runc is None:
        return {}
    bundles = {
        name: _bundle(builder, image, folder / f"start-{n}", runc) for n, (name, image) in enumerate(images.items())
    }
    dice = random.Random(1)  # noqa: S311  an order, no secret
    found: dict[str, list[float]] = {name: [] for name in images}
    for count in range(runs):
        for name in dice.sample(list(images), len(images)):
            command = [runc, "--root", str(folder / "runc"), "run", "--bundle", str(bundles[name]), f"start{count}"]
            found[name].append(_time_start(command))
    return found


def _bundle(builder: BuildKit, image: str, bundle: Path, runc: str) -> Path:
    """A container of runc's own default config, with the image's files and what it starts."""
    (bundle / "context").mkdir(parents=True)
    (bundle / "context" / "Dockerfile").write_text(f"FROM {image}\n")
    _solve(builder, bundle / "context", f"type=local,dest={bundle / 'rootfs'}")
    _solve(builder, bundle / "context", f"type=oci,tar=false,dest={bundle / 'layout'}")
    subprocess.run([runc, "spec", "--bundle", str(bundle)], check=True)
    config = json.loads((bundle / "config.json").read_text())
    process: dict[str, Any] = config["process"]
    process["args"], process["terminal"] = _entrypoint(bundle / "layout"), False
    (bundle / "config.json").write_text(json.dumps(config))
    return bundle


def _entrypoint(layout: Path) -> list[str]:
    """What the only image of a layout starts."""
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = _blob(layout, entry["digest"])
    found: list[str] = _blob(layout, manifest["config"]["digest"])["config"]["Entrypoint"]
    return found


def _blob(layout: Path, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes())
    return found


def _time_start(command: list[str]) -> float:
    begun = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  asked for, the line above
        process.stdin.write(SETTINGS)
        process.stdin.flush()
        seen = b""
        while HEADERS not in _kinds(seen):
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                raise FailedError(f"{' '.join(command)}: it ended without a request")
            seen += more
        seconds = time.perf_counter() - begun
        process.stdin.close()
        process.wait()
    return seconds


def _kinds(seen: bytes) -> set[int]:
    """Of the frames that have come."""
    at, kinds = PREFACE, set()
    while len(seen) >= at + HEAD:
        kinds.add(seen[at + 3])
        at += HEAD + int.from_bytes(seen[at : at + 3], "big")
    return kinds
