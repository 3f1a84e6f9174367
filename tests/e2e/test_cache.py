"""Caches of this program and of BuildKit in each other's hands: read without an error, and without a wrong hit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_schema import Definition, encode_llb
from tests.e2e.conftest import BuildKit
from tests.executor.cache.world import Graph, World
from tests.registry.servers import client

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buildkit")]


def graph() -> Definition:
    """A copy from a stage that is not in the result."""
    made = Graph()
    built = made.file("/b", b"built", made.file("/rest"))
    return made.definition(made.copy("/b", built, made.file("/base", b"base")))


def build(buildkit: BuildKit, folder: Path, *arguments: str) -> str:
    """What BuildKit said of a build that must succeed."""
    output = ("--output", "type=local,dest=out")
    done = buildkit.build("--progress=plain", *output, *arguments, definition=encode_llb(graph()), cwd=folder)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    assert (folder / "out/b").read_text() == "built"
    return said


@pytest.mark.parametrize(
    "form", ["mode=max", "mode=min", "image-manifest=false", "oci-mediatypes=false", "compression=zstd"]
)
def test_buildkit_reads_a_folder_of_ours(world: World, buildkit: BuildKit, form: str) -> None:
    world.build("one", graph(), cache_to=[f"type=local,dest={world.folder}/cache,{form}"])
    arguments = ("--import-cache", "type=local,src=cache", "--export-cache", "type=local,dest=again,mode=max")
    said = build(buildkit, world.folder, "--no-cache", *arguments)
    assert "importing cache manifest from local" in said
    assert "ERROR" not in said
    assert "skipped" not in said
    kept = json.loads((world.folder / "again/index.json").read_text())["manifests"]
    assert len(kept) == 1


@pytest.mark.parametrize("kind", ["registry", "inline"])
def test_buildkit_reads_a_registry_of_ours(tmp_path: Path, buildkit: BuildKit, registry: str, kind: str) -> None:
    world = World(tmp_path, connect=client)
    name = f"{registry}/ours/{kind}:1"
    if kind == "inline":
        world.build("one", graph(), cache_to=["type=inline"], output=f"type=registry,name={name}")
    else:
        world.build("one", graph(), cache_to=[f"type=registry,ref={name},mode=max"])
    said = build(buildkit, tmp_path, "--no-cache", "--import-cache", f"type=registry,ref={name},registry.insecure=true")
    assert f"importing cache manifest from {name}" in said
    assert "ERROR" not in said


@pytest.mark.parametrize(
    "form", ["mode=max", "mode=max,image-manifest=false", "mode=max,oci-mediatypes=false", "mode=min"]
)
def test_we_read_a_folder_of_buildkit(world: World, buildkit: BuildKit, form: str) -> None:
    build(buildkit, world.folder, "--export-cache", f"type=local,dest=cache,{form}")
    done = world.build("one", graph(), cache_from=[f"type=local,src={world.folder}/cache"])
    assert done.events.ended[f"importing cache manifest from {world.folder}/cache"] == "done"
    assert len(done.ran) == 4
    assert done.files == {"base": "base", "b": "built"}


def test_we_read_a_registry_of_buildkit(tmp_path: Path, buildkit: BuildKit, registry: str) -> None:
    world = World(tmp_path, connect=client)
    names = [f"{registry}/theirs/{kind}:1" for kind in ("registry", "inline")]
    build(buildkit, tmp_path, "--export-cache", f"type=registry,ref={names[0]},mode=max,registry.insecure=true")
    image = f"type=image,name={names[1]},push=true,registry.insecure=true"
    build(buildkit, tmp_path, "--output", image, "--export-cache", "type=inline")
    done = world.build("one", graph(), cache_from=names)
    assert [done.events.ended[f"importing cache manifest from {name}"] for name in names] == ["done", "done"]
    assert len(done.ran) == 4


def test_both_keep_a_cache_in_one_folder(world: World, buildkit: BuildKit) -> None:
    build(buildkit, world.folder, "--export-cache", "type=local,dest=cache,tag=theirs,mode=max")
    world.build("one", graph(), cache_to=[f"type=local,dest={world.folder}/cache,tag=ours,mode=max,reset=true"])
    build(buildkit, world.folder, "--export-cache", "type=local,dest=cache,tag=theirs,mode=max,reset=true")
    assert world.build("two", graph(), cache_from=[f"type=local,src={world.folder}/cache,tag=ours"]).ran == []
    said = build(buildkit, world.folder, "--no-cache", "--import-cache", "type=local,src=cache,tag=theirs")
    assert "ERROR" not in said


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
