"""Images in OCI archives, read back as something that two builders' results can be compared by.

    read_image(Path("image.tar")).tree["etc/passwd"]  ->  {"type": "file", "mode": "644", "owner": "0:0", …}

A reader of its own, strict and slow, that shares no code with what it judges.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import zstandard

Entry: TypeAlias = dict[str, Any]
Tree: TypeAlias = dict[str, Entry]

KINDS = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
OPAQUE, WHITEOUT, XATTR = ".wh..wh..opq", ".wh.", "SCHILY.xattr."


@dataclass(frozen=True, slots=True)
class Image:
    """What a builder made."""

    config: dict[str, Any]
    layers: list[bytes]
    manifest: dict[str, Any]
    tree: Tree = field(default_factory=dict)


def read_image(archive: Path, platform: str = "") -> Image:
    """The image of an OCI archive, or of several its one for `platform`. Raises when a digest or a layer is wrong."""
    with tarfile.open(archive) as tar:

        def blob(descriptor: dict[str, Any]) -> bytes:
            file = tar.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert file is not None
            data = file.read()
            assert f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"]
            assert len(data) == descriptor["size"]
            return data

        index = tar.extractfile("index.json")
        assert index is not None
        document = json.load(index)
        while "manifests" in document:
            document = json.loads(blob(choose(document["manifests"], platform)))
        config = json.loads(blob(document["config"]))
        layers = [unpack(blob(layer)) for layer in document["layers"] or ()]
    assert [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers] == (config["rootfs"]["diff_ids"] or [])
    image = Image(config, layers, document)
    for layer in layers:
        apply(image.tree, layer)
    return image


def choose(entries: list[dict[str, Any]], platform: str) -> dict[str, Any]:
    """An attestation says that it is of no platform."""

    def name(entry: dict[str, Any]) -> str:
        found = entry.get("platform", {})
        return "/".join(found[key] for key in ("os", "architecture", "variant") if key in found)

    images = [entry for entry in entries if not name(entry).startswith("unknown")]
    wanted = [entry for entry in images if name(entry) == platform] if platform else images
    assert len(wanted) == 1, [name(entry) for entry in entries]
    return wanted[0]


def unpack(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def apply(tree: Tree, layer: bytes) -> None:
    """One layer onto a tree: what it takes away first, then what it brings."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        members = [(posixpath.normpath(member.name).lstrip("/"), member) for member in tar.getmembers()]
        for name, _ in members:
            folder, base = posixpath.split(name)
            if base == OPAQUE:
                drop_below(tree, folder)
            elif base.startswith(WHITEOUT):
                gone = posixpath.join(folder, base.removeprefix(WHITEOUT))
                tree.pop(gone, None)
                drop_below(tree, gone)
        for name, member in members:
            if posixpath.basename(name).startswith(WHITEOUT) or name == ".":
                continue
            entry = tree[linked(member)] if member.islnk() else read_entry(tar, member)
            if entry["type"] != "folder":
                drop_below(tree, name)
            assert posixpath.dirname(name) == "" or tree[posixpath.dirname(name)]["type"] == "folder", name
            tree[name] = entry


def drop_below(tree: Tree, folder: str) -> None:
    for name in [name for name in tree if name.startswith(f"{folder}/")]:
        del tree[name]


def linked(member: tarfile.TarInfo) -> str:
    return posixpath.normpath(member.linkname).lstrip("/")


def read_entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind = "file" if member.isreg() else KINDS[member.type]
    entry: Entry = {"type": kind, "owner": f"{member.uid}:{member.gid}", "mtime": int(member.mtime)}
    if kind != "link":
        entry["mode"] = f"{member.mode & 0o7777:o}"
    if kind == "file":
        data = tar.extractfile(member)
        assert data is not None
        content = data.read()
        entry |= {"size": member.size, "sha256": hashlib.sha256(content).hexdigest(), "content": content[:200]}
    elif kind == "link":
        entry["to"] = member.linkname
    elif kind in ("char", "block"):
        entry["device"] = f"{member.devmajor}:{member.devminor}"
    for key, value in member.pax_headers.items():
        if key.startswith(XATTR):
            entry[key] = value
    return entry


def comparable(tree: Tree, began: float) -> Tree:
    """A tree without what two builds cannot agree on: a time that lies in the build itself is "now".

    Names of one file say so: each carries the first of them.
    """
    first: dict[int, str] = {}
    for name in sorted(tree):
        first.setdefault(id(tree[name]), name)
    found: Tree = {}
    for name, entry in tree.items():
        mtime = entry["mtime"] if entry["mtime"] < began else "now"
        found[name] = {**entry, "mtime": mtime, "same as": first[id(entry)]}
    return found


def differences(ours: Tree, theirs: Tree) -> list[str]:
    """One line a path and property that is not the same."""
    lines: list[str] = []
    for name in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(name), theirs.get(name)
        if here is None or there is None:
            lines.append(f"{name}: {'only theirs' if here is None else 'only ours'}: {here or there}")
            continue
        keys = [key for key in sorted(here.keys() | there.keys()) if here.get(key) != there.get(key)]
        lines += [f"{name} {key}: ours {here.get(key)!r}, theirs {there.get(key)!r}" for key in keys]
    return lines
