"""What a backend is asked and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockerfile_frontend.executor.solver.model import ExecutorError, StepError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.executor.build import Display, Failed
    from dockerfile_frontend.executor.job import BuildJob, Built


class Backend(Protocol):
    """Something that solves graphs."""

    def build(self, job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
        """Run what must run and give out what was asked for.

        Raises StepError for a step that failed, ExecutorError for all else, KeyboardInterrupt when it is stopped. `failed` is
        called, before the first is raised, by those that still have what the step left.
        """


class RemoteStepError(StepError):
    """A step that failed elsewhere, with the lines that were quoted there: the graph may not be known here."""

    def __init__(self, digest: str, name: str, cause: BaseException, excerpt: Sequence[str] = ()) -> None:
        super().__init__(digest, name, cause)
        self.excerpt = tuple(excerpt)


class RemoteError(ExecutorError):
    """A fault that was found elsewhere in a file, with the lines that were quoted there."""

    def __init__(self, cause: ExecutorError, excerpt: Sequence[str]) -> None:
        super().__init__(cause.message, hint=cause.hint)
        self.excerpt = tuple(excerpt)
