"""Run graphs and give out what they make: the part that `dfc build` and `dfc exec` share.

carry_out(job, Watch("plain", root), Local())    ──▶ what --metadata-file says; of a step that failed, its log and where it stands
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.cli.errors import Fault, Refused, plain
from dockerfile_frontend.executor.progress import open_display
from dockerfile_frontend.executor.progress.logs import StepLogs
from dockerfile_frontend.executor.progress.text import printable
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.backends.model import Backend
    from dockerfile_frontend.executor.job import BuildJob, Built
    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.progress import Display, Mode, Warned
    from dockerfile_frontend.executor.solver.events import Events, VertexInfo
    from ir_schema.definition import Definition


class Watch:
    """Shows a build, keeps its logs, and says what was wrong with it."""

    def __init__(
        self, mode: Mode, root: str, warnings: tuple[Warned, ...] = (), stream: TextIO = sys.stderr, *, name: str = "", steps: int = 0
    ) -> None:
        self.mode = mode
        self.stream = stream
        self.warnings = warnings
        """Shown when the build begins."""
        self.name = name or build_name()
        """Among the store's logs."""
        self.logs = StepLogs(os.path.join(root, "logs"), self.name)
        self.definitions: tuple[Definition, ...] = ()
        """What is built, to quote from its source."""
        self.told_of: StepError | None = None
        self.late: tuple[Warned, ...] = ()
        """Shown when the build has ended."""
        self.steps = steps
        """How many were shown before the build began, by this process or by the one that compiled."""
        self._shown: Display | None = None
        self._early: Display | None = None
        self._begun: set[str] = set()

    @property
    def early(self) -> Display:
        """Shows what is done before the build begins."""
        if self._early is None:
            self._early = open_display(self.mode, self.stream, self.steps, early=True)
        return self._early

    def begin_early(self, vertex: VertexInfo) -> None:
        """Show that work on it has begun, unless it was shown before."""
        if vertex.digest not in self._begun:
            self._begun.add(vertex.digest)
            self.early.planned((vertex,))
            self.early.started(vertex)
            self.steps += 1

    def end_early(self) -> None:
        """The build itself is what is shown next, or what was wrong."""
        if self._early:
            self._early.close()
            self._early = None

    @contextmanager
    def display(self) -> Iterator[Events]:
        self.end_early()
        self._shown = open_display(self.mode, self.stream, self.steps)
        try:
            self._shown.warned(self.warnings)
            yield self.logs.recording(self._shown)
        finally:
            self._shown.close()
            self._shown.warned(self.late)

    def warn_at_end(self, warnings: Sequence[Warned]) -> None:
        """What was found while it ran."""
        self.late = tuple(warnings)

    def failed(self, error: StepError, machine: Machine) -> None:
        """Show what is known of a failed step, and open a shell there if that is wanted."""
        if self._shown:
            self._shown.close()
        show_failure(error, self)
        self.told_of = error
        state = getattr(error.cause, "failed", None)
        if state is not None and machine.session.keep_failed:
            from dockerfile_frontend.executor.ops.exec_run import open_shell, shell_of  # noqa: PLC0415  for this flag alone

            args = state.op.body.meta.args
            print(f"{plain(str(error))}\n{shell_of(args)} in what the step left; its end ends the build", file=self.stream, flush=True)
            open_shell(state, machine)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around a build: its errors as the command line tells them."""
        try:
            yield
        except StepError as error:
            if self.told_of is not error:
                show_failure(error, self)
            raise Refused(plain(str(error), error.hint)) from error
        except ExecutorError as error:
            if lines := getattr(error, "excerpt", ()):
                print(*map(printable, lines), sep="\n", file=self.stream, flush=True)
            raise Fault(str(error), hint=error.hint) from error
        finally:
            self.end_early()
            self.logs.close()


def carry_out(job: BuildJob, watch: Watch, backend: Backend) -> Built:
    """Run what must run and give out what was asked for. Raises Fault and Refused."""
    with watch.told():
        prepare(job, watch)
        return backend.build(job, watch.display, watch.failed)


def prepare(job: BuildJob, watch: Watch) -> None:
    """Before a build may enter namespaces."""
    watch.end_early()
    wait_for_threads()
    watch.definitions = tuple(target.definition for target in job.targets)


def show_failure(error: StepError, watch: Watch) -> None:
    """The log and the source of a failed step; where lines were printed as they came, only the last of them again."""
    from dockerfile_frontend.executor.progress.failure import excerpt, failure_lines  # noqa: PLC0415  of a failed build

    excerpts = (list(excerpt(definition, error.digest)) for definition in watch.definitions)
    quoted = next(filter(None, excerpts), [])
    if not quoted:  # compiled elsewhere, and quoted there
        quoted = [printable(line) for line in getattr(error, "excerpt", ())]
    whole = watch.mode in ("tty", "quiet")
    log = () if watch.mode == "rawjson" else failure_lines(error, (), watch.logs, whole=whole)
    print(*log, *quoted, sep="\n", file=watch.stream, flush=True)


def build_name() -> str:
    """Name of this build among the store's logs: when it began, and whose it is."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}"


def wait_for_threads() -> None:
    """Those that asked for images end as soon as nobody waits for them; a process enters namespaces with one thread."""
    import threading  # noqa: PLC0415  loaded already

    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
