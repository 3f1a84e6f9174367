"""Report formats by name, each loaded when it is asked for.

write_of("sarif")(reports, sys.stdout)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from dockerfile_frontend.lint.run import Report

    Write: TypeAlias = Callable[[Iterable[Report], TextIO], None]

FORMATS = {
    "text": "for people: the line, a caret, what to do",
    "gnu": "a line each, as compilers do it: file:line:column: severity: message [rule]",
    "json": "an array of findings, with the fields of hadolint's and more",
    "sarif": "SARIF 2.1.0, for code scanning",
    "github": "annotations of a GitHub workflow",
    "gitlab": "GitLab's code quality report",
    "codeclimate": "Code Climate's issues",
    "checkstyle": "Checkstyle's XML",
    "junit": "JUnit's XML, a case each finding",
}
"""What each is, for `--help`."""


def write_of(name: str, *, color: bool = False) -> Write:
    """The function that writes this format; `color` counts for text alone."""
    module = import_module(f"dockerfile_frontend.lint.report.{name}")
    write: Write = module.write_colored if color and name == "text" else module.write
    return write
