"""WORKDIR is a relative path.

It is joined to the WORKDIR before it, or to one that only the base image knows. An absolute path says where things are without
looking further up. What begins with a variable is judged by its value, and left alone where that is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Workdir
from dockerfile_frontend.lint.mend import join_path, rewritten, text_at
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import is_absolute, known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for step, workdir in file.each(Workdir):
        path = known_value(file, step, workdir.path)
        if path and not path.startswith("$") and not is_absolute(path):
            yield Finding(
                f"{workdir.path} is a relative path", step.arg_span(0), _hint(step, path), fix=_mend(file, step, path)
            )


def _hint(step: Step, path: str) -> str:
    above = step.before.workdir
    if not above.startswith("/"):
        return "begin it with /"
    return f"write {join_path(above, path)}"


def _mend(file: LintFile, step: Step, path: str) -> Fix | None:
    """Safe where a WORKDIR above, or a known base image, says where it begins."""
    above = step.before.workdir
    if text_at(file, step.arg_span(0)) != path or not (above.startswith("/") or not above) or step.before.windows:
        return None
    return rewritten(file, step.arg_span(0), join_path(above, path), safe=step.before.workdir_set, history=True)


RULE = Rule(
    "DL3000",
    "workdir-absolute",
    "WORKDIR is a relative path",
    ERROR,
    check,
    bad="FROM debian:12\nWORKDIR app\n",
    good="FROM debian:12\nWORKDIR /app\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3000",
)
