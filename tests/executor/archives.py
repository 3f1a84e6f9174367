"""Tars by hand, good and hostile.

tar_of(("etc/", {"mode": 0o700}), ("etc/motd", b"hello"), ("etc/l", "-> motd"), ("etc/h", "= etc/motd"))
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

from dockerfile_frontend.executor.blobs.digests import digest_of
from dockerfile_frontend.executor.layers.imports import ImageLayer, Unpacker, import_chain
from dockerfile_frontend.executor.store import Store

Member = tuple[str, Any] | tuple[str, Any, dict[str, Any]]


def tar_of(*members: Member, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - as tarfile calls it
    """A tar of (name, content, fields): content is bytes, "-> target", "= target", a tarfile type, or fields of a directory."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=format) as tar:
        for name, content, *rest in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1000
            info.mode = 0o644
            body = b""
            fields: dict[str, Any] = dict(rest[0]) if rest else {}
            if isinstance(content, dict):
                fields = content
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content[2:].strip()
            elif content in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
                info.type = content
            else:
                body = content
            info.size = len(body)
            for field, value in fields.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(body))
    return data.getvalue()


def raw_header(name: bytes, kind: bytes = b"0", size: bytes = b"00000000000\0", link: bytes = b"") -> bytes:
    """A header whose fields are these bytes, with a good checksum."""
    block = bytearray(512)
    block[:100] = name.ljust(100, b"\0")[:100]
    block[100:108] = block[108:116] = block[116:124] = b"0000644\0"
    block[124:136] = size
    block[136:148] = b"00000001000\0"
    block[156:157] = kind
    block[157:257] = link.ljust(100, b"\0")[:100]
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * 0x20)
    return bytes(block)


def layer_of(store: Store, tar: bytes, *, diff_id: str = "", packed: bytes | None = None) -> ImageLayer:
    """The tar as a layer of an image, its blob in the store; `packed` is the blob where it is not made by gzip."""
    blob = gzip.compress(tar, mtime=0) if packed is None else packed
    with store.new_blob() as out:
        out.write(blob)
    return ImageLayer(diff_id or digest_of(tar), out.digest, len(blob), "application/vnd.oci.image.layer.v1.tar+gzip")


def unpack_layers(store: Store, *tars: bytes) -> tuple[str, ...]:
    """Layers of an image made of these tars, unpacked."""
    layers = import_chain(store, [layer_of(store, tar) for tar in tars])
    store.on_unpack(Unpacker(store, _never).unpack)
    store.unpack(layers)
    return layers


def _never(layer: ImageLayer) -> None:
    raise AssertionError(layer)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
