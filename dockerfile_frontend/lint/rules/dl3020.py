"""ADD copies plain files, which COPY does without surprises.

ADD is for archives that are to be unpacked, URLs and git repositories. It is not named here when one of its own flags is used, or when
a source is a variable of unknown value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add
from dockerfile_frontend.lint.mend import rewritten
from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.steps import Step


ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|t?lz|tar\.\w+|gz|bz2|xz|zst|lzma|Z|tz2|tlz|tpxz)$")
FETCHED = re.compile(r"(?:https?|ftp|git|ssh)://|git@|github\.com/|[\w.-]+@[\w.-]+:")


def check(file: LintFile) -> Iterator[Finding]:
    for step, add in file.each(Add):
        if add.checksum or add.keep_git_dir is not None or add.unpack is not None or not add.sources:
            continue
        values = [known_value(file, step, source) for source in add.sources]
        if not any("$" in value or ARCHIVE.search(value) or FETCHED.match(value) for value in values):
            yield Finding(
                f"ADD {add.sources[0]} copies what COPY could", step.keyword_span, "write COPY", fix=_mend(file, step)
            )


def _mend(file: LintFile, step: Step) -> Fix | None:
    """Not safe: what is copied may be an archive, whatever its name."""
    return rewritten(file, step.keyword_span, "COPY" if step.node.keyword.isupper() else "copy")


RULE = Rule(
    "DL3020",
    "copy-not-add",
    "ADD copies what COPY could",
    ERROR,
    check,
    bad="FROM debian:12\nADD app.py /app/\n",
    good="FROM debian:12\nCOPY app.py /app/\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3020",
)
