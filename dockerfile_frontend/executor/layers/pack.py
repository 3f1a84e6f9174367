"""A layer's directory as a tar, and the tar as a blob.

    layers/9/app/main.py, layers/9/etc/old = whiteout  ──▶  app/  app/main.py  etc/  etc/.wh.old
    ──▶ Packed(diff_id=hash of the tar, digest=hash of the blob, size=…)

Entries stand in the order of a walk sorted by name, with numbers for owners, whole seconds, and of the extended attributes only
the file capabilities, as containerd writes them, so that equal layers give equal tars. One thread reads, the others compress; no
more than some megabytes are held at any time. What was packed once in a form is remembered.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.diskfaults import told
from dockerfile_frontend.executor.files.clone import list_attributes
from dockerfile_frontend.executor.files.walk import DIRECTORY as OPEN_DIRECTORY
from dockerfile_frontend.executor.files.walk import walk
from dockerfile_frontend.executor.snapshots.whiteouts import is_opaque, is_whiteout

from . import tarwrite
from .forms import DEFAULT_FORM, Form, Packed, find_packed, remember_packed
from .tarwrite import Header, encode_header, padding

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.executor.files.walk import Visit
    from dockerfile_frontend.executor.store import Store

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
CAPABILITY = "security.capability"
CHUNK = 1 << 20

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: tarwrite.REGULAR, stat.S_IFDIR: tarwrite.DIRECTORY, stat.S_IFLNK: tarwrite.SYMLINK,
    stat.S_IFCHR: tarwrite.CHARACTER, stat.S_IFBLK: tarwrite.BLOCK_DEVICE, stat.S_IFIFO: tarwrite.FIFO,
}  # fmt: skip


def pack(store: Store, layer: str, form: Form = DEFAULT_FORM, check_cancelled: Callable[[], object] | None = None) -> Packed:
    """The layer as a blob in that form, made when it was not before. It stays until the store is closed."""
    with store.exclusive(f"pack {layer} {form.name}", check_cancelled):
        known = find_packed(store, layer, form.name)
        if known is not None and store.keep_blob(known.digest):
            return known
        with told(f"layer {layer} cannot be packed"), store.new_blob() as out:
            diff_id = _write(store.snapshots.path(layer), form, out.write, check_cancelled)
        made = Packed(diff_id or out.digest, out.digest, out.offset, form.compression)
        store.keep_blob(made.digest)
        remember_packed(store, layer, form.name, made)
    return made


def tar_layer(folder: int, epoch: int | None = None) -> Iterator[bytes]:
    """The tar of an open layer directory, in pieces of about `CHUNK` bytes."""
    writer = TarWriter(epoch)
    for visit in walk(folder):
        yield from writer.entry(visit)
    yield writer.flush(tarwrite.END)


def _write(path: str, form: Form, write: Callable[[bytes], object], check_cancelled: Callable[[], object] | None) -> str:
    """Write the blob; the tar's digest, or nothing when the tar is the blob."""
    import hashlib

    from .ahead import ahead
    from .compress import compressor

    folder = os.open(path, OPEN_DIRECTORY)
    try:
        hasher = None if form.compression == "uncompressed" else hashlib.sha256()
        chunks = tar_layer(folder, form.epoch)
        with compressor(form.compression, form.level, write) as compress:
            for chunk in ahead(_hashed(chunks, hasher) if hasher is not None else chunks):
                if check_cancelled is not None:
                    check_cancelled()
                compress(chunk)
    finally:
        os.close(folder)
    return f"sha256:{hasher.hexdigest()}" if hasher is not None else ""


def _hashed(chunks: Iterator[bytes], hasher: hashlib._Hash) -> Iterator[bytes]:
    """The same chunks, each added to `hasher` by the thread that makes them."""
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


class TarWriter:
    """Puts entries together into pieces.

    Those of a layer's directory; or, `merged`, those of a whole file system below `prefix`, with all their extended attributes and,
    if there is an epoch, with that as their time.
    """

    def __init__(self, epoch: int | None, *, merged: bool = False, prefix: str = "") -> None:
        self._epoch = epoch
        self._merged = merged
        self._prefix = prefix
        self._parts: list[bytes] = []
        self._held = 0
        self._links: dict[tuple[int, int], str] = {}

    def flush(self, more: bytes = b"") -> bytes:
        found = b"".join(self._parts) + more
        self._parts, self._held = [], 0
        return found

    def entry(self, visit: Visit) -> Iterator[bytes]:
        """Header and content of one entry, as far as they fill pieces."""
        status, mode = visit.stat, visit.stat.st_mode
        if not self._merged and is_whiteout(status):
            above, slash, name = visit.path.rpartition("/")
            yield from self._add(encode_header(Header(f"{above}{slash}{WHITEOUT}{name}")))
            return
        if stat.S_ISSOCK(mode):
            return
        linked = visit.path
        if status.st_nlink > 1 and not stat.S_ISDIR(mode):
            linked = self._links.setdefault((status.st_dev, status.st_ino), visit.path)
        if linked != visit.path:
            more = {"link": self._prefix + linked, "attributes": self._attributes(visit)}
            yield from self._add(encode_header(self._header(visit, tarwrite.HARD_LINK, **more)))
        elif stat.S_ISREG(mode):
            yield from self._file(visit)
        else:
            yield from self._add(encode_header(self._other(visit)))
            if not self._merged and stat.S_ISDIR(mode) and is_opaque(f"/proc/self/fd/{visit.folder}/{visit.name}"):
                yield from self._add(encode_header(Header(f"{visit.path}/{OPAQUE}")))

    def _file(self, visit: Visit) -> Iterator[bytes]:
        size = visit.stat.st_size
        fd = os.open(visit.name, _FILE, dir_fd=visit.folder)
        try:
            header = self._header(visit, tarwrite.REGULAR, size=size, attributes=self._attributes(visit, fd))
            yield from self._add(encode_header(header))
            left = size
            while left:
                data = os.read(fd, min(left, CHUNK - self._held))  # a whole piece goes on as it is
                if not data:
                    raise StoreError(f"/{visit.path} became shorter while it was read")
                left -= len(data)
                yield from self._add(data)
            yield from self._add(padding(size))
        finally:
            os.close(fd)

    def _other(self, visit: Visit) -> Header:
        mode, kind = visit.stat.st_mode, _KINDS[stat.S_IFMT(visit.stat.st_mode)]
        if kind == tarwrite.SYMLINK:
            return self._header(visit, kind, link=os.readlink(visit.name, dir_fd=visit.folder))
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            return self._header(visit, kind, device=(os.major(visit.stat.st_rdev), os.minor(visit.stat.st_rdev)))
        return self._header(visit, kind)

    def _header(self, visit: Visit, kind: int, **more: object) -> Header:
        status = visit.stat
        seconds = status.st_mtime_ns // 1_000_000_000
        if self._epoch is not None:
            seconds = self._epoch if self._merged else min(seconds, self._epoch)
        name = f"{self._prefix}{visit.path}"
        if kind == tarwrite.DIRECTORY:
            name += "/"
        if self._merged and "attributes" not in more:
            more["attributes"] = self._attributes(visit)
        return Header(name, kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, mtime=seconds, **more)  # type: ignore[arg-type]  # by the callers above

    def _attributes(self, visit: Visit, fd: int | None = None) -> dict[str, bytes] | None:
        return _all_attributes(visit) if self._merged else _capability(visit, fd)

    def _add(self, data: bytes) -> Iterator[bytes]:
        self._parts.append(data)
        self._held += len(data)
        if self._held >= CHUNK:
            yield self.flush()


def _capability(visit: Visit, fd: int | None = None) -> dict[str, bytes] | None:
    """A regular file's capabilities, to stand with each of its names: a reader that sets the owner of a link takes them away."""
    if not stat.S_ISREG(visit.stat.st_mode):
        return None
    what = fd if fd is not None else f"/proc/self/fd/{visit.folder}/{visit.name}"
    return {CAPABILITY: os.getxattr(what, CAPABILITY)} if CAPABILITY in os.listxattr(what) else None


def _all_attributes(visit: Visit) -> dict[str, bytes] | None:
    what = f"/proc/self/fd/{visit.folder}/{visit.name}"
    return {name: os.getxattr(what, name, follow_symlinks=False) for name in list_attributes(what)} or None
