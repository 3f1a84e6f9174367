"""Caches in directories: what one store built, another need not build."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dockerfile_frontend.executor.cache.document import record_digest
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import Input

from .world import Graph, World

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"


def chain(*names: str, fresh: str = "") -> tuple[Graph, Input]:
    """Files written one after the other, each a step."""
    graph = Graph()
    at: Input | None = None
    for name in names:
        at = graph.file(f"/{name}", name.encode(), at, fresh=name == fresh)
    assert at is not None
    return graph, at


def two_stages() -> tuple[Graph, Input]:
    """/b is copied from a stage that is not in the result."""
    graph = Graph()
    built = graph.file("/b", b"built", graph.file("/rest", b"not copied"))
    return graph, graph.copy("/b", built, graph.file("/base", b"base"))


@pytest.mark.parametrize("mode", ["min", "max"])
def test_another_store_builds_nothing(world: World, mode: str) -> None:
    graph, end = two_stages()
    made = world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode={mode}"])
    found = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert (len(made.ran), found.ran) == (4, [])
    assert found.files == made.files == {"base": "base", "b": "built"}
    assert found.events.ended["copy /b"] == "cached"
    assert found.events.ended[f"importing cache manifest from {world.folder}/cache"] == "done"


def test_min_keeps_the_layers_of_the_result_only(world: World) -> None:
    graph, end = two_stages()
    world.build(
        "one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/{m},mode={m}" for m in ("min", "max")]
    )
    assert [len(world.config(mode)["layers"]) for mode in ("min", "max")] == [2, 4]
    other = graph.copy("/rest", Input(list(graph.vertices)[1]), Input(list(graph.vertices)[2]))
    ran = {
        mode: world.build(
            f"store-{mode}", graph.definition(other), cache_from=[f"type=local,src={world.folder}/{mode}"]
        ).ran
        for mode in ("min", "max")
    }
    assert ran["max"] == ["copy /rest"]
    assert sorted(ran["min"]) == ["/b", "/rest", "copy /rest"]


def test_only_what_follows_a_change_runs(world: World) -> None:
    graph, end = chain("a", "b", "c")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache"])
    graph, end = chain("a", "b", "x", "c")
    found = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert found.ran == ["/x", "/c"]
    assert list(found.files) == ["a", "b", "c", "x"]


def test_what_was_built_without_the_cache_is_found_by_its_definition(world: World) -> None:
    """--no-cache gives results names of this store alone; in a cache they stand under portable ones."""
    graph, end = chain("a", "b", "c", fresh="a")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    graph, end = chain("a", "b", "c")
    assert world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"]).ran == []


def test_equal_content_hits_though_another_stage_made_it(world: World) -> None:
    """And so does what follows: the copy takes the name that the cache has for it."""
    graph = Graph()
    built = graph.file("/b", b"same", graph.file("/one"))
    end = graph.file("/last", b"", graph.copy("/b", built, graph.file("/base")))
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    graph = Graph()
    built = graph.file("/b", b"same", graph.file("/two"))
    end = graph.file("/last", b"", graph.copy("/b", built, graph.file("/base")))
    found = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert sorted(found.ran) == ["/b", "/two"]


def test_files_of_the_client_hit_by_their_content(world: World) -> None:
    context = world.folder / "context"
    context.mkdir()
    (context / "read").write_text("read")
    graph = Graph()
    end = graph.copy("/read", graph.local(), graph.file("/base"))
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache"])
    (context / "unread").write_text("new")
    assert world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"]).ran == []
    (context / "read").write_text("other")
    found = world.build("three", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert (found.ran, found.files["read"]) == (["copy /read"], "other")


def test_a_build_that_took_all_from_a_cache_gives_the_same_cache(world: World) -> None:
    """Also what it never looked at, because what is made of it was known: else each run of a CI job would forget more."""
    graph, end = two_stages()
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    before = world.manifest("cache")
    again = [f"type=local,dest={world.folder}/again,mode=max"]
    world.build(
        "two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"], cache_to=again, look=False
    )
    assert world.manifest("again") == before


def test_equal_builds_give_equal_caches(world: World) -> None:
    graph, end = two_stages()
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/{n},mode=max" for n in "ab"])
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/c,mode=max"])
    assert world.manifest("a") == world.manifest("b") == world.manifest("c")


def test_a_merge_and_its_parts_share_blobs(world: World) -> None:
    graph = Graph()
    parts = [graph.file(f"/{name}", name.encode()) for name in "ab"]
    end = graph.merge(*parts)
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    assert len(world.manifest("cache")["layers"]) == 2
    assert len(world.config("cache")["layers"]) == 3
    found = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert (found.ran, list(found.files)) == ([], ["a", "b"])


def test_tags_lie_beside_each_other_and_share_blobs(world: World) -> None:
    cache = world.folder / "cache"
    for name in ("b", "c"):
        graph, end = chain("a", name)
        world.build("one", graph.definition(end), cache_to=[f"type=local,dest={cache},tag={name}"])
    first = {layer["digest"] for layer in world.manifest("cache", "b")["layers"]}
    second = {layer["digest"] for layer in world.manifest("cache", "c")["layers"]}
    assert len(first & second) == 1
    graph, end = chain("a", "c")
    assert world.build("two", graph.definition(end), cache_from=[f"type=local,src={cache},tag=c"]).ran == []
    assert world.build("three", graph.definition(end), cache_from=[f"type=local,src={cache},tag=b"]).ran == ["/c"]


def test_reset_removes_what_no_tag_leads_to(world: World) -> None:
    cache = world.folder / "cache"
    graph, end = chain("a", "b")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={cache}"])
    before = {path.name for path in (cache / "blobs/sha256").iterdir()}
    graph, end = chain("a", "c")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={cache}"])
    assert before < {path.name for path in (cache / "blobs/sha256").iterdir()}
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={cache},reset=true"])
    assert len(list((cache / "blobs/sha256").iterdir())) == 4
    assert world.build("two", graph.definition(end), cache_from=[f"type=local,src={cache}"]).ran == []


def test_the_first_cache_that_knows_a_key_counts_and_missing_ones_are_told(world: World) -> None:
    for name in ("b", "c"):
        graph, end = chain("a", name)
        world.build(name, graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache-{name}"])
    graph, end = chain("a", "c")
    places = [world.folder / name for name in ("missing", "cache-b", "cache-c")]
    found = world.build("new", graph.definition(end), cache_from=[f"type=local,src={place}" for place in places])
    assert found.ran == []
    assert "No such file" in found.events.ended[f"importing cache manifest from {places[0]}"]
    assert found.events.ended[f"importing cache manifest from {places[1]}"] == "done"


def test_nobody_is_asked_when_the_store_knows_all(world: World) -> None:
    graph, end = chain("a", "b")
    world.build("one", graph.definition(end))
    found = world.build("one", graph.definition(end), cache_from=[f"type=local,src={world.folder}/missing"])
    assert not [name for name in found.events.ended if name.startswith("importing")]


def test_what_the_store_made_itself_is_not_replaced(world: World) -> None:
    """A cache that knows the same result, and one key more, adds the key."""
    graph = Graph()
    base = graph.file("/base")
    end = graph.copy("/b", graph.file("/b", b"same", graph.file("/one")), base)
    here = f"{world.folder}/cache"
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={here},mode=max"])
    mine = world.build("two", graph.definition(end))
    with world.opened("two") as machine:
        for known in machine.records.all():
            machine.store.db.execute("DELETE FROM key WHERE result = ? AND kind = 'content'", (known.id,))
        before = machine.records.all()
    graph = Graph()
    other = graph.copy("/b", graph.file("/b", b"same", graph.file("/two")), graph.file("/base"))
    done = world.build("two", graph.definition(other), cache_from=[f"type=local,src={here}"])
    assert (sorted(done.ran), done.layers) == (["/b", "/two"], mine.layers)
    with world.opened("two") as machine:
        kept = {known.id: known.outputs for known in machine.records.all()}
        assert all(kept[known.id] == known.outputs for known in before)
        assert not machine.records.has_imported()


def test_a_step_that_is_to_run_anew_runs_whatever_a_cache_knows(world: World) -> None:
    graph, end = chain("a", "b", "c")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    graph, end = chain("a", "b", "c", fresh="b")
    found = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert found.ran == ["/b", "/c"]


@pytest.mark.parametrize(
    ("option", "manifest", "layer"),
    [
        ("", f"{OCI}.manifest.v1+json", f"{OCI}.layer.v1.tar+gzip"),
        (",image-manifest=false", f"{OCI}.index.v1+json", f"{OCI}.layer.v1.tar+gzip"),
        (
            ",oci-mediatypes=false",
            f"{DOCKER}.distribution.manifest.list.v2+json",
            f"{DOCKER}.image.rootfs.diff.tar.gzip",
        ),
        (",compression=zstd", f"{OCI}.manifest.v1+json", f"{OCI}.layer.v1.tar+zstd"),
        (",compression=uncompressed", f"{OCI}.manifest.v1+json", f"{OCI}.layer.v1.tar"),
    ],
)
def test_forms_of_the_manifest(world: World, option: str, manifest: str, layer: str) -> None:
    graph, end = chain("a", "b")
    made = world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache{option}"])
    found = world.manifest("cache")
    entries = found.get("layers") or found["manifests"]
    assert found["mediaType"] == manifest
    assert {entry["mediaType"] for entry in entries} <= {layer, "application/vnd.buildkit.cacheconfig.v0"}
    again = world.build("two", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])
    assert (again.ran, again.files) == ([], made.files)


def test_an_imported_layer_keeps_its_blob_unless_compression_is_forced(world: World) -> None:
    graph, end = chain("a")
    here = world.folder
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={here}/gzip"])
    more = [
        f"type=local,dest={here}/kept,compression=zstd",
        f"type=local,dest={here}/forced,compression=zstd,force-compression=true",
    ]
    world.build("two", graph.definition(end), cache_from=[f"type=local,src={here}/gzip"], cache_to=more)
    kinds = [world.manifest(name)["layers"][0]["mediaType"].rpartition("+")[2] for name in ("kept", "forced")]
    assert kinds == ["gzip", "zstd"]
    assert world.build("three", graph.definition(end), cache_from=[f"type=local,src={here}/forced"]).ran == []


def test_records_are_what_buildkit_reads_and_hold_no_key_of_its_own(world: World) -> None:
    graph, end = two_stages()
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    config = world.config("cache")
    for record in config["records"]:
        assert record["digest"] == record_digest(record["dfc"]["key"])
        assert record["digest"] != f"sha256:{record['dfc']['key']}"
        assert "inputs" not in record
    assert [layer["parent"] for layer in config["layers"]].count(-1) == 2
    for layer in world.manifest("cache")["layers"]:
        assert set(layer["annotations"]) == {"containerd.io/uncompressed", "buildkit/createdat", "buildkit/description"}


def test_an_index_that_is_none_is_left_alone(world: World) -> None:
    (world.folder / "cache").mkdir()
    (world.folder / "cache/index.json").write_text("precious")
    graph, end = chain("a")
    with pytest.raises(ExecutorError, match="no JSON object"):
        world.build("one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache"])
    assert (world.folder / "cache/index.json").read_text() == "precious"
    assert not (world.folder / "cache/index.json.lock").exists()


def test_an_export_that_may_fail_is_told_and_the_build_is_done(world: World) -> None:
    (world.folder / "file").write_text("")
    graph, end = chain("a")
    done = world.build(
        "one", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/file/cache,ignore-error=true"]
    )
    assert "cannot write" in done.events.ended[f"exporting cache to client directory {world.folder}/file/cache"]
    assert list(done.files) == ["a"]


def test_other_images_of_a_layout_stay(world: World) -> None:
    """A cache may lie beside an image, and neither takes the other's name."""
    graph, end = chain("a")
    here = world.folder / "both"
    world.build("one", graph.definition(end), output=f"type=oci,dest={here},tar=false,name=app")
    world.build("one", graph.definition(end), cache_to=[f"type=local,dest={here}"])
    entries: list[dict[str, Any]] = json.loads((here / "index.json").read_text())["manifests"]
    assert [entry["annotations"].get("io.containerd.image.name", "") for entry in entries] == [
        "docker.io/library/app:latest",
        "",
    ]
