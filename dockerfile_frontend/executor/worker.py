"""What ops and sources may ask of the machine that runs them: an interface, so that each can be tried alone.

    worker.store.new_layer(base, "RUN make")    a directory that becomes a layer when the block ends well
    worker.content_digest(Tree(("4",)), Selection("/etc"))    what is read of an input, as a part of a key
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

    from dockerfile_frontend.executor.files.local import LocalTree
    from dockerfile_frontend.executor.runtime.runtime import Runtime
    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.executor.solver.events import Events
    from dockerfile_frontend.executor.solver.keys import Key
    from dockerfile_frontend.executor.solver.model import LocalView, OpKind, Result, Selection, Step
    from dockerfile_frontend.executor.solver.plan import Task
    from dockerfile_frontend.executor.solver.records import Known, Records
    from dockerfile_frontend.executor.sources.blobs import Wanted
    from dockerfile_frontend.executor.sources.pin import Pin
    from dockerfile_frontend.executor.store import Store
    from dockerfile_frontend.registry.client import Client
    from ir_schema.definition import Definition
    from ir_schema.ops import Op


class SourceTable(Protocol):
    """Where files come from."""

    def resolve(self, tasks: Iterable[Task]) -> None:
        """Give each task its key, its results (a view), or its fault. Asks the network for several at once."""

    def complete(self, task: Task, step: Step) -> None:
        """Give a task its key whose source has to be brought for that. Raises ExecutorError."""

    def fetch(self, op: Op, step: Step) -> Result:
        """Bring what `resolve` found. Raises ExecutorError."""

    def pin(self, vertex: str) -> Pin | None:
        """What a source was found to be, by its vertex's digest: the materials of a build."""

    def wanted(self, digest: str) -> Wanted | None:
        """Where this build found a blob, and the vertex it belongs to."""


class Worker(Protocol):
    """Everything together."""

    @property
    def store(self) -> Store:
        """Layers, blobs, cache directories."""

    @property
    def session(self) -> Session:
        """What the client gives to this build."""

    @property
    def records(self) -> Records:
        """What is known of earlier builds."""

    @property
    def events(self) -> Events:
        """Who watches."""

    @property
    def sources(self) -> SourceTable:
        """Where files come from."""

    @property
    def runtime(self) -> Runtime:
        """Runs containers; opened when it is first asked for."""

    @property
    def client(self) -> Client:
        """Talks to registries and web servers; made when it is first asked for."""

    @property
    def stopped(self) -> Event:
        """Set when the whole build has been stopped."""

    def kind_of(self, op: Op) -> OpKind:
        """The row of the table of ops. Raises ExecutorError for an op that has none."""

    def has_layers(self, known: Known) -> bool:
        """Whether a known result's layers are here, or can be fetched; they stay until the store is closed."""

    def content_digest(self, result: Result, selection: Selection) -> str:
        """Digest of names, modes, owners, links and content of what is selected. Raises ExecutorError."""

    def local_tree(self, view: LocalView) -> LocalTree:
        """What is in a directory of the client, found once for equal views. Raises ExecutorError."""

    def lock(self, key: str, cancelled: Event) -> AbstractContextManager[None]:
        """One builder of a key at a time, also between processes. Raises Cancelled."""

    def seed_cache(self, named: str) -> None:
        """Fill the directory of a cache mount, if that is empty and a cache outside the store has it."""

    def note_details(self, task: Task, keys: Sequence[Key]) -> None:
        """Keep what stands behind the digests in a step's keys, for `explain`."""

    def step(self, task: Task) -> Step:
        """What the op of a task may ask for while it runs."""

    def solve(self, definition: Definition, step: Step) -> Result:
        """The output of a graph inside a graph, for a build op. Raises ExecutorError."""

    def stop(self) -> None:
        """Whatever runs shall end."""

    def run_program(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a helper program; it ends when the build is stopped."""

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Owner of a file of a layer; an error that says so where the ids are not mapped."""
