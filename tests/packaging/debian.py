"""A base image with Python and pip, for two processors, made of Debian's packages: what the frontend's image is built from here.

debootstrap fetches and checks the packages; they are unpacked and not set up, since nothing of another processor runs here. The
layout is kept beside the other components.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.components import MissingError, cache_folder, give_up, locked, require, run

RELEASE = "trixie"
PACKAGES = "python3,python3-pip"
ARCHITECTURES = ("amd64", "arm64")
TAG = "python"
KEPT = f"debian-{RELEASE}-python-1"
"""Named anew when what is below changes."""
LEFT_OUT = (
    "./dev",
    "./debootstrap",
    "./var/cache",
    "./var/lib/apt",
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
)


def python_base() -> Path:
    """An OCI layout, tag "python". Skips the test, or in CI fails it, where it cannot be made."""
    program = require("debootstrap")
    layout = cache_folder() / KEPT
    try:
        with locked(KEPT):
            if not layout.exists():
                fresh = layout.with_suffix(".new")
                shutil.rmtree(fresh, ignore_errors=True)
                write_layout(program, fresh)
                fresh.rename(layout)
    except MissingError as error:
        give_up(f"base image: {error}")
    return layout


def write_layout(debootstrap: Path, folder: Path) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    manifests = []
    for architecture in ARCHITECTURES:
        layer = make_layer(debootstrap, folder / "root", architecture)
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": put(json.dumps(config).encode(), "config.v1+json"),
            "layers": [put(gzip.compress(layer, 1, mtime=0), "layer.v1.tar+gzip")],
        }
        platform = {"architecture": architecture, "os": "linux"}
        manifests.append({**put(json.dumps(manifest).encode(), "manifest.v1+json"), "platform": platform})
    both = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
    entry = put(json.dumps(both).encode(), "index.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": TAG}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def make_layer(debootstrap: Path, root: Path, architecture: str) -> bytes:
    options = ["--foreign", f"--arch={architecture}", "--variant=minbase", f"--include={PACKAGES}"]
    run([str(debootstrap), *options, RELEASE, str(root), mirror()], root.parent, {})
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as files:
            subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=files.stdout, check=True)
    # What setting up ca-certificates would do: without it, pip does not start.
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    (root / "etc/ssl/certs/ca-certificates.crt").write_bytes(b"".join(path.read_bytes() for path in authorities))
    if (root / "proc").is_symlink():  # made so where debootstrap runs in a container
        (root / "proc").unlink()
        (root / "proc").mkdir()
    excluded = [f"--exclude={path}/*" for path in LEFT_OUT]
    pack = ["tar", "-c", "-C", str(root), "--sort=name", "--numeric-owner", "--mtime=@1704067200", *excluded, "."]
    layer = subprocess.run(pack, stdout=subprocess.PIPE, check=True).stdout
    shutil.rmtree(root)
    return layer


def mirror() -> str:
    """Where apt gets this machine's packages from."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"]
    found = subprocess.run(wanted, capture_output=True, text=True, check=False).stdout.split()
    return found[0] if found else "http://deb.debian.org/debian"
