"""Run graphs and give out what they make: the part that `dfc build` and `dfc exec` share.

carry_out(job, "plain")    ──▶ what --metadata-file says; of a step that failed, its log and where it stands
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, TextIO

from dockerfile_frontend.cli.errors import Fault, Refused, plain
from dockerfile_frontend.executor.build import BuildJob, Built, build
from dockerfile_frontend.executor.progress import open_display
from dockerfile_frontend.executor.progress.logs import StepLogs
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.executor.progress import Mode
    from dockerfile_frontend.executor.solver.events import Events


def carry_out(job: BuildJob, mode: Mode, stream: TextIO = sys.stderr) -> Built:
    """Run what must run and give out what was asked for. Raises Fault and Refused."""
    from dockerfile_frontend.executor.exporters.outputs import check_outputs  # noqa: PLC0415  loaded with the first job

    logs = StepLogs(os.path.join(job.root, "logs"), build_name())

    @contextmanager
    def display() -> Iterator[Events]:
        shown = open_display(mode, stream)
        try:
            yield logs.recording(shown)
        finally:
            shown.close()

    try:
        check_outputs(job.outputs)
        wait_for_threads()
        return build(job, display)
    except StepError as error:
        show_failure(error, job, mode, logs, stream)
        raise Refused(plain(str(error), error.hint)) from error
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint) from error
    finally:
        logs.close()


def show_failure(error: StepError, job: BuildJob, mode: Mode, logs: StepLogs, stream: TextIO) -> None:
    """The log and the source of a failed step; where lines were printed as they came, only the last of them again."""
    from dockerfile_frontend.executor.progress.failure import excerpt, failure_lines  # noqa: PLC0415  of a failed build

    definitions = [target.definition for target in job.targets]
    lines: Iterable[str]
    if mode == "rawjson":
        lines = chain.from_iterable(excerpt(definition, error.digest) for definition in definitions)
    else:
        lines = failure_lines(error, definitions, logs, whole=mode in ("tty", "quiet"))
    print(*lines, sep="\n", file=stream)


def build_name() -> str:
    """Name of this build among the store's logs: when it began, and whose it is."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}"


def wait_for_threads() -> None:
    """Those that asked for images end as soon as nobody waits for them; a process enters namespaces with one thread."""
    import threading  # noqa: PLC0415  loaded already

    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
