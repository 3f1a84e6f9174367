"""An exec op done: its inputs become mounts, a container runs, what it wrote becomes layers.

    ExecOp(Meta(args=("make",)), (Mount(dest="/"),))  ──▶ draft over the root's layers ──▶ runtime ──▶ draft committed

A process that fails raises ProcessError in BuildKit's words. When the session says so, what it wrote is kept, and
`open_shell(error.failed, machine)` opens a shell there, with the terminal.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.runtime.container import ContainerSpec, Process, build_env
from dockerfile_frontend.executor.runtime.faults import ContainerError, ProcessError
from dockerfile_frontend.executor.runtime.host import MORE_IDS
from dockerfile_frontend.executor.runtime.processes import process_limit
from dockerfile_frontend.executor.secrets import secret_variable
from dockerfile_frontend.executor.solver.model import Cancelled, ExecutorError
from ir_schema.ops import ExecOp, MountType, OpMetadata
from ir_schema.record import Record

from .exec import check_allowed
from .exec_mounts import ROOT, Mounts, secret_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.runtime.container import ExitStatus
    from dockerfile_frontend.executor.runtime.host import Host
    from dockerfile_frontend.executor.session import Session
    from dockerfile_frontend.executor.solver.model import Result, Step
    from ir_schema.ops import Meta, Op


class FailedStep(Record):
    """A step that failed, with what it left: an exec op whose inputs hold that."""

    name: str
    digest: str
    """The vertex's."""
    op: Op
    inputs: tuple[Result, ...]
    metadata: OpMetadata


def run_exec(op: Op, inputs: Sequence[Result], step: Step) -> Sequence[Result]:
    """A result for each mount that has an output, in the order of the mounts."""
    body, meta = _checked(op)
    worker = step.worker
    check_allowed(body, worker.session)
    _check_devices(body)
    if op.platform is not None:
        from dockerfile_frontend.executor.binfmt import check_platform

        check_platform(op.platform)
    with ExitStack() as stack:
        mounts = Mounts(body, inputs, step, stack)
        spec = _spec(body, meta, mounts, step.metadata, worker.session)
        try:
            _run(spec, step)
        except ExecutorError as error:
            if isinstance(error, ProcessError) and worker.session.keep_failed:
                with suppress(ExecutorError):  # no room for it: the step's own failure says why
                    error.failed = _kept(op, inputs, mounts, step)
            raise
        return mounts.commit()


def open_shell(failed: FailedStep, machine: Machine) -> int:
    """A shell where the step failed, on our terminal; its exit code. For the main thread, once no other step runs."""
    body, meta = _checked(failed.op)
    step = _Shell(failed, machine)
    with ExitStack() as stack:
        mounts = Mounts(body, failed.inputs, step, stack)
        spec = _spec(body, meta, mounts, failed.metadata, machine.session)
        process = replace(spec.process, args=(shell_of(meta.args),), terminal=True)
        return machine.runtime.run(replace(spec, process=process)).code


def shell_of(args: Sequence[str]) -> str:
    """The shell that ran a step, or the usual one."""
    return args[0] if len(args) > 2 and args[1].startswith("-") and args[0].endswith("sh") else "/bin/sh"


class _Shell:
    """What mounts ask of a step, for a shell that a person uses."""

    def __init__(self, failed: FailedStep, worker: Machine) -> None:
        self.name = failed.name
        self.digest = failed.digest
        self.metadata = failed.metadata
        self.worker = worker
        self.cancelled = threading.Event()

    def log(self, _stream: int, _data: bytes) -> None:
        """Nothing is logged: the terminal shows it."""

    def status(self, _label: str, _current: int, _total: int, *, done: bool = False) -> None:
        """Nothing is shown beside the shell."""

    def check_cancelled(self) -> None:
        """A person ends it."""


class _Stop:
    """The step's cancellation as the runtime asks for it."""

    def __init__(self, step: Step) -> None:
        self._check = step.check_cancelled

    def is_set(self) -> bool:
        try:
            self._check()
        except Cancelled:
            return True
        return False


def _checked(op: Op) -> tuple[ExecOp, Meta]:
    """The op's body. Raises ExecutorError in BuildKit's words for one that makes no sense."""
    body = op.body
    assert isinstance(body, ExecOp)  # noqa: S101 - the table of ops
    meta = body.meta
    if meta is None:
        raise ExecutorError("invalid exec op with no meta")
    if not meta.args:
        raise ExecutorError("invalid exec op with no args")
    if not body.mounts:
        raise ExecutorError("invalid exec op with no mounts")
    if all(mount.dest != ROOT for mount in body.mounts):
        raise ExecutorError("invalid exec op with no rootfs")
    return body, meta


def _check_devices(body: ExecOp) -> None:
    for device in body.cdi_devices:
        if not device.optional:
            raise ExecutorError(f"CDI device {device.name} is not available: this executor has no devices to give")


def _spec(body: ExecOp, meta: Meta, mounts: Mounts, metadata: OpMetadata, session: Session) -> ContainerSpec:
    secret_env = []
    for wanted in body.secretenv:
        if not wanted.id:
            raise ExecutorError(f'secret ID missing for "{wanted.name}" environment variable')
        value = secret_value(session, wanted.id, optional=wanted.optional)
        secret_env.append(secret_variable(wanted.name, value or b""))
    return ContainerSpec(
        rootfs=mounts.root,
        process=Process(meta.args, build_env(meta), tuple(secret_env), meta.cwd or "/", meta.user),
        mounts=mounts.given,
        readonly=mounts.readonly,
        network=body.network,
        security=body.security,
        hostname=meta.hostname,
        extra_hosts=meta.extra_hosts,
        ulimits=meta.ulimit,
        resources=metadata.linux_resources,
        cgroup_parent=meta.cgroup_parent,
        remove_stubs_recursive=meta.remove_mount_stubs_recursive,
        valid_exit_codes=meta.valid_exit_codes,
    )


def _run(spec: ContainerSpec, step: Step) -> None:
    """Raises ProcessError unless the process does what is expected."""
    runtime, said = step.worker.runtime, bytearray()

    def on_data(stream: int, data: bytes) -> None:
        said[:] = (said + data)[-_REMEMBERED:]
        step.log(stream, data)

    try:
        status = runtime.run(spec, on_data=on_data if runtime.host.user_namespace else step.log, cancel=_Stop(step))
    except ContainerError as error:
        raise _failure(spec, str(error), hint=error.hint) from error
    if not status.ok:
        raise _exited(spec, status, rootless_hint(spec, runtime.host, said))


_REMEMBERED = 4096
"""Bytes of a rootless step's log that are searched for what the kernel refused."""


def rootless_hint(spec: ContainerSpec, host: Host, said: bytes | bytearray) -> str:
    """What a step that failed without root may lack, judged by the end of what it printed."""
    if not host.user_namespace:
        return ""
    if b"fork" in said and b"Resource temporarily unavailable" in said:
        return TOO_MANY.format(process_limit(spec))
    if b"Operation not permitted" not in said and b"Invalid argument" not in said:
        return ""
    if host.one_id and b"mknod" not in said:
        return MORE_IDS
    return "a rootless build makes no device nodes and has no more users than its map has ids"


def _exited(spec: ContainerSpec, status: ExitStatus, hint: str) -> ProcessError:
    if status.out_of_memory:
        return _failure(spec, "cannot allocate memory", status.code, hint="the step needs more than its memory limit")
    if status.out_of_processes:
        hint = TOO_MANY.format(process_limit(spec))
    return _failure(spec, f"exit code: {status.code}", status.code, hint=hint)


TOO_MANY = "the step reached its limit of {} processes and threads; --ulimit nproc=N sets another"


def _failure(spec: ContainerSpec, reason: str, code: int = -1, *, hint: str = "") -> ProcessError:
    from dockerfile_frontend.gostd.text import quote

    args = quote(" ".join(spec.process.args))
    return ProcessError(f"process {args} did not complete successfully: {reason}", code, hint=hint)


def _kept(op: Op, inputs: Sequence[Result], mounts: Mounts, step: Step) -> FailedStep:
    """The step as it left its mounts: an input for each, none of which becomes an output."""
    body, _ = _checked(op)
    trees = mounts.keep()
    step.worker.store.drop_at_close(tree.layers[-1] for tree in trees.values())
    found: list[Result] = [*inputs]
    changed = []
    for index, mount in enumerate(body.mounts):
        at = mount.input
        if index in trees and mount.type is MountType.BIND:
            at = len(found)
            found.append(trees[index])
        changed.append(replace(mount, input=at, output=-1))
    return FailedStep(step.name, step.digest, replace(op, body=replace(body, mounts=tuple(changed))), tuple(found), step.metadata)
