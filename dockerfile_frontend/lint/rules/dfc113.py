"""COPY below a USER puts files there that belong to root.

USER says who runs, not to whom copied files belong: that is root, unless `--chown` says otherwise. A program that is to write them cannot.
Where they are only to be read, that is as it should be, and `--chown=0:0` says so. Off until it is selected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy
from dockerfile_frontend.lint.commands import known_shell
from dockerfile_frontend.lint.edits import inserted_behind
from dockerfile_frontend.lint.model import OFF, Finding, Fix, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile

_ROOT = ("", "0", "root")


def check(file: LintFile) -> Iterator[Finding]:
    for step, files in file.each(Add, Copy, onbuild=False):
        user = known_value(file, step, step.before.user)
        if files.chown or user.partition(":")[0] in _ROOT or known_shell(step, file) is None:  # Windows has no --chown
            continue
        message = f"these files will belong to root, and not to {user}"
        flag = f"--chown={user}"
        fix = Fix(f"add {flag}", (inserted_behind(step.keyword_span, f" {flag}"),))
        yield Finding(message, step.keyword_span, f"add {flag}", fix=fix)


RULE = Rule(
    "DFC113",
    "copy-of-root",
    "COPY below a USER puts files there that belong to root",
    OFF,
    check,
    bad="FROM debian:12\nUSER 1000\nCOPY app /app\n",
    good="FROM debian:12\nUSER 1000\nCOPY --chown=1000 app /app\n",
)
