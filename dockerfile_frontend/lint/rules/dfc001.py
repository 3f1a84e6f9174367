"""A comment switches a rule off where the rule finds nothing, or names a rule that there is not.

What it was for has gone, or it never worked: the next real finding of that rule would pass unseen. Comments of all three kinds
are looked at (`# hadolint ignore=`, `# check=skip=`, `# dfc: ignore=`); names of rules that did not run are left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten, text_at, without_comment
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.suppress import Ignore


def check(file: LintFile) -> Iterator[Finding]:
    for unused in file.unused_ignores:
        span = unused.ignore.span
        if unused.known:
            message = f"{unused.name} is ignored here and finds nothing"
            yield Finding(message, span, "remove it from the comment", fix=_mend(file, unused.ignore))
        else:
            yield Finding(f"there is no rule {unused.name} to ignore", span, unused.hint)


def _mend(file: LintFile, ignore: Ignore) -> Fix | None:
    """The comment without the names that switch off nothing, or no comment; the reference's own comments are left alone.

    hadolint may find what is not found here, so that taking its comments away is not safe.
    """
    gone = {unused.name for unused in file.unused_ignores if unused.ignore is ignore and unused.known}
    if ignore.kind == "check":
        return None
    left = [name for name in ignore.names if name not in gone]
    if not left:
        return without_comment(file, ignore.span.line, safe=ignore.kind == "dfc")
    text = text_at(file, ignore.span)
    found = re.search(r"ignore\s*=\s*([\w, \t]*\w)(?=\W|\Z)", text)
    names = re.match(r"\w+(?:\s*,\s*\w+)*", found[1]) if found else None
    if found is None or names is None:
        return None
    begin = ignore.span.column + found.start(1)
    span = Span(ignore.span.line, begin, ignore.span.line, begin + names.end())
    return rewritten(file, span, ",".join(left), safe=ignore.kind == "dfc")


RULE = Rule(
    "DFC001",
    "unused-ignore",
    "A comment that switches off nothing",
    INFO,
    check,
    bad="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath as in the base image\nWORKDIR /app\n",
    good="FROM alpine:3.20\n# dfc: ignore=WorkdirRelativePath as in the base image\nWORKDIR app\n",
)
