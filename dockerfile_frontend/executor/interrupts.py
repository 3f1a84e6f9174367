"""Ctrl-C and SIGTERM stop a build at a place where nothing is half done.

    run_threads(self._work, 4, stop=self._stop_all)    # KeyboardInterrupt comes out of it when all four have ended

    with Hold() as hold:                               # the same for work of other shapes
        …; hold.wait()                                 # until somebody calls hold.wake(), or a signal comes
    # here, at the earliest, KeyboardInterrupt is raised

Python raises KeyboardInterrupt between any two byte codes of the main thread, also in the `__enter__` of a lock that was just
taken, which then nobody gives back: a thread that wants it waits for ever. So while other threads run, a signal is only noted,
and the main thread waits for a pipe and for no lock. The first signal stops the build. A second one is harmless. The third, or
the second when the first was seconds ago, ends the process at once, and with it its namespaces and all that is in them.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

BURST = 0.2
"""Seconds in which several signals count as one: a closed terminal sends some, and so does whoever passes them on."""

PATIENCE = 3.0
"""Seconds from the first signal after which one more means that stopping takes too long."""


class _Noted:
    """What has come so far."""

    hold: Hold | None = None
    """The innermost block that keeps signals from raising."""
    before: ClassVar[dict[int, Handler]] = {}
    """What outside of such a block is done with each signal."""
    once = False
    """Whether outside of such a block only the first raises."""
    times = 0
    first = last = 0.0


def _note(number: int, frame: FrameType | None) -> None:
    """Handler of all `SIGNALS`. Takes no lock: it runs between any two byte codes."""
    if _Noted.hold is None and not _Noted.once:
        _as_before(number, frame)
        return
    now = time.monotonic()
    if not _Noted.times:
        _Noted.first = now
    if not _Noted.times or now - _Noted.last > BURST:
        _Noted.times, _Noted.last = _Noted.times + 1, now
        if _Noted.times > 2 or now - _Noted.first > PATIENCE:
            os._exit(128 + number)
        if _Noted.hold is None and _Noted.times == 1:
            raise KeyboardInterrupt(signal.Signals(number).name)
    if _Noted.hold is not None:
        _Noted.hold.noted = number


def _as_before(number: int, frame: FrameType | None) -> None:
    handler = _Noted.before[number]
    if callable(handler):
        handler(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def noted() -> bool:
    """Whether a signal has come that is raised when the block around this ends."""
    return _Noted.hold is not None and bool(_Noted.hold.noted)


def install() -> None:
    """From now on the first signal raises, one more is harmless, the third ends the process. Ignored signals stay ignored."""
    _catch()
    _Noted.once = True


def _catch() -> None:
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if handler not in {signal.SIG_IGN, None, _note}:  # None: not Python's
            _Noted.before[number] = handler
            signal.signal(number, _note)


class Hold:
    """A block in which signals are noted; when it ends, KeyboardInterrupt is raised for them.

    In a thread that is not the main one nothing is noted: signals are the main thread's, which waits in a block of its own.
    """

    def __init__(self) -> None:
        self.noted = 0
        """Number of a signal that has come, or 0."""
        self._main = threading.current_thread() is threading.main_thread()
        self._pipe: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._main:
            _catch()
            self._outer = _Noted.hold
            if self._outer is None and not _Noted.once:
                _Noted.times = 0
            _Noted.hold = self  # from here on nothing raises
        try:
            self._pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            if self._main:
                _Noted.hold = self._outer
            raise
        if self._main:
            self._outer_wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.set_wakeup_fd(self._outer_wakeup, warn_on_full_buffer=False)
        with self._lock:
            for fd in self._pipe or ():
                os.close(fd)
            self._pipe = None
        if self._main:
            _Noted.hold = self._outer
        if self.noted:
            raise KeyboardInterrupt(signal.Signals(self.noted).name)

    def wake(self) -> None:
        """End the wait that goes on, or the next. From any thread; nothing once the block has ended."""
        with self._lock, suppress(BlockingIOError):  # full: it will wake
            if self._pipe:
                os.write(self._pipe[1], b"\0")

    def wait(self) -> None:
        """Wait for `wake`, or for a signal. The kernel keeps either for us, so none comes too early."""
        assert self._pipe  # noqa: S101 - inside the block
        poll = select.poll()
        poll.register(self._pipe[0], select.POLLIN)
        poll.poll()
        with suppress(BlockingIOError):
            os.read(self._pipe[0], 4096)


def run_threads(work: Callable[[], None], count: int, stop: Callable[[], None]) -> None:
    """Do `work` on `count` threads at once, until all have ended.

    `stop` is called once, on this thread, when a signal has come or a thread has failed: it sees that the others end soon.
    Raises KeyboardInterrupt after a signal, else what the first thread raised that failed.
    """
    faults: list[BaseException] = []
    ended: list[threading.Thread] = []

    def one() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            faults.append(error)
        ended.append(threading.current_thread())
        hold.wake()

    with Hold() as hold:
        threads = _start(one, count, faults)
        try:
            stopped = False
            while len(ended) < len(threads):
                if not stopped and (faults or hold.noted):
                    stopped = True
                    stop()
                else:
                    hold.wait()
        finally:
            for thread in threads:
                thread.join()
    if faults:
        raise faults[0]


def _start(work: Callable[[], None], count: int, faults: list[BaseException]) -> list[threading.Thread]:
    """The threads that could be started; a fault when that is not all."""
    threads = []
    try:
        for number in range(count):
            thread = threading.Thread(target=work, name=f"work-{number}", daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError as error:  # the kernel has no more
        faults.append(error)
    return threads
