"""The mounts of an exec op: what each is made of, and what becomes of it.

    bind  writable, or with an output     a draft over the input: committed for an output, else thrown away
    bind  read-only                       a view of the input, which itself is the output
    cache                                 a directory that stays between builds; see `exec_caches`
    tmpfs secret ssh                      in memory, made by the runtime, gone with the container

The root is always a draft. A part of an input (`selector`) is looked up inside the mounted source, links included.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.runtime.container import AgentSocket, Bind, SecretFile, Tmpfs
from dockerfile_frontend.executor.solver.model import ExecutorError, LocalView, Tree
from ir_schema.ops import MountType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from dockerfile_frontend.executor.runtime.container import ContainerMount
    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.executor.snapshots.trees import Draft
    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import ExecOp, Mount

ROOT = "/"
NOTHING = -1
"""Input or output of a mount that has none."""


class Mounts:
    """The mounts of a running op, put up on an ExitStack; drafts that are not committed are thrown away with it."""

    def __init__(self, body: ExecOp, inputs: Sequence[Result], step: Step, stack: ExitStack) -> None:
        self.root = ""
        self.readonly = False
        self._inputs = inputs
        self._step = step
        self._stack = stack
        self._trees: dict[int, Tree] = {}
        self._drafts: dict[int, Draft] = {}
        self._outputs: list[int | Tree] = []
        """In order: the index of a mount whose draft is to be committed, or what is known already."""
        self._caches: list[tuple[Mount, Tree | None]] = []
        given: list[ContainerMount] = []
        for index, mount in enumerate(body.mounts):
            if mount.dest == ROOT:
                self._put_root(index, mount)
            elif (made := self._make(index, mount)) is not None:
                given.append(made)
        given += self._put_caches()
        self.given: tuple[ContainerMount, ...] = tuple(given)

    def commit(self) -> list[Result]:
        """Make layers of the drafts; a result for each output."""
        return [found if isinstance(found, Tree) else self._commit(found) for found in self._outputs]

    def keep(self) -> dict[int, Tree]:
        """What all drafts hold, by mount: for a look at a step that failed."""
        return {index: self._commit(index) for index in self._drafts}

    def _commit(self, index: int) -> Tree:
        draft = self._drafts[index]
        return Tree((*draft.base, draft.commit()))

    def _put_root(self, index: int, mount: Mount) -> None:
        if mount.type is not MountType.BIND:
            raise ExecutorError(f"invalid mount type {mount.type.name} for {ROOT}")
        self.root = self._draft(index, mount).path
        self.readonly = mount.readonly
        if mount.output != NOTHING:
            self._outputs.append(index)

    def _make(self, index: int, mount: Mount) -> ContainerMount | None:
        """What the container gets; None for what is optional and missing, and for caches, which are taken together later."""
        match mount.type:
            case MountType.BIND:
                return self._bind(index, mount)
            case MountType.CACHE:
                base = self._tree(mount)
                self._caches.append((mount, base))
                if mount.output != NOTHING and base is not None:
                    self._outputs.append(base)
                return None
            case MountType.TMPFS:
                return Tmpfs(mount.dest, mount.tmpfs.size if mount.tmpfs else 0, mount.readonly)
            case MountType.SECRET:
                return _secret(mount, self._step.worker.session)
            case MountType.SSH:
                return _agent(mount, self._step.worker.session)

    def _bind(self, index: int, mount: Mount) -> Bind:
        base = self._tree(mount)
        if mount.readonly and base is not None:
            if mount.output != NOTHING:
                self._outputs.append(base)
            view = self._stack.enter_context(self._step.worker.store.view(base.layers))
            return Bind(view.path, mount.dest, readonly=True, selector=selected(mount))
        if mount.output != NOTHING:
            self._outputs.append(index)
        return Bind(self._draft(index, mount).path, mount.dest, mount.readonly, selected(mount))

    def _put_caches(self) -> list[Bind]:
        if not self._caches:
            return []
        from .exec_caches import take_caches

        return take_caches(self._caches, self._step, self._stack)

    def _draft(self, index: int, mount: Mount) -> Draft:
        store = self._step.worker.store
        base = self._tree(mount) or Tree()
        store.unpack(base.layers)
        draft = store.snapshots.begin(base.layers, self._step.name)
        self._stack.callback(draft.abort)
        self._drafts[index] = draft
        return draft

    def _tree(self, mount: Mount) -> Tree | None:
        """The input of a mount; a client's directory is copied into the store once."""
        if mount.input == NOTHING:
            return None
        if not 0 <= mount.input < len(self._inputs):
            raise ExecutorError(f"missing input {mount.input}")
        if mount.input not in self._trees:
            self._trees[mount.input] = self._as_tree(self._inputs[mount.input])
        return self._trees[mount.input]

    def _as_tree(self, result: Result) -> Tree:
        if not isinstance(result, LocalView):
            return result
        from dockerfile_frontend.executor.files.run import materialize

        worker = self._step.worker
        return Tree((materialize(worker.store, worker.local_tree(result), f"copy of {result.path}"),))


def selected(mount: Mount) -> str:
    """The part of its source that a mount shows, as the key counts it: "" for all, no dots, links not followed yet."""
    return posixpath.normpath("/" + mount.selector.strip("/")).strip("/")


def secret_value(session: Session, name: str, *, optional: bool) -> bytes | None:
    """A secret of the client; None where it has none and need not. Raises ExecutorError."""
    value = session.secret(name)
    if value is None and not optional:
        raise ExecutorError(f"secret {name}: not found", hint=f"--secret id={name},src=FILE gives it to the build")
    return value


def _secret(mount: Mount, session: Session) -> SecretFile | None:
    wanted = mount.secret
    if wanted is None:
        raise ExecutorError("invalid secret mount options")
    if not wanted.id:
        raise ExecutorError("secret ID missing from mount options")
    value = secret_value(session, wanted.id, optional=wanted.optional)
    return None if value is None else SecretFile(mount.dest, value, wanted.mode & 0o777, wanted.uid, wanted.gid)


def _agent(mount: Mount, session: Session) -> AgentSocket | None:
    wanted = mount.ssh
    if wanted is None:
        raise ExecutorError("invalid SSH mount options")
    try:
        socket = session.ssh_socket(wanted.id)
    except ExecutorError:
        if wanted.optional:
            return None
        raise
    return AgentSocket(mount.dest, str(socket), wanted.mode & 0o777, wanted.uid, wanted.gid)
