"""Cache mounts as archives, so that what package managers and compilers keep there can go from one machine to the next.

    pack_mounts(ids, machine, limit, say)                 ──▶ [CachedMount("/root/.npm", "9f86…", blob="sha256:…", …)]
    seed_mount(CachedMount(…), machine, newer=False)      before a step uses the directory

A mount is a tar packed with zstd, with everything in it: owners, modes, links, times in whole seconds. It is named by the digest
under which the store keeps the directory, so it is found again by the same id and the same beginning (`from=`, owner, mode).

It is filled only where its directory is empty; with `mounts-newer=true` also where the archive was used later than the directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.files.walk import DIRECTORY, remove_tree
from dockerfile_frontend.executor.locks import FIRST_WAIT, LONGEST_WAIT
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import ExecOp

from .document import CachedMount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.solver.plan import Plan

MEDIA_TYPE = "application/vnd.dockerfile-frontend.cachemount.v1.tar+zstd"
LABEL = "cache mount "
"""How the store's descriptions of these directories begin; then comes the id."""

LIMIT = 4 << 30
"""Bytes of an archive, if no other limit is given."""

_LEVEL = 3


class _TooLongError(Exception):
    """An archive has reached its limit."""


def ids_of(plan: Plan) -> set[str]:
    """Ids of the cache mounts that a plan's steps use."""
    bodies = [task.op.body for task in plan.tasks.values()]
    return {mount.cache.id for body in bodies if isinstance(body, ExecOp) for mount in body.mounts if mount.cache}


def pack_mounts(
    ids: Iterable[str] | None, machine: Machine, limit: int = LIMIT, say: Callable[[str], object] = lambda _text: None
) -> list[CachedMount]:
    """The cache mounts of these ids (None: all) as blobs of the store. `say` is told of those that are left out. Raises ExecutorError.

    Those that a cache of this build has and nobody has used here go on as they are.
    """
    wanted = None if ids is None else set(ids)
    rows = machine.store.db.execute("SELECT name, description, used FROM directory WHERE kind = 'cache' ORDER BY name").fetchall()
    found = []
    for name, description, used in rows:
        mount_id = description.removeprefix(LABEL)
        if wanted is not None and mount_id not in wanted:
            continue
        try:
            packed = _pack(name, mount_id, used, machine, limit)
        except _TooLongError:
            say(f"cache mount {mount_id} is left out: its archive is longer than {limit} bytes")
        else:
            found += [packed] if packed else []
    if wanted is None or not wanted.issubset(mount.id for mount in found):
        names = {mount.name for mount in found} | {name for name, description, _ in rows if _has_files(_path(machine, name))}
        imported = machine.imports.mounts() if machine.imports is not None else []
        found += [mount for mount in imported if mount.name not in names and (wanted is None or mount.id in wanted)]
    for missing in sorted((wanted or set()) - {mount.id for mount in found}):
        say(f"no cache mount {missing} has anything in it")
    return found


def _pack(name: str, mount_id: str, used: float, machine: Machine, limit: int) -> CachedMount | None:
    """One directory, while nobody else uses it; None for one that is empty or gone."""
    from dockerfile_frontend.executor.layers.ahead import ahead
    from dockerfile_frontend.executor.layers.compress import compressor
    from dockerfile_frontend.executor.layers.pack import tar_layer

    path = _path(machine, name)
    with _held(path, machine.check_stopped) as fd:
        if fd is None or not os.listdir(fd):
            return None
        status, hasher = os.fstat(fd), hashlib.sha256()
        with machine.store.new_blob() as out, compressor("zstd", _LEVEL, out.write) as put:
            for piece in ahead(tar_layer(fd)):
                machine.check_stopped()
                hasher.update(piece)
                put(piece)
                if out.offset > limit:
                    raise _TooLongError
    machine.store.keep_blob(out.digest)
    diff_id, mode = f"sha256:{hasher.hexdigest()}", status.st_mode & 0o7777
    return CachedMount(mount_id, name, out.digest, out.offset, diff_id, used, mode, status.st_uid, status.st_gid)


def seed_mount(mount: CachedMount, machine: Machine, *, newer: bool) -> bool:
    """Fill a directory with what an archive holds, whole or not at all. Whether it was. Raises ExecutorError.

    `newer` replaces what is there, where the archive was used later.
    """
    row = machine.store.db.execute("SELECT used FROM directory WHERE kind = 'cache' AND name = ?", (mount.name,)).fetchone()
    path = _path(machine, mount.name)
    if row is not None and not (newer and mount.saved > row[0]) and _has_files(path):
        return False
    blob = _fetch(mount, machine)
    machine.store.hashed_directory(mount.name, f"{LABEL}{mount.id}")
    with _held(path, machine.check_stopped) as fd:
        if fd is None or (os.listdir(fd) and not (newer and row is not None and mount.saved > row[0])):
            return False
        fresh = f"{path}.{os.urandom(4).hex()}"
        os.mkdir(fresh, 0o700)
        try:
            _extract(blob, fresh, mount, machine)
            _replace(path, fresh)
        except BaseException:
            _remove(fresh)
            raise
    return True


def _extract(blob: str, path: str, mount: CachedMount, machine: Machine) -> None:
    from dockerfile_frontend.executor.files.target import Target
    from dockerfile_frontend.executor.layers.decompress import unpacked
    from dockerfile_frontend.executor.layers.extract import Rules, extract
    from dockerfile_frontend.executor.layers.imports import Hashed, pieces
    from dockerfile_frontend.executor.layers.tarread import Limits, TarReader

    inside = machine.store.snapshots.userxattr
    upper = os.open(path, DIRECTORY)
    try:
        with open(blob, "rb") as file, Target(-1, upper) as target:
            plain = Hashed(pieces(unpacked(file).read))
            reader = TarReader(plain, Limits())
            extract(reader, target, Rules(skip_devices=inside, owners=not inside), machine.check_stopped)
            reader.drain()
        if plain.digest != mount.diff_id:
            raise ExecutorError(f"the archive holds {plain.digest}, not {mount.diff_id}")
        if not inside:
            os.fchown(upper, mount.uid, mount.gid)
        os.fchmod(upper, mount.mode)
    except OSError as error:
        raise ExecutorError(f"cache mount {mount.id} cannot be filled: {error.strerror}") from error
    finally:
        os.close(upper)


def _fetch(mount: CachedMount, machine: Machine) -> str:
    """Path of the archive in the store. Raises ExecutorError."""
    from dockerfile_frontend.executor.layers.forms import Packed

    from .writing import bring

    return bring(Packed("", mount.blob, mount.size, "zstd"), machine)


def _replace(path: str, fresh: str) -> None:
    """Put a filled directory in the place of another. Whoever waits for that one's lock sees that it is another now."""
    old = f"{path}.{os.urandom(4).hex()}"
    os.rename(path, old)
    os.rename(fresh, path)
    _remove(old)


@contextlib.contextmanager
def _held(path: str, check_stopped: Callable[[], object]) -> Iterator[int | None]:
    """The directory, open and ours alone; None when there is none. Steps lock it the same way."""
    fd, wait = _open(path), FIRST_WAIT
    try:
        while fd is not None and not _lock(fd, path):
            check_stopped()
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
            os.close(fd)
            fd = None
            fd = _open(path)
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def _open(path: str) -> int | None:
    try:
        return os.open(path, DIRECTORY)
    except FileNotFoundError:
        return None


def _lock(fd: int, path: str) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _has_files(path: str) -> bool:
    try:
        return bool(os.listdir(path))
    except FileNotFoundError:
        return False


def _path(machine: Machine, name: str) -> str:
    return os.path.join(machine.store.path, "caches", name)


def name_of(named: str) -> str:
    """What the store calls the directory of a cache mount."""
    return hashlib.sha256(os.fsencode(named)).hexdigest()


def _remove(path: str) -> None:
    parent = os.open(os.path.dirname(path), DIRECTORY)
    try:
        with contextlib.suppress(FileNotFoundError):
            remove_tree(parent, os.path.basename(path))
    finally:
        os.close(parent)
