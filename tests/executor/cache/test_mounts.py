"""Cache mounts that go from one store to another, and what is not done with them."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.cache.mounts import name_of
from dockerfile_frontend.executor.cache.spec import parse_cache_from
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.ops.exec_caches import cache_name

from .world import Graph, Watched, World

NPM, GO = cache_name("/root/.npm"), cache_name("go")


def fill(machine: Machine, named: str, label: str, files: dict[str, str]) -> Path:
    path = Path(machine.store.cache_directory(named, f"cache mount {label}")[0])
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    return path


@pytest.fixture
def filled(world: World) -> World:
    """Store "one" has two cache mounts."""
    with world.opened("one") as machine:
        npm = fill(machine, NPM, "/root/.npm", {"a/package": "npm", "b": "b"})
        fill(machine, GO, "go", {"mod": "go"})
        (npm / "link").symlink_to("a/package")
        (npm / "twin").hardlink_to(npm / "b")
        (npm / "b").chmod(0o4711)
        npm.chmod(0o700)
        os.utime(npm / "a/package", (1_000_000, 1_000_000))
    return world


def write(world: World, more: str = "mounts=all", store: str = "one") -> Watched:
    graph = Graph()
    definition = graph.definition(graph.file("/a"))
    return world.build(store, definition, cache_to=[f"type=local,dest={world.folder}/cache,{more}"], look=False).events


def take(
    world: World, *named: str, store: str = "two", more: str = ",mounts=all"
) -> tuple[dict[str, list[str]], Watched]:
    """Files of the directories after a step would have asked for them."""
    events = Watched()
    with world.opened(store, events) as machine:
        machine.use_caches([parse_cache_from(f"type=local,src={world.folder}/cache{more}")])
        found = {}
        for each in named:
            machine.seed_cache(each)
            path = Path(machine.store.cache_directory(each)[0])
            found[each] = sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())
    return found, events


EVERYTHING = {NPM: ["a/package", "b", "link", "twin"], GO: ["mod"]}


def test_a_mount_goes_with_all_that_is_in_it(filled: World) -> None:
    write(filled, "mounts=/root/.npm;go")
    found, _ = take(filled, NPM, GO)
    assert found == EVERYTHING
    with filled.opened("two") as machine:
        npm = Path(machine.store.cache_directory(NPM)[0])
        assert stat.S_IMODE(npm.stat().st_mode) == 0o700
        assert stat.S_IMODE((npm / "b").stat().st_mode) == 0o4711
        assert (npm / "b").samefile(npm / "twin")
        assert os.readlink(npm / "link") == "a/package"
        assert (npm / "a/package").stat().st_mtime == 1_000_000
        row = machine.store.db.execute("SELECT description FROM directory WHERE name = ?", (name_of(NPM),)).fetchone()
        assert row == ("cache mount /root/.npm",)


def test_mounts_go_only_when_they_are_named(filled: World) -> None:
    write(filled, "mode=max")
    assert "dfc" not in filled.config("cache")
    assert take(filled, NPM)[0] == {NPM: []}
    write(filled, "mounts=go")
    assert take(filled, NPM, GO)[0] == {NPM: [], GO: ["mod"]}


def test_mounts_come_only_when_they_are_named(filled: World) -> None:
    write(filled, "mounts=/root/.npm;go")
    assert take(filled, NPM, GO, more="")[0] == {NPM: [], GO: []}
    assert take(filled, NPM, GO, more=",mounts=go")[0] == {NPM: [], GO: ["mod"]}


def test_a_build_writes_the_mounts_of_its_own_steps(filled: World) -> None:
    """This one has none."""
    write(filled, "mounts=all")
    assert "dfc" not in filled.config("cache")


def test_a_mount_that_is_used_here_stays_as_it_is(filled: World) -> None:
    write(filled, "mounts=/root/.npm")
    with filled.opened("two") as machine:
        fill(machine, NPM, "/root/.npm", {"mine": "x"})
    assert take(filled, NPM)[0] == {NPM: ["mine"]}
    assert take(filled, NPM, more=",mounts=all,mounts-newer=true")[0] == {NPM: ["mine"]}


def test_a_newer_one_takes_its_place_where_that_is_wanted(filled: World) -> None:
    with filled.opened("two") as machine:
        fill(machine, NPM, "/root/.npm", {"mine": "x"})
        machine.store.db.execute("UPDATE directory SET used = used - 1000")
    write(filled, "mounts=/root/.npm")
    assert take(filled, NPM, more=",mounts=all,mounts-newer=true")[0] == {NPM: EVERYTHING[NPM]}
    left = [path.name for path in (filled.folder / "two/caches").iterdir()]
    assert left == [name_of(NPM)]


def test_equal_mounts_are_one_blob(filled: World) -> None:
    write(filled, "mounts=go")
    first = filled.manifest("cache")
    write(filled, "mounts=go")
    assert [layer["digest"] for layer in filled.manifest("cache")["layers"]] == [
        layer["digest"] for layer in first["layers"]
    ]
    assert first["layers"][-1]["mediaType"] == "application/vnd.dockerfile-frontend.cachemount.v1.tar+zstd"


def test_a_build_that_used_none_gives_on_what_it_was_given(filled: World) -> None:
    """Else a build that took every step from a cache would lose the mounts in it."""
    write(filled, "mounts=go;/root/.npm")
    here = f"{filled.folder}/cache"
    graph = Graph()
    again = graph.definition(graph.file("/other"))
    target = f"type=local,dest={filled.folder}/again,mounts=go;/root/.npm"
    filled.build("two", again, cache_from=[f"type=local,src={here},mounts=go"], cache_to=[target], look=False)
    assert filled.config("again")["dfc"]["mounts"] == [
        m for m in filled.config("cache")["dfc"]["mounts"] if m["id"] == "go"
    ]
    (filled.folder / "again").rename(filled.folder / "moved")
    (filled.folder / "cache").rename(filled.folder / "gone")
    (filled.folder / "moved").rename(filled.folder / "cache")
    assert take(filled, GO, store="three")[0] == {GO: ["mod"]}


def test_what_was_used_here_is_not_replaced_by_what_was_given(filled: World) -> None:
    write(filled, "mounts=go")
    here = f"{filled.folder}/cache"
    with filled.opened("two") as machine:
        fill(machine, GO, "go", {"mine": "x"})
    graph = Graph()
    target = f"type=local,dest={here},mounts=go"
    filled.build(
        "two", graph.definition(graph.file("/a")), cache_from=[f"type=local,src={here},mounts=all"], cache_to=[target]
    )
    assert take(filled, GO, store="three")[0] == {GO: ["mine"]}


def test_one_that_is_too_large_is_left_out_and_told(filled: World) -> None:
    with filled.opened("one") as machine:
        path = fill(machine, GO, "go", {})
        (path / "big").write_bytes(os.urandom(3 << 20))
    events = write(filled, "mounts=/root/.npm;go;other,mounts-limit=1m")
    assert [mount["id"] for mount in filled.config("cache")["dfc"]["mounts"]] == ["/root/.npm"]
    said = "".join(events.said)
    assert "cache mount go is left out: its archive is longer than 1048576 bytes" in said
    assert "no cache mount other has anything in it" in said
    assert list((filled.folder / "one/ingest").iterdir()) == []


def change_blob(world: World, make: Callable[[bytes], bytes], plain: bytes | None = None) -> None:
    """Put another archive in the place of the first, with all digests right; `plain` is what is in it."""
    manifest, config = world.manifest("cache"), world.config("cache")
    mount = config["dfc"]["mounts"][0]
    data = make(world.blob("cache", mount["blob"]).read_bytes())
    mount |= {"blob": digest_of(data), "size": len(data)}
    if plain is not None:
        mount["diffID"] = digest_of(plain)
    put(world, data)
    manifest["config"] |= put(world, json.dumps(config).encode())
    index = json.loads((world.folder / "cache/index.json").read_text())
    index["manifests"][0] |= put(world, json.dumps(manifest).encode())
    (world.folder / "cache/index.json").write_text(json.dumps(index))


def put(world: World, data: bytes) -> dict[str, Any]:
    world.blob("cache", digest_of(data)).write_bytes(data)
    return {"digest": digest_of(data), "size": len(data)}


def hostile() -> bytes:
    """Names that lead out, links to the host, and a file through one of them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("../out", "/absolute", "a/../../../up"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("host")
        link.type, link.linkname = tarfile.SYMTYPE, "/"
        tar.addfile(link)
        through = tarfile.TarInfo("host/tmp/through-the-link")
        through.size = 4
        tar.addfile(through, io.BytesIO(b"evil"))
    return out.getvalue()


def test_a_hostile_archive_stays_inside(filled: World) -> None:
    write(filled, "mounts=go")
    change_blob(filled, lambda _old: zstandard.compress(hostile()), hostile())
    found, _ = take(filled, GO)
    assert "out" in found[GO]
    assert not (filled.folder / "two/out").exists()
    assert not Path("/tmp/through-the-link").exists()
    assert not (filled.folder / "two/caches/out").exists()


@pytest.mark.parametrize(
    ("make", "plain"),
    [
        (lambda old: old[:-20], None),
        (lambda _old: b"no archive", None),
        (lambda _old: b"no archive", b"no archive"),
        (lambda _old: zstandard.compress(b"no tar" * 1000), b"no tar" * 1000),
        (lambda _old: zstandard.compress(bytes(1024)), None),
    ],
)
def test_a_damaged_archive_leaves_the_directory_empty(
    filled: World, make: Callable[[bytes], bytes], plain: bytes | None
) -> None:
    write(filled, "mounts=go")
    change_blob(filled, make, plain)
    found, events = take(filled, GO)
    assert found == {GO: []}
    assert "cache mount go begins empty: " in "".join(events.said)
    assert [path.name for path in (filled.folder / "two/caches").iterdir()] == [name_of(GO)]


def test_an_archive_that_is_not_there_leaves_it_empty(filled: World) -> None:
    write(filled, "mounts=go")
    filled.blob("cache", filled.config("cache")["dfc"]["mounts"][0]["blob"]).unlink()
    assert take(filled, GO)[0] == {GO: []}
