"""What the solver and the ops say to each other.

Op ──OpKind.identity──▶ bytes of the key        Op ──OpKind.reads──▶ {1: (Selection("/src"),)}
Op + results of its inputs + Step ──OpKind.run──▶ results, one for each output
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from dockerfile_frontend.executor.worker import Worker
    from ir_schema.ops import Op, OpMetadata


class Tree(Record):
    """A file system: layers over each other, lowest first. A layer may still be packed; see `executor.layers`."""

    layers: tuple[str, ...] = ()


class LocalView(Record):
    """A directory of the client, filtered. It is read in place; only an exec op's mount makes a copy of it."""

    path: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()
    """Paths that consumers will read, links followed; empty means all."""


Result = Tree | LocalView


class Selection(Record):
    """The part of an input that an op reads, so that the rest cannot change its key."""

    path: str = "/"
    wildcard: bool = False
    follow: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    """Absolute paths of which the patterns must pick something."""


class Step(Protocol):
    """What a running op may ask of the executor."""

    @property
    def name(self) -> str:
        """What progress shows."""

    @property
    def digest(self) -> str:
        """The vertex's."""

    @property
    def metadata(self) -> OpMetadata:
        """What the graph says beside the op: resource limits, capabilities."""

    @property
    def cancelled(self) -> Event:
        """Set when the step shall end."""

    @property
    def worker(self) -> Worker:
        """Store, runtime, session."""

    def log(self, stream: int, data: bytes) -> None:
        """Append to the step's log: stream 1 is standard output, 2 is standard error."""

    def status(self, label: str, current: int, total: int, *, done: bool = False) -> None:
        """How far a transfer is; `total` is 0 when unknown."""

    def check_cancelled(self) -> None:
        """Raise Cancelled when the build has been stopped."""


class Identity(Protocol):
    """What of an op counts in its key."""

    def __call__(self, op: Op, *, by_content: bool) -> bytes:
        """`by_content`: without what content of the inputs stands in for."""


class OpKind(Record):
    """One row of the table of ops."""

    identity: Identity
    reads: Callable[[Op], Mapping[int, tuple[Selection, ...]]]
    """Inputs whose content, not definition, may give the key."""
    run: Callable[[Op, Sequence[Result], Step], Sequence[Result]]
    """Do it; one result for each output."""
    fresh: bool = False
    """Done in every build: it reads what is not in its key. What is made of it hits when it made the same layers."""


class ExecutorError(Exception):
    """A fault of the build, told in one line. `str(error)` is the line; `hint` is what the user may do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Cancelled(ExecutorError):
    """The step was stopped because another failed, or by Ctrl-C."""

    def __init__(self) -> None:
        super().__init__("canceled")


class BrokenCache(ExecutorError):
    """What a cache outside the store said is not so. Nothing of it is known any more: a new plan does without."""


class StepError(ExecutorError):
    """A vertex failed; keeps which, so that its log and its place in the Dockerfile can be shown."""

    def __init__(self, digest: str, name: str, cause: BaseException) -> None:
        super().__init__(f"{cause}", hint=getattr(cause, "hint", ""))
        self.digest = digest
        self.name = name
        self.cause = cause
