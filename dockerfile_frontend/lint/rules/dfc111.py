"""COPY or ADD names a file that is not in the build context, so the build fails.

Looked for only when the context is known: with `--context FOLDER`.
"""

from __future__ import annotations

import re
from os.path import lexists
from posixpath import normpath
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    folder = file.context_folder
    if folder is None:
        return
    for step, copy in file.each(Add, Copy, onbuild=False):
        if isinstance(copy, Copy) and copy.from_:
            continue
        for source in copy.sources:
            path = known_value(file, step, source)
            if "$" in path or "://" in path or path.startswith("git@") or _is_there(folder, path):
                continue
            yield Finding(
                f"there is no {path} in the build context", step.text_span(source), "or is --context another folder?"
            )


def _is_there(folder: str, path: str) -> bool:
    inside = normpath(f"/{path}").lstrip("/")
    if re.search(r"[*?\[\\]", inside):
        from glob import escape, glob  # noqa: PLC0415  few files have patterns

        return bool(glob(f"{escape(folder)}/{inside}", include_hidden=True))
    return lexists(f"{folder}/{inside}")


RULE = Rule(
    "DFC111",
    "missing-source",
    "COPY of a file that the context does not hold",
    WARNING,
    check,
    bad="FROM alpine:3.20\nCOPY absent.txt /\n",
    good="FROM alpine:3.20\nCOPY .dockerignore /\n",
)
