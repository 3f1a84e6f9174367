"""This machine as a worker: a store, a session, and what a build needs of both.

    with Machine(store, session, events, jobs=4) as machine:
        (tree,) = solve([definition], machine)

Everything that costs time to start (containers, registries) is made when it is first asked for.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from ir_schema.ops import ExecOp

from .ops.exec import check_allowed
from .ops.table import kind_of
from .solver.events import Silent
from .solver.model import Cancelled, ExecutorError, LocalView, Tree
from .solver.records import Records
from .sources.table import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Self

    from dockerfile_frontend.registry.client import Client
    from ir_schema.definition import Definition
    from ir_schema.ops import Op

    from .cache.imports import Imports
    from .cache.spec import CacheSpec
    from .files.digest import Seen
    from .files.local import LocalTree
    from .layers.imports import ImageLayer
    from .runtime.runtime import Runtime
    from .session import Session
    from .solver.events import Events
    from .solver.keys import Key
    from .solver.model import OpKind, Result, Selection, Step
    from .solver.plan import Task
    from .solver.records import Known
    from .store import Store

RUNTIME_VARIABLE = "DFC_RUNTIME"
"""Environment: name or path of an OCI runtime, instead of the best that works."""

DEEPEST_BUILD = 16
"""Graphs inside graphs; each level has threads of its own."""


class Machine:
    """The worker of a build. Give it up with `close`, before the store is closed."""

    def __init__(
        self, store: Store, session: Session, events: Events | None = None, *, jobs: int = 0, outer: Machine | None = None
    ) -> None:
        """`jobs` is how many ops run at once; 0 is one for each core that we may use. `outer` runs the build op that this is for."""
        self.store = store
        self.session = session
        self.events: Events = events or Silent()
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.records = Records(store.db)
        self.stopped = threading.Event()
        self.sources = Sources(self)
        self._outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self._lock = threading.RLock()
        self._trees: dict[LocalView, LocalTree] = {}
        self._runtime: Runtime | None = None
        self._client: Client | None = None
        self.seen: dict[str, Seen] = {}
        """Files that digests were made of, until a step's key is recorded."""
        self.imports: Imports | None = None
        """Caches outside the store."""
        if outer is None:
            store.on_unpack(self._unpack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._runtime is not None:
                self._runtime.close()
            if self._client is not None:
                self._client.close()
            self._runtime = self._client = None
        if self._outer is None:
            self.session.close()

    @property
    def runtime(self) -> Runtime:
        with self._lock:
            if self._runtime is None:
                from .runtime.runtime import Runtime

                directory = os.path.join(self.store.path, "runtime")
                os.makedirs(directory, mode=0o700, exist_ok=True)
                self._runtime = Runtime(directory, wanted=os.environ.get(RUNTIME_VARIABLE, ""))
            return self._runtime

    @property
    def client(self) -> Client:
        if self._outer is not None:
            return self._outer.client
        with self._lock:
            if self._client is None:
                if self.session.connect is None:
                    raise ExecutorError("this build may not use the network", hint="leave out --offline")
                self._client = self.session.connect()
            return self._client

    def use_caches(self, specs: Sequence[CacheSpec], known: Imports | None = None) -> None:
        """Ask these caches for what the store does not know; `known` are those of a machine before this one, already read."""
        if specs:
            from .cache.imports import Imports, Source

            self._share(Imports(known.sources if known else [Source(spec) for spec in specs], self))

    def refuse_caches(self, labels: Iterable[str], reason: str) -> None:
        """Do without these caches from now on."""
        if self.imports is not None:
            self.imports.refuse(labels, reason)

    def seed_cache(self, named: str) -> None:
        """Fill the directory of a cache mount, if that is empty and a cache outside the store has it."""
        if self.imports is not None:
            self.imports.seed(named)

    def _share(self, imports: Imports) -> None:
        self.imports = imports
        self.records.beyond = imports.find

    def kind_of(self, op: Op) -> OpKind:
        """Its row; refused here is what the client has not allowed, also where an earlier build has left the result."""
        if isinstance(op.body, ExecOp):
            check_allowed(op.body, self.session)
        return kind_of(op)

    def has_layers(self, known: Known) -> bool:
        from .sources.blobs import has_lost

        layers = [layer for tree in known.outputs for layer in tree.layers]
        return self.store.acquire(layers) and not has_lost(self.store, layers)

    def content_digest(self, result: Result, selection: Selection) -> str:
        from .files.digest import Seen, content_digest

        if isinstance(result, LocalView):
            from .files.local import LocalSource

            seen = Seen()
            with LocalSource(self.local_tree(result)) as local:
                found = content_digest(local, selection, seen)
            self.seen[found] = seen
            return found
        return self._tree_digest(result, selection)

    def _tree_digest(self, tree: Tree, selection: Selection) -> str:
        """Layers never change, so what was found of them holds for good."""
        from .files.digest import Seen, content_digest
        from .files.source import TreeSource
        from .solver.keys import digest_bytes

        key = digest_bytes(repr((tree.layers, selection)).encode("utf-8", "surrogateescape"))
        known = self.store.recall("content", key)
        if known is not None:
            return known
        with self.store.view(tree.layers) as view, TreeSource(view.fd) as source:
            seen = Seen()
            found = content_digest(source, selection, seen)
        self.store.remember("content", key, found)
        self.seen[found] = seen
        return found

    def local_tree(self, view: LocalView) -> LocalTree:
        with self._lock:
            if view not in self._trees:
                from .files.hashes import FileHashes
                from .files.local import Filters, LocalTree

                filters = Filters(view.include, view.exclude, view.follow)
                self._trees[view] = LocalTree(view.path, filters, FileHashes(self.store.db, view.path))
            return self._trees[view]

    def note_details(self, task: Task, keys: Sequence[Key]) -> None:
        from .explain import note_details

        note_details(task, keys, self)

    def save_digests(self) -> None:
        """Remember what was found out about the client's files."""
        with self._lock:
            for tree in self._trees.values():
                tree.save_digests()

    def lock(self, key: str, cancelled: threading.Event) -> AbstractContextManager[None]:
        def check() -> None:
            if cancelled.is_set():
                raise Cancelled

        return self.store.exclusive(f"key {key}", check)

    def step(self, task: Task) -> Step:
        return RunningStep(task, self)

    def solve(self, definition: Definition, step: Step) -> Result:
        from .solve import solve

        if self.depth >= DEEPEST_BUILD:
            raise ExecutorError(f"build ops lie more than {DEEPEST_BUILD} deep in each other")
        inner = Machine(self.store, self.session, self.events, jobs=self.jobs, outer=self)
        inner.stopped = self.stopped
        if self.imports is not None:
            inner._share(self.imports)
        with inner:
            return solve([definition], inner, step.cancelled)[0]

    def stop(self) -> None:
        if self._outer is not None:
            self._outer.stop()
        self.stopped.set()
        client = self._client  # without the lock: whoever holds it may be what is to end
        if client is not None:
            client.abort()

    def run_program(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[int, bytes, bytes]:
        from .programs import run_program

        return run_program(command, env, cwd, self.stopped)

    def chown(self, path: str, uid: int, gid: int) -> None:
        try:
            os.lchown(path, uid, gid)
        except OSError as error:
            raise ExecutorError(
                f"owner {uid}:{gid} cannot be set: {error.strerror}",
                hint="without root only mapped ids can own files; see /etc/subuid",
            ) from error

    def _unpack(self, layers: Sequence[str]) -> None:
        from .layers.imports import Unpacker

        try:
            Unpacker(self.store, self._fetch, check_cancelled=self.check_stopped).unpack(layers)
        except Cancelled:
            raise
        except ExecutorError as fault:
            from .cache.broken import blame

            raise blame(layers, fault, self) from fault

    def check_stopped(self) -> None:
        """Raise Cancelled when the whole build has been stopped."""
        if self.stopped.is_set():
            raise Cancelled

    def _fetch(self, layer: ImageLayer) -> None:
        from .sources.blobs import fetch_blob

        fetch_blob(self, layer)


class RunningStep:
    """A task while its op runs."""

    def __init__(self, task: Task, worker: Machine) -> None:
        self.worker = worker
        self.name = task.info.name
        self.digest = task.digest
        self.cancelled = task.cancelled
        self.metadata = task.metadata

    def log(self, stream: int, data: bytes) -> None:
        self.worker.events.log(self.digest, stream, data)

    def status(self, label: str, current: int, total: int, *, done: bool = False) -> None:
        self.worker.events.status(self.digest, label, current, total, done=done)

    def check_cancelled(self) -> None:
        if self.cancelled.is_set() or self.worker.stopped.is_set():
            raise Cancelled
