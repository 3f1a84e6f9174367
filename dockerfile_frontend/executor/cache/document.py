"""The config of a cache: which layers there are, and which key leads to which of them.

    {"layers":  [{"blob": "sha256:…", "parent": -1}, {"blob": "sha256:…", "parent": 0}],
     "records": [{"digest": "sha256:…", "layers": [{"layer": 1, "createdAt": "…Z"}],
                  "dfc": {"key": "…", "kind": "definition", "result": "…", "outputs": [1], "name": "RUN make", "parts": [["op", "…"]]}}]}

The form is BuildKit's (application/vnd.buildkit.cacheconfig.v0). Its records chain keys by links; ours stand alone, since our keys
already hold those of the inputs. What we read is in "dfc", which BuildKit skips; what BuildKit reads is a digest that is none of
its own. What comes from outside is checked here as a whole: after `read_config` indexes, digests and chains make sense.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.blobs.digests import check_digest
from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.exporters.image_config import timestamp
from dockerfile_frontend.executor.solver.keys import Key, Part
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.layers.imports import ImageLayer

CONFIG_TYPE = "application/vnd.buildkit.cacheconfig.v0"
OWN = "dfc"
"""The field that holds what BuildKit does not know."""

FIT = 1 << 20
"""Bytes of a config that BuildKit still reads. A longer one leaves out what its keys were made of."""

MOST_LAYERS, MOST_RECORDS, MOST_PARTS, LONGEST_CHAIN = 50_000, 200_000, 10_000, 1_000
MOST_IN_ALL = 2_000_000
"""Layers of all results together, each as often as it is in one."""
LONGEST_TEXT, LONGEST_NAME = 4096, 1024

_KINDS = ("source", "definition", "content")
_HEX = frozenset("0123456789abcdef")
_DOMAIN = b"dockerfile-frontend cache key\0"


class BadCache(ExecutorError):
    """A cache that cannot be what it claims to be; it is not used."""


class CachedLayer(Record):
    """A layer on its place in a chain."""

    blob: str
    parent: int
    """Index of the layer below; -1 for none."""


class CachedResult(Record):
    """What a step made: for each output the index of its topmost layer (-1 for no layers), or all indexes."""

    id: str
    outputs: tuple[int | tuple[int, ...], ...]
    name: str = ""
    op: str = ""
    created: float = 0.0
    """Unix seconds."""


class CachedMount(Record):
    """A cache mount as an archive; see `cache.mounts`."""

    id: str
    name: str
    """Digest under which the store keeps the directory, 64 hex digits."""
    blob: str
    size: int
    """Bytes of the blob."""
    diff_id: str
    """Digest of the tar in it."""
    saved: float
    """Unix seconds: when what is in it was last used."""
    mode: int = 0o755
    """Of the directory itself, as are the owners."""
    uid: int = 0
    gid: int = 0


class Cache(Record):
    """A cache's config, understood."""

    layers: tuple[CachedLayer, ...] = ()
    results: Mapping[str, CachedResult] = field(default_factory=dict)
    keys: Mapping[str, tuple[Key, str]] = field(default_factory=dict)
    """For each key what it was made of, and the id of the result that it leads to."""
    mounts: tuple[CachedMount, ...] = ()
    blobs: Mapping[str, ImageLayer] = field(default_factory=dict)
    """What the manifest says of the layers' blobs, by digest."""

    def chain(self, output: int | tuple[int, ...]) -> list[ImageLayer]:
        """Layers of an output, lowest first."""
        if not isinstance(output, int):
            return [self.blobs[self.layers[index].blob] for index in output]
        found = []
        while output != -1:
            found.append(self.blobs[self.layers[output].blob])
            output = self.layers[output].parent
        return found[::-1]


def record_digest(key: str) -> str:
    """What stands for one of our keys where BuildKit has one of its own."""
    return f"sha256:{hashlib.sha256(_DOMAIN + key.encode()).hexdigest()}"


def encode_config(cache: Cache) -> bytes:
    """The config, as compact JSON in the order that `cache` has."""
    config: dict[str, Any] = {
        "layers": [{"blob": layer.blob, "parent": layer.parent} for layer in cache.layers],
        "records": encode_records(cache),
    }
    if cache.mounts:
        config[OWN] = {"mounts": [_mount(each) for each in cache.mounts]}
    data = _dump(config)
    if len(data) > FIT:
        config["records"] = encode_records(cache, parts=False)
        data = _dump(config)
    return data


def _mount(mount: CachedMount) -> dict[str, Any]:
    owner = {"mode": mount.mode, "uid": mount.uid, "gid": mount.gid}
    where = {"id": mount.id, "name": mount.name, "blob": mount.blob, "size": mount.size, "diffID": mount.diff_id}
    return {**where, "saved": timestamp(mount.saved), **owner}


def encode_records(cache: Cache, *, parts: bool = True) -> list[dict[str, Any]]:
    """The records; the one under whose key a result was made says what the result is."""
    told: set[str] = set()
    found = []
    for digest, (key, result_id) in cache.keys.items():
        own: dict[str, Any] = {"key": digest, "kind": key.kind, "result": result_id}
        if parts:
            own["parts"] = [[part.label, part.value] for part in key.parts]
        record: dict[str, Any] = {"digest": record_digest(digest)}
        if result_id not in told:
            told.add(result_id)
            result = cache.results[result_id]
            created = timestamp(result.created)
            own |= {"outputs": result.outputs, "name": result.name[:LONGEST_NAME], "op": result.op, "created": created}
            tops = [{"layer": each, "createdAt": created} for each in result.outputs if isinstance(each, int) and each >= 0]
            chains = [{"layers": each, "createdAt": created} for each in result.outputs if not isinstance(each, int)]
            record |= ({"layers": tops} if tops else {}) | ({"chains": chains} if chains else {})
        found.append({**record, OWN: own})
    return found


def read_config(data: bytes, blobs: Mapping[str, ImageLayer]) -> Cache:
    """The config of a cache whose manifest names `blobs`. Records that BuildKit wrote are left out. Raises BadCache."""
    document = _object(_load(data), "config")
    layers = _read_layers(document)
    return read_records(document.get("records"), layers, blobs, _read_mounts(document.get(OWN)))


def read_records(
    records: object, layers: Sequence[CachedLayer], blobs: Mapping[str, ImageLayer], mounts: tuple[CachedMount, ...] = ()
) -> Cache:
    """The records over layers that are known to make sense. Raises BadCache."""
    results: dict[str, CachedResult] = {}
    keys: dict[str, tuple[Key, str]] = {}
    for record in _list(records, "records", MOST_RECORDS):
        own = _object(record, "record").get(OWN)
        if own is None:
            continue
        own = _object(own, "record")
        key, result_id = _read_key(own)
        if record.get("digest") != record_digest(key.digest):
            raise BadCache("a record's digest is not that of its key")
        keys[key.digest] = (key, result_id)
        if "outputs" in own:
            results[result_id] = _read_result(own, result_id, len(layers))
    depths = _check_chains(layers, blobs)
    results = {key: result for key, result in results.items() if all(_is_whole(o, depths, layers, blobs) for o in result.outputs)}
    if sum(depths[o] if isinstance(o, int) else len(o) for result in results.values() for o in result.outputs) > MOST_IN_ALL:
        raise BadCache("its results have too many layers")
    keys = {digest: (key, result_id) for digest, (key, result_id) in keys.items() if result_id in results}
    return Cache(tuple(layers), results, keys, mounts, blobs)


def _read_layers(document: Mapping[str, Any]) -> list[CachedLayer]:
    layers = []
    for entry in _list(document.get("layers"), "layers", MOST_LAYERS):
        layer = _object(entry, "layer")
        layers.append(CachedLayer(_digest(layer.get("blob")), _integer(layer.get("parent", 0), "parent", -1)))
    return layers


def _check_chains(layers: Sequence[CachedLayer], blobs: Mapping[str, ImageLayer]) -> dict[int, int]:
    """For each layer of whose chain the manifest has all blobs, how long that is; 0 for none at all, which is -1.

    Raises BadCache for a chain without end, or too long a one.
    """
    depths, whole = {-1: 0}, {-1: 0}
    for start in range(len(layers)):
        way: list[int] = []
        at = start
        while at not in depths and len(way) <= LONGEST_CHAIN:
            way.append(at)
            at = layers[at].parent
            if not -1 <= at < len(layers):
                raise BadCache(f"invalid layer index {at}")
        if len(way) + depths.get(at, LONGEST_CHAIN) > LONGEST_CHAIN:
            raise BadCache("layers lie over each other in a circle, or too many of them")
        for above in reversed(way):
            below = layers[above].parent
            depths[above] = depths[below] + 1
            if below in whole and layers[above].blob in blobs:
                whole[above] = depths[above]
    return whole


def _is_whole(
    output: int | tuple[int, ...], whole: Mapping[int, int], layers: Sequence[CachedLayer], blobs: Mapping[str, ImageLayer]
) -> bool:
    if isinstance(output, int):
        return output in whole
    return all(layers[index].blob in blobs for index in output)


def _read_key(own: Mapping[str, Any]) -> tuple[Key, str]:
    kind = own.get("kind")
    if kind not in _KINDS:
        raise BadCache("a key of an unknown kind")
    parts = []
    for pair in _list(own.get("parts"), "parts", MOST_PARTS):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadCache("a part of a key is not a pair")
        parts.append(Part(_text(pair[0]), _text(pair[1])))
    return Key(_key(own.get("key")), tuple(parts), kind), _key(own.get("result"))


def _read_result(own: Mapping[str, Any], result_id: str, layers: int) -> CachedResult:
    outputs: list[int | tuple[int, ...]] = []
    for output in _list(own.get("outputs"), "outputs", MOST_PARTS):
        if isinstance(output, list):
            outputs.append(tuple(_index(each, layers) for each in _list(output, "output", LONGEST_CHAIN)))
        else:
            outputs.append(-1 if output == -1 else _index(output, layers))
    return CachedResult(result_id, tuple(outputs), _text(own.get("name", "")), _text(own.get("op", "")), read_time(own.get("created")))


def _read_mounts(own: object) -> tuple[CachedMount, ...]:
    if own is None:
        return ()
    found = []
    for entry in _list(_object(own, OWN).get("mounts"), "mounts", MOST_PARTS):
        mount = _object(entry, "mount")
        size, saved = _integer(mount.get("size"), "size", 0), read_time(mount.get("saved"))
        mode, uid, gid = (_integer(mount.get(name, 0), name, 0) & 0xFFFFFFFF for name in ("mode", "uid", "gid"))
        name, blob, diff_id = _key(mount.get("name")), _digest(mount.get("blob")), _digest(mount.get("diffID"))
        found.append(CachedMount(_text(mount.get("id")), name, blob, size, diff_id, saved, mode & 0o7777, uid, gid))
    return tuple(found)


def read_time(text: object) -> float:
    """Unix seconds of an RFC 3339 time; 0 for none. Raises BadCache."""
    from dockerfile_frontend.executor.exporters.image_config import parse_timestamp

    if text in (None, ""):
        return 0.0
    try:
        return max(0.0, parse_timestamp(_text(text)).timestamp())
    except (ValueError, OverflowError):
        raise BadCache("a time that is none") from None


def _key(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or not _HEX.issuperset(value):
        raise BadCache("a key that is no digest")
    return value


def _digest(value: object) -> str:
    try:
        return check_digest(value)
    except StoreError as error:
        raise BadCache(str(error)) from None


def _index(value: object, count: int) -> int:
    index = _integer(value, "index", 0)
    if index >= count:
        raise BadCache(f"invalid layer index {index}")
    return index


def _integer(value: object, what: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << 53:
        raise BadCache(f"{what} is no number that makes sense")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadCache("a text that is none, or too long")
    return value


def _list(value: object, what: str, most: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most:
        raise BadCache(f"{what} is not a list, or too long a one")
    return value


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadCache(f"{what} is not a JSON object")
    return value


def _load(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BadCache("its config is not valid JSON") from None


def _dump(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
