"""Go on in namespaces of our own: mounts nobody sees, processes that end with us, and, without root, ids that are ours.

    inside = enter()          # returns in a child; the process that called waits, passes signals on and ends as the child ends
    inside.rootless, inside.one_id, inside.own_processes

    root                      a mount and a pid namespace
    anybody else              a user namespace as well: root inside is the user outside, further ids are those of /etc/subuid

    dfc (waits) ──fork── short-lived: unshare, ids mapped ──fork── pid 1 of the namespaces: the build, its containers below it

When the waiting process is killed, with SIGKILL too, the kernel kills the build; when the build ends in any way, the kernel ends
every container and unmounts everything. Nothing is left to clean up but empty directories. Where /proc is masked, as in an
unprivileged container, the kernel refuses a new /proc and so a pid namespace: then the waiting process ends what is left.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from ir_schema.record import Record

from . import interrupts
from .runtime.faults import ContainerError
from .runtime.find import locate
from .runtime.host import read_host
from .runtime.process import Never, run_program
from .runtime.processes import lower_own, most_processes
from .syscalls import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_REC,
    MS_SLAVE,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    mount,
    prctl,
    unshare,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Inside(Record):
    """Where the build runs."""

    rootless: bool
    """Whether it is in a user namespace made by `enter`."""
    one_id: bool
    """Whether root is the only user there is."""
    own_processes: bool
    """Whether it is pid 1 of its own pid namespace, so that nothing outlives it."""


class IsolationError(ContainerError):
    """The kernel or an administrator refuses the namespaces."""


_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_WAITED = {signal.SIGCHLD, *_PASSED_ON}
_SI_KERNEL = 128

_inside: Inside | None = None


def inside() -> Inside | None:
    """What `enter` returned in this process; None when it was not called."""
    return _inside


def enter(*, rootless: bool | None = None) -> Inside:
    """Enter the namespaces. Call it while the process has one thread and no open database.

    `rootless` says whether to make a user namespace; None does so unless we may mount without one. Afterwards signals are those of
    `interrupts`. Raises IsolationError, in the calling process, when it is refused.
    """
    own_processes = True
    while _inside is None and (outside := divide(rootless=rootless, own_processes=own_processes)):
        try:
            outside.settle()
        except ProcRefusedError:
            own_processes = False
        else:
            outside.wait()
    assert _inside  # noqa: S101 - in the build
    return _inside


def own_mounts() -> bool:
    """A mount namespace for this process; one that starts no others leaves nothing behind with that. False where it is refused.

    Call it while the process has one thread. Afterwards signals are those of `interrupts`.
    """
    if threading.active_count() > 1 or not read_host().has("CAP_SYS_ADMIN"):
        return False
    try:
        unshare(CLONE_NEWNS)
        mount("none", "/", flags=MS_REC | MS_SLAVE)
    except OSError:
        return False
    interrupts.install()
    return True


class ProcRefusedError(Exception):
    """No /proc of our own."""


class Outside:
    """In the process that called: what it needs to `settle` the build, which waits for that, and to `wait` for its end.

    Until then signals are blocked, unless it does `release` them, and afterwards, too.
    """

    def __init__(self, link: _Link, middle: int, signals: set[int], *, rootless: bool, own_processes: bool) -> None:
        self._link = link
        self._middle = middle
        self._signals = signals
        """Those that were blocked before."""
        self._rootless = rootless
        self._own_processes = own_processes
        self._build = 0

    def release(self) -> None:
        """Be interrupted as any process, because there is other work."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._signals)

    def settle(self) -> None:
        """Give the build its ids and let it begin. Raises IsolationError and ProcRefusedError; then there is no build."""
        try:
            self._build = _supervise(self._link, self._middle, rootless=self._rootless)
        except BaseException:
            self.release()
            raise

    def wait(self) -> NoReturn:
        """Pass signals on until the build has ended, then end in the same way."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
        _wait(self._build, own_processes=self._own_processes)

    def give_up(self) -> None:
        """End a build that was not settled."""
        with suppress(ProcessLookupError):
            os.kill(self._middle, signal.SIGKILL)
        self._link.stop_saying()  # which is what the build waits for, if there is one
        os.waitpid(self._middle, 0)
        while line := self._link.hear():
            if line.startswith("build "):
                with suppress(ChildProcessError):
                    os.waitpid(int(line.split()[1]), 0)
        self._link.close_hearing()


def divide(*, rootless: bool | None = None, own_processes: bool = True, first: Callable[[], object] | None = None) -> Outside | None:
    """Fork into the namespaces: None in the build, when it has been settled. As `enter`, but that the process that called goes on, too.

    `first` is done in the new process, while nobody waits for it.
    """
    global _inside  # noqa: PLW0603 - a process is inside or not
    if rootless is None:
        rootless = not read_host().has("CAP_SYS_ADMIN")
    most_processes()  # remembered: a new pid namespace has a maximum of its own
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            stream.flush()
    link = _Link()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    try:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        middle = os.fork()
        if middle:
            link.parent_side()
            return Outside(link, middle, before, rootless=rootless, own_processes=own_processes)
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    link.child_side()
    build = _unshare(link, first, rootless=rootless, own_processes=own_processes)
    if build:
        link.say(f"build {build}")
        os._exit(0)
    _settle(link, own_processes=own_processes)
    interrupts.install()  # pid 1 ignores what it has no handler for
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _inside = Inside(rootless, read_host().one_id, own_processes)
    return None


def _unshare(link: _Link, first: Callable[[], object] | None, *, rootless: bool, own_processes: bool) -> int:
    """In the short-lived child: make the namespaces; the pid of the build in it, 0 in the build."""
    flags = CLONE_NEWNS | (CLONE_NEWUSER if rootless else 0) | (CLONE_NEWPID if own_processes else 0)
    limits = lower_own() if rootless else None
    try:
        unshare(flags)
        if limits:
            resource.setrlimit(resource.RLIMIT_NPROC, limits)
    except OSError as error:
        link.fail(f"unshare {error.errno} {error.strerror}")
    if first:
        first()
    if rootless:
        link.say("map")
        if not link.hear():
            os._exit(1)
    return os.fork()


def _settle(link: _Link, *, own_processes: bool) -> None:
    """In the build: private mounts, /proc of its own, and the promise to end when the waiting process ends."""
    if not link.hear():  # the short-lived child has ended and the waiting process is our parent now
        os._exit(1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if link.is_cut():
        os._exit(1)
    try:
        mount("none", "/", flags=MS_REC | MS_SLAVE)
    except OSError as error:
        link.fail(f"mount {error.errno} {error.strerror}")
    if own_processes:
        try:
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        except OSError as error:
            link.fail(f"proc {error.errno} {error.strerror}")
    _hide_hybrid()
    link.say("ready")
    link.close()


def _hide_hybrid() -> None:
    """Hide an empty version 2 hierarchy beside cgroups of version 1: crun refuses such a mixture."""
    if os.path.exists("/sys/fs/cgroup/unified/cgroup.procs"):
        with suppress(OSError):
            mount("none", "/sys/fs/cgroup/unified", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def _supervise(link: _Link, middle: int, *, rootless: bool) -> int:
    """In the waiting process: answer until the build is ready; its pid. Raises when it does not get so far."""
    build = 0
    while line := link.hear():
        match line.split(" ", 2):
            case ["map"]:
                try:
                    map_ids(middle)
                except (OSError, ContainerError):
                    link.close()
                    os.waitpid(middle, 0)
                    raise
                link.say("mapped")
            case ["build", pid]:
                build = int(pid)
                os.waitpid(middle, 0)
                link.say("alone")
            case ["ready"]:
                link.close_hearing()  # the other end is how the build learns that we are gone
                return build
            case [what, _, reason]:  # a fault: where, its number, what it says
                link.close()
                os.waitpid(build or middle, 0)
                if what == "proc":
                    raise ProcRefusedError
                raise _refused(what, reason, rootless=rootless)
            case _:
                break
    link.close()
    os.waitpid(build or middle, 0)
    raise IsolationError("the process in the new namespaces ended unexpectedly")


def _wait(build: int, *, own_processes: bool) -> NoReturn:
    """Pass signals on until the build has ended, which it may have done before signals were blocked; then end in the same way."""
    while (status := _reap(build)) is None:
        info = signal.sigwaitinfo(_WAITED)
        if info.si_signo != signal.SIGCHLD and info.si_code != _SI_KERNEL:  # a key on the terminal has reached the build already
            with suppress(ProcessLookupError):
                os.kill(build, info.si_signo)
    if not own_processes:
        _end_orphans()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in {signal.SIGKILL, signal.SIGSTOP} else None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


def _reap(build: int) -> int | None:
    """Take every child that has ended; the build's wait status when it is among them."""
    found = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == build:
                found = status
    return found


def _end_orphans() -> None:
    """Kill what a build without a pid namespace has left; it has become our child."""
    with suppress(ChildProcessError, OSError):
        while True:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)


def map_ids(pid: int) -> None:
    """Give the new user namespace of `pid` its ids: the user's subordinate ones when there are any, else one."""
    user, group = os.geteuid(), os.getegid()
    users, groups = sub_ids("/etc/subuid"), sub_ids("/etc/subgid")
    programs = [locate(name) for name in ("newuidmap", "newgidmap")]
    if users and groups and all(programs):
        for program, own, ranges in zip(programs, (user, group), (users, groups), strict=True):
            heard: list[bytes] = []
            args = (str(program), str(pid), *(str(number) for row in id_rows(own, ranges) for number in row))
            if run_program(args, lambda _, data, heard=heard: heard.append(data), Never()):  # type: ignore[misc]
                text = b"".join(heard).decode("utf-8", "replace").strip()
                raise IsolationError(f"cannot map subordinate ids: {text}", hint="check /etc/subuid and /etc/subgid")
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(text)


def sub_ids(path: str) -> list[tuple[int, int]]:
    """(first, count) of the ranges that the file gives to our user, by name or by number."""
    import pwd

    uid = os.geteuid()
    names = {str(uid)}
    with suppress(KeyError):
        names.add(pwd.getpwuid(uid).pw_name)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            rows = [line.strip().split(":") for line in file]
    except OSError:
        return []
    return [
        (int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3 and row[0] in names and row[1].isdecimal() and row[2].isdecimal() and int(row[2])
    ]


def id_rows(own: int, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Rows of an id map: (inside, outside, count); root is the user, then the ranges one after the other."""
    rows = [(0, own, 1)]
    following = 1
    for first, count in ranges:
        rows.append((following, first, count))
        following += count
    return rows


def _refused(what: str, reason: str, *, rootless: bool) -> IsolationError:
    if what != "unshare":
        return IsolationError(f"cannot make mounts private: {reason}")
    if not rootless:
        return IsolationError(
            f"cannot make namespaces: {reason}", hint="root without CAP_SYS_ADMIN: a container needs to be privileged"
        )
    return IsolationError(f"cannot make a user namespace: {reason}", hint=_user_namespace_hint())


SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1 allows them"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them",
    ),
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000 allows them"),
)
"""Settings under /proc/sys that forbid user namespaces, the value that does, and what to do."""


def _user_namespace_hint() -> str:
    for name, forbidding, hint in SWITCHES:
        with suppress(OSError), open(f"/proc/sys/{name}", encoding="ascii") as file:
            if file.read().strip() == forbidding:
                return hint
    return "inside a container, its seccomp profile must allow unshare; else run as root"


class _Link:
    """Lines between the waiting process and the ones it made. A closed link says nothing: `hear` returns ""."""

    def __init__(self) -> None:
        self._up = os.pipe()
        self._down = os.pipe()
        self._hear = self._say = -1
        self._rest = b""

    def child_side(self) -> None:
        self._hear, self._say = self._down[0], self._up[1]
        os.close(self._up[0])
        os.close(self._down[1])

    def parent_side(self) -> None:
        self._hear, self._say = self._up[0], self._down[1]
        os.close(self._up[1])
        os.close(self._down[0])

    def say(self, line: str) -> None:
        with suppress(BrokenPipeError):
            os.write(self._say, line.encode() + b"\n")

    def hear(self) -> str:
        while b"\n" not in self._rest:
            data = os.read(self._hear, 4096)
            if not data:
                return ""
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def is_cut(self) -> bool:
        """Whether the other side has ended."""
        poll = select.poll()
        poll.register(self._hear, select.POLLHUP)
        return bool(poll.poll(0))

    def fail(self, line: str) -> NoReturn:
        self.say(line)
        os._exit(1)

    def stop_saying(self) -> None:
        os.close(self._say)

    def close_hearing(self) -> None:
        os.close(self._hear)

    def close(self) -> None:
        os.close(self._hear)
        os.close(self._say)
