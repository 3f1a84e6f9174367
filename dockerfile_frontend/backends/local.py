"""The executor as a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.executor.build import build, build_inside

if TYPE_CHECKING:
    from dockerfile_frontend.executor.build import Display, Failed
    from dockerfile_frontend.executor.job import BuildJob, Built


class Local:
    """Runs graphs on this machine, in this process."""

    def build(self, job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
        return build(job, display, failed)


class Inside:
    """The same in a process that has entered namespaces already."""

    def build(self, job: BuildJob, display: Display, failed: Failed | None = None) -> Built:
        return build_inside(job, display, failed)
