"""Faults of the runtime side, told as the executor tells all its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError

if TYPE_CHECKING:
    from dockerfile_frontend.executor.ops.exec_run import FailedStep


class ContainerError(ExecutorError):
    """A container could not be set up or started."""


class ProcessError(ExecutorError):
    """A process ran and did not succeed."""

    def __init__(self, message: str, code: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.failed: FailedStep | None = None
        """What the process left, where the session keeps that."""
