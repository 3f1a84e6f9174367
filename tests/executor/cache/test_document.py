"""The cache's config: what is written is read, and nothing from outside breaks the reader."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.executor.cache.document import (
    FIT,
    BadCache,
    Cache,
    CachedLayer,
    CachedMount,
    CachedResult,
    encode_config,
    read_config,
    record_digest,
)
from dockerfile_frontend.executor.layers.imports import ImageLayer
from dockerfile_frontend.executor.solver.keys import Key, Part

HEX = st.integers(0, 2**64).map(lambda number: f"{number:064x}")
DIGESTS = HEX.map(lambda text: f"sha256:{text}")
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
TIMES = st.integers(0, 2**31).map(float)
PARTS = st.lists(st.builds(Part, TEXT, TEXT), max_size=3).map(tuple)


@st.composite
def caches(draw: st.DrawFn) -> Cache:
    """Caches that this program could have written."""
    blobs = draw(st.lists(DIGESTS, min_size=1, max_size=4, unique=True))
    count = draw(st.integers(1, 6))
    layers = tuple(
        CachedLayer(draw(st.sampled_from(blobs)), draw(st.integers(-1, number - 1))) for number in range(count)
    )
    outputs = st.lists(
        st.integers(-1, count - 1) | st.lists(st.integers(0, count - 1), max_size=3).map(tuple), min_size=1, max_size=2
    ).map(tuple)
    ids = draw(st.lists(HEX, max_size=4, unique=True))
    results = {each: CachedResult(each, draw(outputs), draw(TEXT), draw(TEXT), draw(TIMES)) for each in ids}
    kinds = st.sampled_from(["source", "definition", "content"])
    keys: dict[str, tuple[Key, str]] = {}
    for each in ids:
        for digest in [each, *draw(st.lists(HEX, max_size=2))]:
            keys.setdefault(digest, (Key(digest, draw(PARTS), draw(kinds)), each))
    results = {key: result for key, result in results.items() if any(leads_to == key for _, leads_to in keys.values())}
    mounts = st.builds(
        CachedMount,
        TEXT,
        HEX,
        DIGESTS,
        st.integers(0, 2**40),
        DIGESTS,
        TIMES,
        st.integers(0, 0o7777),
        st.integers(0, 2**32 - 1),
    )
    known = {digest: ImageLayer(digest, digest, 1) for digest in blobs}
    return Cache(layers, results, keys, tuple(draw(st.lists(mounts, max_size=2))), known)


@settings(max_examples=60)
@given(caches())
def test_what_is_written_is_read(cache: Cache) -> None:
    assert read_config(encode_config(cache), cache.blobs) == cache


@settings(max_examples=60)
@given(caches())
def test_chains_are_those_that_were_meant(cache: Cache) -> None:
    for result in cache.results.values():
        for output in result.outputs:
            chain = cache.chain(output)
            if isinstance(output, int) and output != -1:
                assert chain[-1].digest == cache.layers[output].blob
                assert chain[:-1] == cache.chain(cache.layers[output].parent)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | DIGESTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150)
@given(caches(), st.data())
def test_nothing_but_a_refusal_comes_of_what_makes_no_sense(cache: Cache, data: st.DataObject) -> None:
    """One field somewhere is anything at all."""
    document = json.loads(encode_config(cache))
    at: Any = document
    while True:
        names: list[Any] = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not names:
            return
        name = data.draw(st.sampled_from(names))
        if isinstance(at[name], dict | list) and data.draw(st.booleans()):
            at = at[name]
            continue
        at[name] = data.draw(JSON)
        break
    try:
        found = read_config(json.dumps(document).encode(), cache.blobs)
    except BadCache:
        return
    for result in found.results.values():
        assert all(len(found.chain(output)) <= 1000 for output in result.outputs)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_nor_of_any_bytes(data: bytes) -> None:
    with contextlib.suppress(BadCache):
        read_config(data, {})


def test_a_config_that_buildkit_would_not_read_leaves_out_what_only_explains() -> None:
    """BuildKit reads a MiB."""
    keys = {f"{n:064x}": (Key(f"{n:064x}", (Part("op", "x" * 3000),), "definition"), f"{n:064x}") for n in range(500)}
    results = {key: CachedResult(key, (-1,)) for key in keys}
    data = encode_config(Cache((), results, keys))
    assert len(data) < FIT
    found = read_config(data, {})
    assert found.keys.keys() == keys.keys()
    assert not any(key.parts for key, _ in found.keys.values())


def test_a_record_stands_under_a_digest_that_no_key_has() -> None:
    key = "0" * 64
    assert record_digest(key) != f"sha256:{key}"
    assert record_digest(key) == "sha256:8bad54db7295fad509cf19a3e711d16374ce698bad7d96c798421c2d31c7cd8d"


@pytest.mark.parametrize(
    "time", ["2026-11-24T14:12:14.731709Z", "2026-11-24T14:12:14.731709123Z", "2026-11-24T14:12:14Z"]
)
def test_times_as_go_writes_them(time: str) -> None:
    key = "1" * 64
    own = {"key": key, "kind": "source", "result": key, "outputs": [-1], "created": time}
    found = read_config(json.dumps({"records": [{"digest": record_digest(key), "dfc": own}]}).encode(), {})
    assert int(found.results[key].created) == 1795529534
