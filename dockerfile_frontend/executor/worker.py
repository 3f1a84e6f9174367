"""What ops and sources may ask of the machine that runs them: interfaces, so that each can be tried alone.

    worker.store.new_layer(description="RUN make")    a directory that becomes a layer when the block ends well
    worker.content_digest(Tree(("a",)), Selection("/etc"))    what is read of an input, as a part of a key
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.executor.solver.events import Events
    from dockerfile_frontend.executor.solver.model import OpKind, Result, Selection, Step
    from dockerfile_frontend.executor.solver.plan import Task
    from dockerfile_frontend.executor.solver.records import Known, Records
    from dockerfile_frontend.registry.transport import Answer
    from ir_schema.ops import Op


class LayerDraft(Protocol):
    """A layer in the making."""

    @property
    def path(self) -> str:
        """Where its files go."""

    @property
    def layer(self) -> str:
        """Its id, once it is kept."""


class BlobDraft(Protocol):
    """A blob in the making."""

    def write(self, data: bytes) -> object:
        """Append."""

    def commit(self) -> str:
        """Keep it; returns its digest."""


class Store(Protocol):
    """Layers, blobs and what is remembered of downloads. Nothing half done is ever seen by others."""

    @property
    def root(self) -> Path:
        """The store's folder."""

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """One process and thread at a time."""

    def new_layer(self, *, description: str) -> AbstractContextManager[LayerDraft]:
        """A directory that becomes a layer when the block ends well."""

    def new_blob(self) -> AbstractContextManager[BlobDraft]:
        """A file that becomes a blob when it is committed."""

    def blob_path(self, digest: str) -> Path | None:
        """Where a blob is, if it is here."""

    def copy_blob(self, blob: Path, path: str) -> None:
        """The blob's content as a file of its own."""

    def temporary_file(self, data: bytes) -> Path:
        """A private file; its maker removes it."""

    def recall_download(self, url: str) -> Mapping[str, Any] | None:
        """What `remember_download` was told, while the blob is still here."""

    def remember_download(self, url: str, facts: Mapping[str, Any]) -> None:
        """Keep how to ask for a file again."""


class SourceResolver(Protocol):
    """Pins sources to what they are now."""

    def resolve(self, tasks: Iterable[Task]) -> None:
        """Give each task its key, its results (a view), or its fault. Asks the network for several at once."""


class Worker(Protocol):
    """Everything together."""

    store: Store
    session: Session
    records: Records
    events: Events
    sources: SourceResolver

    def kind_of(self, op: Op) -> OpKind:
        """The row of the table of ops."""

    def has_layers(self, known: Known) -> bool:
        """Whether a known result's layers are here, or can be fetched."""

    def content_digest(self, result: Result, selection: Selection) -> str:
        """Digest of names, modes, owners, links and content of what is selected. Raises ExecutorError."""

    def lock(self, key: str, cancelled: Event) -> AbstractContextManager[None]:
        """One builder of a key at a time, also between processes. Raises Cancelled."""

    def step(self, task: Task) -> Step:
        """What the op of a task may ask for while it runs."""

    def run_program(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a helper program; it ends when the build is stopped."""

    def http_get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer after redirects; an Authorization header stays with the first host."""

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Owner of a file of a layer; an error that says so where the ids are not mapped."""
