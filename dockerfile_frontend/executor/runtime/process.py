"""One program of ours: started, listened to, ended.

    run_program(("/usr/bin/ssh-add", "-q", "key"), on_data, cancel) == 0
    run_container(("/usr/sbin/runc", "run", "--detach", …), "…/pid", on_data, cancel) == 0

The program inherits nothing but its three standard streams: every other descriptor of this process closes on exec, also those
that this process inherited itself or that a library opened carelessly. It runs in a session of its own, so that Ctrl-C reaches
us alone, with default signal dispositions and an empty signal mask. Output is read in pieces of at most 64 KiB and handed on as
it comes; a slow reader slows the program, nothing piles up here.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from dockerfile_frontend.executor.syscalls import PR_SET_CHILD_SUBREAPER, close_on_exec_from, prctl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    OnData = Callable[[int, bytes], None]
    """Takes a stream number, 1 or 2, and what came: any bytes, cut anywhere."""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""All that a program of ours sees of an environment: a build's host environment is nobody's business."""

PIECE = 64 << 10
TICK = 50
"""Milliseconds between two looks at a cancellation."""

DRAIN = 2.0
"""Seconds for what is left in the pipes once the program has ended: somebody else may go on writing."""

PATIENCE = 5000
"""Milliseconds that a runtime gets to finish what it has begun when a container is stopped early."""


class Cancel(Protocol):
    """What may stop a program: threading.Event is one."""

    def is_set(self) -> bool: ...


class Never:
    """A cancellation that does not come."""

    def is_set(self) -> bool:
        return False


def run_program(
    args: tuple[str, ...], on_data: OnData, cancel: Cancel, *, environment: Mapping[str, str] = ENVIRONMENT
) -> int:
    """Run to the end; the exit code, 128 + signal when a signal ended it.

    When `on_data` raises or the cancellation comes, the program is killed. Raises OSError when it cannot be started.
    """
    with Output(on_data, cancel) as output:
        child = Child(spawn(args, output.write_ends, environment))
        try:
            output.listen(child)
        finally:
            child.end()
        output.finish()
        return child.wait()


def run_container(args: tuple[str, ...], pid_file: str, on_data: OnData, cancel: Cancel) -> int | None:
    """Run a container whose runtime is called by `args`, detaches and writes `pid_file`; the exit code of its process.

    None when the runtime itself failed. The runtime gives the container our pipes and ends; the container becomes our child,
    since we are its subreaper, so that nobody stands between it and us.
    """
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    with Output(on_data, cancel) as output:
        runtime = Child(spawn(args, output.write_ends))
        try:
            output.listen(runtime)
        except BaseException:
            _end_early(runtime, pid_file)
            raise
        if not runtime.ended(0):
            return _end_early(runtime, pid_file)
        pid = read_pid(pid_file)
        if runtime.wait() or pid is None:
            output.finish()
            return None
        container = Child(pid)
        try:
            output.listen(container)
        finally:
            container.end()
        output.finish()
        return container.wait()


def reap_left_over(name: str) -> None:
    """Take ended processes called `name` that a runtime has left us: crun detaches by one that ends a little after the container starts.

    Only while no container runs: one that has not come to its own program yet is called the same.
    """
    with suppress(ChildProcessError, OSError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            with open(f"/proc/{ended.si_pid}/comm", encoding="ascii", errors="replace") as file:
                if file.read().strip() != name:
                    return
            os.waitpid(ended.si_pid, os.WNOHANG)


def _end_early(runtime: Child, pid_file: str) -> int | None:
    """End a container that is being started: the runtime is let finish, or it would leave half of one."""
    runtime.ended(PATIENCE)
    runtime.end()
    pid = read_pid(pid_file)
    if pid is None:
        return None
    return Child(pid).end()


def run_on_terminal(args: tuple[str, ...], pid_file: str) -> int:
    """Run with our own standard streams, in our own session: for a shell that a person types into.

    Keys reach the shell alone. Another signal ends the container first when it raises here.
    """
    close_on_exec_from(3)
    keys = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in keys}
    runtime = Child(os.posix_spawn(args[0], args, ENVIRONMENT, setsigdef=DEFAULT_SIGNALS, setsigmask=()))
    try:
        return runtime.wait()
    except BaseException:
        container = read_pid(pid_file)
        if container is not None:
            os.kill(container, signal.SIGKILL)
            runtime.ended(PATIENCE)
        runtime.end()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Output:
    """Two pipes and where their content goes."""

    def __init__(self, on_data: OnData, cancel: Cancel) -> None:
        self._on_data = on_data
        self._cancel = cancel
        self._poll = select.poll()
        self._streams: dict[int, int] = {}
        self.write_ends: dict[int, int] = {}
        """Stream number to descriptor; given to one program, then closed here."""

    def __enter__(self) -> Self:
        for stream in (1, 2):
            read, self.write_ends[stream] = os.pipe()
            self._streams[read] = stream
            self._poll.register(read, select.POLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        self._close_write_ends()
        for fd in self._streams:
            os.close(fd)

    def listen(self, child: Child) -> None:
        """Hand on what comes until `child` has ended, or the cancellation has come."""
        self._close_write_ends()
        tick = None if isinstance(self._cancel, Never) else TICK
        self._poll.register(child.fd, select.POLLIN)
        while not self._cancel.is_set():
            ready = [fd for fd, _ in self._poll.poll(tick)]
            self._pass(fd for fd in ready if fd != child.fd)
            if child.fd in ready:
                break
        self._poll.unregister(child.fd)

    def finish(self) -> None:
        """Hand on what is left. Somebody else may hold the pipes, so that their end is not waited for."""
        deadline = time.monotonic() + DRAIN
        while self._streams and time.monotonic() < deadline:
            ready = [fd for fd, _ in self._poll.poll(0)]
            if not ready:
                return
            self._pass(ready)

    def _pass(self, ready: Iterable[int]) -> None:
        for fd in ready:
            if data := os.read(fd, PIECE):
                self._on_data(self._streams[fd], data)
            else:
                self._poll.unregister(fd)
                os.close(fd)
                del self._streams[fd]

    def _close_write_ends(self) -> None:
        while self.write_ends:
            os.close(self.write_ends.popitem()[1])


DEFAULT_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
"""Python ignores SIGPIPE and SIGXFSZ, a shell may have us ignore more; none of that is a build's business."""


def spawn(args: tuple[str, ...], streams: Mapping[int, int], environment: Mapping[str, str] = ENVIRONMENT) -> int:
    """Start a program with `streams` as its descriptors; standard input is /dev/null unless given. Its pid."""
    close_on_exec_from(3)
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = []
    if 0 not in streams:
        actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0))
    actions += [(os.POSIX_SPAWN_DUP2, fd, stream) for stream, fd in streams.items()]
    return os.posix_spawn(
        args[0], args, environment, file_actions=actions, setsid=True, setsigdef=DEFAULT_SIGNALS, setsigmask=()
    )


class Child:
    """A started program, waited for once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fd = os.pidfd_open(pid)
        self._code: int | None = None

    def ended(self, milliseconds: int) -> bool:
        """Whether it ends within this time."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(milliseconds))

    def wait(self) -> int:
        """Exit code, 128 + signal when a signal ended it."""
        if self._code is None:
            code = os.waitstatus_to_exitcode(self._status())
            os.close(self.fd)
            self._code = code if code >= 0 else 128 - code
        return self._code

    def _status(self) -> int:
        """Its wait status. A container becomes our child only when the last process of its runtime has ended."""
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                return os.waitpid(self.pid, 0)[1]
            except ChildProcessError:
                if time.monotonic() > deadline:
                    raise
            self.ended(TICK)
            time.sleep(0.0005)

    def end(self) -> int:
        """End it, with all of its session, if it still runs."""
        if self._code is None and not self.ended(0):
            for send in (os.killpg, os.kill):
                with suppress(ProcessLookupError, PermissionError):
                    send(self.pid, signal.SIGKILL)
        return self.wait()


def read_pid(path: str) -> int | None:
    """The pid in a file; None while there is none."""
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            text = file.read(16)
    except OSError:
        return None
    return int(text) if text.strip().isdigit() else None
