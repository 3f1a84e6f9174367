"""Caches that lie or are damaged: the step runs, the build is right, and nothing of the lie is left in the store."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.cache.document import record_digest
from ir_schema.ops import Input

from .world import Done, Graph, World

Change = Callable[[World], object]


def chain(*names: str) -> tuple[Graph, Input]:
    graph = Graph()
    at: Input | None = None
    for name in names:
        at = graph.file(f"/{name}", name.encode(), at)
    assert at is not None
    return graph, at


@pytest.fixture
def cached(world: World) -> World:
    """A world with a cache of three steps."""
    graph, end = chain("a", "b", "c")
    world.build("first", graph.definition(end), cache_to=[f"type=local,dest={world.folder}/cache,mode=max"])
    return world


def again(world: World, *names: str) -> Done:
    graph, end = chain(*(names or ("a", "b", "c")))
    return world.build("new", graph.definition(end), cache_from=[f"type=local,src={world.folder}/cache"])


def layer(world: World, number: int) -> dict[str, Any]:
    found: dict[str, Any] = world.manifest("cache")["layers"][number]
    return found


def replace_blob(world: World, data: bytes, *, like: Path) -> None:
    like.chmod(0o600)
    like.write_bytes(data)


def remove_a_layer(world: World) -> None:
    world.blob("cache", layer(world, 1)["digest"]).unlink()


def damage_a_layer(world: World) -> None:
    path = world.blob("cache", layer(world, 1)["digest"])
    replace_blob(world, path.read_bytes()[:-4] + b"\0\0\0\0", like=path)


def shorten_a_layer(world: World) -> None:
    path = world.blob("cache", layer(world, 1)["digest"])
    replace_blob(world, path.read_bytes()[:20], like=path)


def rewrite_manifest(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    """Another manifest under the tag, and whatever it needs."""
    manifest = world.manifest("cache")
    change(manifest)
    data = json.dumps(manifest).encode()
    digest = put(world, data)
    index = json.loads((world.folder / "cache/index.json").read_text())
    index["manifests"][0] |= {"digest": digest, "size": len(data)}
    (world.folder / "cache/index.json").write_text(json.dumps(index))


def put(world: World, data: bytes) -> str:
    world.blob("cache", digest_of(data)).write_bytes(data)
    return digest_of(data)


def rewrite_config(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    config = world.config("cache")
    change(config)
    data = json.dumps(config).encode()
    digest = put(world, data)
    rewrite_manifest(world, lambda manifest: manifest["config"].update(digest=digest, size=len(data)))


def give_another_content(world: World) -> None:
    """A blob that is what its digest says, and not what the diff id says."""
    lie = gzip.compress(b"\0" * 1024, mtime=0)
    digest = put(world, lie)

    def change(manifest: dict[str, Any]) -> None:
        for entry in manifest["layers"]:
            if entry["digest"] == old:
                entry.update(digest=digest, size=len(lie))

    old = layer(world, 1)["digest"]
    rewrite_config(
        world, lambda config: [each.update(blob=digest) for each in config["layers"] if each["blob"] == old] and None
    )
    rewrite_manifest(world, change)


def claim_another_diff_id(world: World) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["layers"][1]["annotations"]["containerd.io/uncompressed"] = "sha256:" + "1" * 64

    rewrite_manifest(world, change)


def give_no_tar(world: World) -> None:
    """A layer whose diff id is right, and which is no tar."""
    plain = b"this is no archive" * 100
    data = gzip.compress(plain, mtime=0)
    digest = put(world, data)
    old = layer(world, 1)["digest"]

    def change(manifest: dict[str, Any]) -> None:
        manifest["layers"][1].update(digest=digest, size=len(data))
        manifest["layers"][1]["annotations"]["containerd.io/uncompressed"] = digest_of(plain)

    rewrite_config(
        world, lambda config: [each.update(blob=digest) for each in config["layers"] if each["blob"] == old] and None
    )
    rewrite_manifest(world, change)


LIES: dict[str, Change] = {
    "missing": remove_a_layer,
    "damaged": damage_a_layer,
    "short": shorten_a_layer,
    "another content": give_another_content,
    "another diff id": claim_another_diff_id,
    "no tar": give_no_tar,
}


@pytest.mark.parametrize("lie", LIES)
def test_the_steps_run_instead(cached: World, lie: str) -> None:
    LIES[lie](cached)
    done = again(cached)
    assert done.files == {"a": "a", "b": "b", "c": "c"}
    assert done.ran == ["/a", "/b", "/c"]
    assert any("cache is not used any more" in said for said in done.events.said)


@pytest.mark.parametrize("lie", LIES)
def test_nothing_of_it_is_left(cached: World, lie: str) -> None:
    """The next build, without the cache, finds what was built and nothing else."""
    LIES[lie](cached)
    again(cached)
    graph, end = chain("a", "b", "c")
    done = cached.build("new", graph.definition(end))
    assert (done.ran, list(done.files)) == ([], ["a", "b", "c"])
    with cached.opened("new") as machine:
        assert not machine.records.has_imported()
        assert not machine.store.db.execute("SELECT id FROM layer WHERE state = 'packed'").fetchall()


@pytest.mark.parametrize("lie", LIES)
def test_a_later_build_that_finds_out_runs_the_steps_too(cached: World, lie: str) -> None:
    """Nobody looked into the layers when they were entered; the cache is not even named any more."""
    LIES[lie](cached)
    graph, end = chain("a", "b", "c")
    first = cached.build("new", graph.definition(end), cache_from=[f"type=local,src={cached.folder}/cache"], look=False)
    assert first.ran == []
    graph, end = chain("a", "b", "c", "d")
    done = cached.build("new", graph.definition(end))
    assert (done.ran, list(done.files)) == (["/a", "/b", "/c", "/d"], ["a", "b", "c", "d"])


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie != "no tar"])
def test_an_archive_is_not_made_of_it(cached: World, lie: str) -> None:
    """Nobody unpacks the layers of a result that is only given on, so they are proven before.

    All but one that is what it says, and no tar: who unpacks that finds out.
    """
    LIES[lie](cached)
    graph, end = chain("a", "b", "c")
    source, output = f"type=local,src={cached.folder}/cache", f"type=oci,dest={cached.folder}/image,tar=false"
    done = cached.build("new", graph.definition(end), cache_from=[source], output=output, look=False)
    assert done.ran == ["/a", "/b", "/c"]


def test_a_step_over_a_lie_runs_again_once_the_truth_is_known(cached: World) -> None:
    damage_a_layer(cached)
    done = again(cached, "a", "b", "x")
    assert done.files == {"a": "a", "b": "b", "x": "x"}
    assert done.ran == ["/a", "/b", "/x"]


def test_what_is_not_lied_about_is_used_as_long_as_nobody_looks(cached: World) -> None:
    damage_a_layer(cached)
    graph, end = chain("a")
    done = cached.build("new", graph.definition(end), cache_from=[f"type=local,src={cached.folder}/cache"])
    assert (done.ran, done.files) == ([], {"a": "a"})


def test_a_damaged_folder_is_healed_by_the_build_that_found_out(cached: World) -> None:
    damage_a_layer(cached)
    graph, end = chain("a", "b", "c")
    here = f"{cached.folder}/cache"
    cached.build(
        "new",
        graph.definition(end),
        cache_from=[f"type=local,src={here}"],
        cache_to=[f"type=local,dest={here},mode=max"],
    )
    assert cached.build("third", graph.definition(end), cache_from=[f"type=local,src={here}"]).ran == []


def test_a_lie_about_a_layer_that_is_known_changes_nothing(cached: World) -> None:
    """The store has the layer with another blob: it keeps that."""
    graph, end = chain("a", "b", "c")
    here = cached.folder
    cached.build("new", graph.definition(end), cache_from=[f"type=local,src={here}/cache"], look=False)
    give_another_content(cached)
    with cached.opened("new") as machine:
        before = machine.store.db.execute("SELECT * FROM packed ORDER BY layer, form").fetchall()
        machine.records.forget([known.id for known in machine.records.all()])
    cached.build("new", graph.definition(end), cache_from=[f"type=local,src={here}/cache"], look=False)
    with cached.opened("new") as machine:
        assert machine.store.db.execute("SELECT * FROM packed ORDER BY layer, form").fetchall() == before


# Documents that make no sense


def set_parent(index: int, parent: object) -> Change:
    return lambda world: rewrite_config(world, lambda config: config["layers"][index].update(parent=parent))


def set_config(**fields: object) -> Change:
    return lambda world: rewrite_config(world, lambda config: config.update(fields))


def set_own(**fields: object) -> Change:
    return lambda world: rewrite_config(world, lambda config: config["records"][0]["dfc"].update(fields))


def set_manifest(**fields: object) -> Change:
    return lambda world: rewrite_manifest(world, lambda manifest: manifest.update(fields))


def set_config_descriptor(**fields: object) -> Change:
    return lambda world: rewrite_manifest(world, lambda manifest: manifest["config"].update(fields))


def many_results(world: World) -> None:
    """Each of them with the longest chain there may be."""
    digest = world.manifest("cache")["layers"][0]["digest"]
    layers = [{"blob": digest, "parent": n - 1} for n in range(1000)]
    keys = [f"{n:064x}" for n in range(2001)]
    own = {key: {"key": key, "kind": "definition", "result": key, "outputs": [999]} for key in keys}
    records = [{"digest": record_digest(key), "dfc": each} for key, each in own.items()]
    rewrite_config(world, lambda config: config.update(layers=layers, records=records))


def in_a_circle(world: World) -> None:
    set_parent(0, 1)(world)
    set_parent(1, 0)(world)


NONSENSE: dict[str, tuple[Change, str]] = {
    "a layer under itself": (set_parent(0, 0), "in a circle"),
    "layers in a circle": (in_a_circle, "in a circle"),
    "a parent that is not there": (set_parent(1, 99), "invalid layer index 99"),
    "a parent below the lowest": (set_parent(1, -2), "no number that makes sense"),
    "a parent that is text": (set_parent(1, "0"), "no number that makes sense"),
    "a long chain": (
        set_config(layers=[{"blob": "sha256:" + "a" * 64, "parent": n - 1} for n in range(1001)], records=[]),
        "too many of them",
    ),
    "more layers than anybody has": (many_results, "too many layers"),
    "a digest with a path": (set_config(layers=[{"blob": "sha256:../../etc/passwd", "parent": -1}]), "invalid digest"),
    "layers that are no list": (set_config(layers={"a": 1}), "layers is not a list"),
    "records that are no objects": (set_config(records=[1]), "record is not a JSON object"),
    "too many records": (set_config(records=[{}] * 200_001), "records is not a list, or too long"),
    "a key of another digest": (set_own(key="0" * 64), "not that of its key"),
    "a key that is a path": (set_own(key="../" * 21 + "x"), "no digest"),
    "a result that is a path": (set_own(result="../../x"), "no digest"),
    "an output that is not there": (set_own(outputs=[99]), "invalid layer index 99"),
    "an output below all": (set_own(outputs=[-7]), "no number that makes sense"),
    "outputs of outputs": (set_own(outputs=[[[0]]]), "no number that makes sense"),
    "a time that is none": (set_own(created="yesterday"), "a time that is none"),
    "a time too far away": (set_own(created="99999-01-01T00:00:00Z"), "a time that is none"),
    "a part that is no pair": (set_own(parts=[["a"]]), "not a pair"),
    "a name that is too long": (set_own(name="x" * 5000), "too long"),
    "a config that is a list": (lambda world: put_config(world, b"[]"), "config is not a JSON object"),
    "a config that is no JSON": (lambda world: put_config(world, b"{"), "not valid JSON"),
    "a deep config": (lambda world: put_config(world, b"[" * 100_000), "not valid JSON"),
    "a config that is not there": (set_config_descriptor(digest="sha256:" + "0" * 64), "not found"),
    "a config of another size": (set_config_descriptor(size=5), "more than the expected 5 bytes"),
    "a huge config": (set_config_descriptor(size=1 << 40), "size"),
    "an ambiguous manifest": (set_manifest(manifests=[]), "ambiguous manifest"),
    "a manifest of another type": (set_manifest(mediaType="application/vnd.oci.image.index.v1+json"), "does not match"),
}


def put_config(world: World, data: bytes) -> None:
    digest = put(world, data)
    rewrite_manifest(world, lambda manifest: manifest["config"].update(digest=digest, size=len(data)))


@pytest.mark.parametrize("case", NONSENSE)
def test_a_cache_that_makes_no_sense_is_left_aside(cached: World, case: str) -> None:
    change, message = NONSENSE[case]
    change(cached)
    done = again(cached)
    assert done.ran == ["/a", "/b", "/c"]
    assert message in done.events.ended[f"importing cache manifest from {cached.folder}/cache"]


@pytest.mark.parametrize(
    "change",
    [
        set_manifest(layers=[]),
        lambda world: rewrite_manifest(world, lambda m: m["layers"][0].update(mediaType="text/plain")),
        lambda world: rewrite_manifest(world, lambda m: m["layers"][0]["annotations"].clear()),
        lambda world: rewrite_manifest(
            world, lambda m: m["layers"][0]["annotations"].update({"containerd.io/uncompressed": "sha256:.."})
        ),
        lambda world: rewrite_config(
            world, lambda config: [record.pop("dfc") for record in config["records"]] and None
        ),
        set_config(records=None),
    ],
)
def test_records_that_lead_nowhere_are_no_records(cached: World, change: Change) -> None:
    change(cached)
    done = again(cached)
    assert done.ran == ["/a", "/b", "/c"]
    assert done.events.ended[f"importing cache manifest from {cached.folder}/cache"] == "done"


def test_a_link_in_a_cache_folder_is_not_followed(cached: World, tmp_path: Path) -> None:
    """Not to a file of the host, though its digest were right."""
    path = cached.blob("cache", layer(cached, 1)["digest"])
    outside = tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    assert again(cached).ran == ["/a", "/b", "/c"]


@pytest.mark.parametrize("what", ["/dev/zero", "/etc/hostname", "{}/file"])
def test_a_cache_that_is_no_folder(world: World, what: str) -> None:
    (world.folder / "file").write_bytes(b"x" * 2000)
    graph, end = chain("a")
    place = what.format(world.folder)
    done = world.build("new", graph.definition(end), cache_from=[f"type=local,src={place}"])
    assert done.ran == ["/a"]
    assert done.events.ended[f"importing cache manifest from {place}"] not in ("", "done")
