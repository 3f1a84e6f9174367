"""COPY to a relative path without a WORKDIR in this stage or one that it continues.

Where the files go is then up to the base image. Where a resolver knows the image, its working directory counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Copy
from dockerfile_frontend.lint.mend import join_path, rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import dest_span, is_absolute, known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for step, copy in file.each(Copy):
        dest = known_value(file, step, copy.dest)
        if step.before.workdir or not dest or "$" in dest[:1] or is_absolute(dest):
            continue
        yield Finding(
            f"where {copy.dest} is depends on the base image",
            dest_span(step),
            "set WORKDIR before, or copy to an absolute path",
            fix=_mend(file, step, copy.dest),
        )


def _mend(file: LintFile, step: Step, dest: str) -> Fix | None:
    span = dest_span(step)
    if step.node.json or text_at(file, span) != dest or "$" in dest:
        return None
    path = join_path("/", dest)
    return rewritten(file, span, f"{path.rstrip('/')}/" if dest.endswith(("/", "/.")) or dest == "." else path)


RULE = Rule(
    "DL3045",
    "copy-needs-workdir",
    "COPY to a relative path without a WORKDIR",
    WARNING,
    check,
    bad="FROM debian:12\nCOPY app .\n",
    good="FROM debian:12\nWORKDIR /app\nCOPY app .\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3045",
)
