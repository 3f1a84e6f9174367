"""A graph compiled here hits the cache that the reference frontend's own build filled, and the other way round."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BuildKit
from tests.running import dfc

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]


NO_STEP = re.compile(r"^\[internal\]|load metadata for")
"""What a frontend and a client do around a graph."""


@pytest.fixture
def site(root_folder: Path, tmp_path: Path) -> Path:
    """The fixture project, changed so that no other test's build has filled the cache."""
    folder = tmp_path / "site"
    shutil.copytree(root_folder / "fixtures" / "site", folder)
    (folder / "pages" / "own.md").write_text(f"# {tmp_path}\n")
    return folder


def compile_site(site: Path, base_image: str) -> bytes:
    context = f"busybox:1.37=docker-image://{base_image}"
    done = dfc("compile", ".", "--format", "llb", "--build-context", context, cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout


def steps(progress: bytes) -> dict[str, bool]:
    """Each step of the Dockerfile by its name, and whether it came from the cache."""
    found: dict[str, bool] = {}
    for line in progress.splitlines():
        for vertex in json.loads(line).get("vertexes") or []:
            name = str(vertex["name"])
            if name.startswith("[") and not NO_STEP.search(name) and vertex.get("completed"):
                found[name] = bool(vertex.get("cached"))
    return found


def build_here(buildkit: BuildKit, site: Path, base_image: str) -> dict[str, bool]:
    seal = f"id=seal_key,src={site / '.dockerignore'}"
    arguments = ("--local", "context=.", "--secret", seal, "--progress=rawjson")
    done = buildkit.build(*arguments, definition=compile_site(site, base_image), cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    return steps(done.stderr)


def build_there(buildkit: BuildKit, site: Path, base_image: str) -> dict[str, bool]:
    seal = f"id=seal_key,src={site / '.dockerignore'}"
    context = f"context:busybox:1.37=docker-image://{base_image}"
    frontend = ("--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=.", "--opt", context)
    done = buildkit.build(*frontend, "--secret", seal, "--progress=rawjson", cwd=site)
    assert done.returncode == 0, done.stderr.decode()
    return steps(done.stderr)


def cached(found: dict[str, bool]) -> dict[str, bool]:
    """The steps that run something: the base image's own vertex is looked up, never cached."""
    return {name: hit for name, hit in found.items() if not name.startswith("[context ")}


def test_the_second_build_is_cached_when_the_reference_built_first(
    buildkit: BuildKit, site: Path, base_image: str
) -> None:
    first = build_there(buildkit, site, base_image)
    second = build_here(buildkit, site, base_image)
    assert not all(cached(first).values())
    assert set(cached(second)) == set(cached(first))
    assert all(cached(second).values()), second


def test_the_second_build_is_cached_when_this_project_built_first(
    buildkit: BuildKit, site: Path, base_image: str
) -> None:
    first = build_here(buildkit, site, base_image)
    second = build_there(buildkit, site, base_image)
    assert not all(cached(first).values())
    assert set(cached(second)) == set(cached(first))
    assert all(cached(second).values()), second


def image_config(archive: Path) -> dict[str, Any]:
    """The config of the only image of an OCI archive, without what BuildKit adds when it packs layers."""
    with tarfile.open(archive) as tar:

        def read(descriptor: dict[str, Any]) -> dict[str, Any]:
            file = tar.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert file is not None
            found: dict[str, Any] = json.load(file)
            return found

        index_file = tar.extractfile("index.json")
        assert index_file is not None
        (entry,) = json.load(index_file)["manifests"]
        config = read(read(entry)["config"])
    for step in config["history"]:
        step.pop("created", None)
    config.pop("created", None)
    return config


def test_an_image_built_from_our_graph_and_config_is_the_references(
    buildkit: BuildKit, site: Path, base_image: str, tmp_path: Path
) -> None:
    """The way of the README: the config goes to the exporter as an attribute, its quotes doubled for CSV."""
    context = f"busybox:1.37=docker-image://{base_image}"
    done = dfc("compile", ".", "--format", "llb", "-o", "g", "--image-config", "c", "--build-context", context, cwd=site)
    assert done.returncode == 0
    config = (site / "c").read_text().replace('"', '""')
    ours = f'type=oci,dest={tmp_path / "ours.tar"},"containerimage.config={config}"'
    graph = (site / "g").read_bytes()
    built = buildkit.build("--local", "context=.", "--output", ours, definition=graph, cwd=site)
    assert built.returncode == 0, built.stderr.decode()
    frontend = ("--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=.")
    theirs = ("--opt", f"context:{context}", "--output", f"type=oci,dest={tmp_path / 'theirs.tar'}")
    built = buildkit.build(*frontend, *theirs, cwd=site)
    assert built.returncode == 0, built.stderr.decode()
    assert image_config(tmp_path / "ours.tar") == image_config(tmp_path / "theirs.tar")
