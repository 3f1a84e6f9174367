"""Files that outputs go to. buildctl writes into a file beside it, which takes the old one's place when the build ends well.

    with Places() as places:
        dest = places.stage("app.tar")      # .app.tar.3f….partial; standard output, folders and devices as they are
        …
        places.settle()                     # app.tar
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dockerfile_frontend.executor.exporters.destination import is_special, told
from dockerfile_frontend.executor.exporters.spec import STANDARD

if TYPE_CHECKING:
    from dockerfile_frontend.executor.exporters.spec import Output


class Places:
    """The destinations of one build."""

    def __init__(self) -> None:
        self._staged: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for partial in self._staged:
            with suppress(OSError):
                os.unlink(partial)

    def stage(self, output: Output) -> str:
        """Where the client shall write."""
        if not output.dest or output.dest == STANDARD or output.is_folder:
            return output.dest
        target = os.path.realpath(output.dest)
        if is_special(target):
            return target
        folder, name = os.path.split(target)
        partial = os.path.join(folder, f".{name[:200]}.{secrets.token_hex(6)}.partial")
        self._staged[partial] = target
        return partial

    def settle(self) -> None:
        """Everything is whole. Raises ExecutorError."""
        while self._staged:
            partial, target = next(iter(self._staged.items()))
            with told(target):
                _settle(partial, target)
            del self._staged[partial]


def _settle(partial: str, target: str) -> None:
    fd = os.open(partial, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(FileNotFoundError):
            os.fchmod(fd, stat.S_IMODE(os.stat(target).st_mode))
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(partial, target)
