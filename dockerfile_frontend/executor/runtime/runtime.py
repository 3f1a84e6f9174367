"""Run containers.

with Runtime("/store/run") as runtime:
    status = runtime.run(spec, on_data=step.log, cancel=task.cancelled)
    status.ok, status.code
"""

from __future__ import annotations

import functools
import json
import os
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from dockerfile_frontend.executor.network import HostNetwork
from dockerfile_frontend.executor.solver.model import Cancelled
from ir_schema.ops import NetMode

from .cgroups import out_of_memory, out_of_processes, remove_cgroup
from .config import Setup, config
from .container import ContainerSpec, ExitStatus, Process
from .faults import ContainerError
from .find import Engine, best_engine, find_engine, forget_engine, recall_engine, remember_engine
from .host import read_host
from .limits import warnings
from .output import MAX_OUTPUT, shown
from .prepare import Preparation
from .process import Never, read_pid, reap_left_over, run_container, run_on_terminal, run_program
from .seccomp import cached_program, profile
from .workspace import Workspace, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from dockerfile_frontend.executor.network import Sandbox

    from .process import Cancel, OnData


def ignore(_stream: int, _data: bytes) -> None:
    """Output that nobody reads."""


class Runtime:
    """Runs containers, from any thread, several at once. Close it, or use it with `with`."""

    def __init__(
        self,
        directory: str,
        *,
        wanted: str = "",
        sandbox: Callable[[str], Sandbox] | None = None,
        max_output: int = MAX_OUTPUT,
    ) -> None:
        """`directory` is ours alone and outlives us. `wanted` names a runtime; empty takes the best that works.

        `sandbox` makes the network of steps that ask for none, given a directory for its files; None is the host's network.
        """
        self._max_output = max_output
        self.host = read_host()
        self._directory = directory
        self._wanted = wanted
        self._work = Workspace(directory)
        self._sandbox: Sandbox = sandbox(self._work.path) if sandbox else HostNetwork()
        self._engine: Engine | None = None
        self._lock = threading.RLock()
        self._running = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sandbox.close()
        self._work.close()

    @property
    def engine(self) -> Engine:
        """The runtime that works here; tried with a tiny container when nothing is known yet. Raises ContainerError."""
        with self._lock:
            if self._engine is None:
                self._engine = find_engine(self.host, self._directory, self._wanted, self._try)
            return self._engine

    @property
    def _known_engine(self) -> Engine | None:
        with self._lock:
            if self._engine is None:
                self._engine = recall_engine(self.host, self._directory, self._wanted)
            return self._engine

    def run(self, spec: ContainerSpec, *, on_data: OnData = ignore, cancel: Cancel | None = None) -> ExitStatus:
        """Run to the end, output to `on_data` on this thread.

        A process with a terminal gets ours, and must be run from the main thread.
        Raises ContainerError when the process could not be started, Cancelled when it was stopped.
        """
        engine = self._known_engine
        if engine is None and not spec.process.terminal:
            return self._run_untried(spec, on_data, cancel or Never())
        return self._run(spec, engine or self.engine, on_data, cancel or Never())

    def _run_untried(self, spec: ContainerSpec, on_data: OnData, cancel: Cancel) -> ExitStatus:
        """Run by the engine that most likely works. A container that ends well proves it; else it is tried, to see whose fault it was."""
        guess = best_engine(self.host, self._wanted)
        if guess is None:
            return self._run(spec, self.engine, on_data, cancel)  # which says that there is none
        try:
            status = self._run(spec, guess, on_data, cancel)
        except ContainerError:
            if self.engine == guess:
                raise
            return self._run(spec, self.engine, on_data, cancel)  # nothing has run yet
        if status.code == 0:
            with self._lock:
                self._engine = guess
            remember_engine(self.host, self._directory, self._wanted, guess)
        elif self.engine != guess:
            raise ContainerError(
                f"{guess.path} starts programs that cannot run (exit code: {status.code})",
                hint=f"the next build takes {self.engine.path}",
            )
        return status

    def _run(self, spec: ContainerSpec, engine: Engine, on_data: OnData, cancel: Cancel) -> ExitStatus:
        if cancel.is_set():
            raise Cancelled
        for warning in warnings(spec, self.host, cgroups=engine.cgroups):
            on_data(2, f"warning: {warning}\n".encode())
        name = self._work.next_name()
        with ExitStack() as stack:
            try:
                bundle = self._prepare(spec, engine, name, stack)
            except (OSError, ValueError) as error:  # ValueError: a NUL byte in a path, a lone surrogate in a text
                raise ContainerError(f"cannot set up a container: {error}") from error
            with self._counted(engine):
                status = self._execute(spec, engine, bundle, on_data, cancel)
        if cancel.is_set():
            raise Cancelled
        return status

    def _prepare(self, spec: ContainerSpec, engine: Engine, name: str, stack: ExitStack) -> str:
        """The bundle, with its config; the container's name is the bundle's."""
        bundle = self._work.make(name)
        stack.callback(remove_tree, bundle)
        ready = Preparation(spec, self.host, bundle, stack)
        prepared = ready.prepare(self._sandbox, bind_root=not engine.cgroups and not self.host.user_namespace)
        setup = Setup(
            name=name,
            root=prepared.root,
            account=prepared.account,
            env=prepared.env,
            cwd=prepared.cwd,
            mounts=prepared.mounts,
            network=prepared.network,
            host=self.host,
            runtime=engine.name,
            cgroups=engine.cgroups,
            seccomp=profile(self.host.machine),
            program=self._filter if engine.name == "crun" else "",
        )
        with open(f"{bundle}/config.json", "x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(json.dumps(config(spec, setup), ensure_ascii=False))
        return bundle

    @contextmanager
    def _counted(self, engine: Engine) -> Iterator[None]:
        """Around a container: when the last one that runs has ended, what runtimes have left is taken."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if self._running == 0:
                    reap_left_over(engine.name)

    def _execute(self, spec: ContainerSpec, engine: Engine, bundle: str, on_data: OnData, cancel: Cancel) -> ExitStatus:
        name, log, pid_file = os.path.basename(bundle), f"{bundle}/log", f"{bundle}/pid"
        call = (engine.path, "--root", self._work.state, "--log", log, "--log-format", "json", *engine.options)
        run = ("run", "--bundle", bundle, "--pid-file", pid_file)
        try:
            if spec.process.terminal:
                return ExitStatus(run_on_terminal((*call, *run, name), pid_file), spec.valid_exit_codes)
            args = (*call, *run, "--detach", name)
            code = shown(spec, on_data, self._max_output, lambda show: run_container(args, pid_file, show, cancel))
            failed = bool(code) and engine.cgroups
            starved = failed and spec.resources is not None and out_of_memory(name, spec.cgroup_parent)
            crowded = failed and out_of_processes(name, spec.cgroup_parent)
        finally:
            self._forget_container(call, name, pid_file, spec.cgroup_parent)
        if code is None:
            if cancel.is_set():
                raise Cancelled
            fault = read_fault(log) or "failed without a message"
            if not is_about_program(fault):
                forget_engine(self._directory)
            raise ContainerError(fault if fault.startswith(engine.name) else f"{engine.name}: {fault}")
        return ExitStatus(code, spec.valid_exit_codes, starved, crowded)

    def _forget_container(self, call: tuple[str, ...], name: str, pid_file: str, parent: str) -> None:
        """Remove what the runtime keeps of a container that has ended; it would take a process of 5 ms to ask it to.

        Only where it was killed while starting a container, whose pid nobody knows, it is asked.
        """
        state = f"{self._work.state}/{name}"
        if not os.path.isdir(state):
            return
        if read_pid(pid_file) is None:
            run_program((*call, "delete", "--force", name), ignore, Never())
        if os.path.isdir(state):
            remove_tree(state)
        remove_cgroup(name, parent)

    def _try(self, engine: Engine) -> str:
        """Run the smallest program in a container of the usual kind; why that failed, or nothing."""
        from dockerfile_frontend.executor.architectures import NATIVE
        from dockerfile_frontend.executor.binfmt import exit_program

        native = NATIVE.get(self.host.machine)
        if native is None:
            return f"machine {self.host.machine} is not known"
        root = self._work.make(f"{self._work.next_name()}-root", 0o755)
        with os.fdopen(os.open(f"{root}/exit", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "wb") as file:
            file.write(exit_program(native))
        try:
            status = self._run(ContainerSpec(root, Process(("/exit",)), network=NetMode.HOST), engine, ignore, Never())
        except ContainerError as error:
            return str(error)
        return "" if status.ok else f"a program that exits with 0 ended with {status.code}"

    @functools.cached_property
    def _filter(self) -> str:
        return cached_program(self.host.machine, self._directory)


MAX_LOG = 64 << 10

PROGRAM_FAULTS = (
    "executable file",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "chdir",
    "not a directory",
)
"""Parts of messages that are about the process and not about this machine."""


def read_fault(log: str) -> str:
    """The last error that the runtime has written to its log; empty when there is none."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read(MAX_LOG).splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in {"error", "fatal"}:
            return str(entry.get("msg", ""))
    return ""


def is_about_program(fault: str) -> bool:
    return any(part in fault.lower() for part in PROGRAM_FAULTS)
