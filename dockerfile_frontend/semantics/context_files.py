r"""What compilation asks of build contexts: their ignore files, and no more.

    reader.ignore_file("context")  →  ("Dockerfile.dockerignore", b"*.log\n")

Files themselves stay where they are: the solver fetches them when the graph runs.
"""

from __future__ import annotations

from typing import Protocol

DEFAULT_NAME = ".dockerignore"


class ContextReader(Protocol):
    """Reads of local contexts, by the name that the graph knows them by."""

    def ignore_file(self, context: str) -> tuple[str, bytes]:
        """Name and content of a context's ignore file; without one, an empty content.

        For the main context, called "context", the one named after the Dockerfile comes first.
        """
        ...


class NoContext:
    """There is no local context at hand, so nothing is ignored."""

    def ignore_file(self, context: str) -> tuple[str, bytes]:  # noqa: ARG002  all contexts are equal
        return DEFAULT_NAME, b""
