"""A stage begins with scratch, USER is a name, and nothing brings an /etc/passwd: a container cannot be started.

A number needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy, Run, User
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.outputs import chain_of
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.instructions.model import Instruction
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.steps import Step


def check(file: LintFile) -> Iterator[Finding]:
    for step, user in file.each(User, onbuild=False):
        name = known_value(file, step, user.user).partition(":")[0]
        if not name or name.isdecimal() or "$" in name or step.stage is None:
            continue
        chain = chain_of(file, step.stage)
        if chain[-1].base == "scratch" and not any(
            _may_bring(inner, kind) for part in chain for inner, kind in part.each(Add, Copy, Run)
        ):
            yield Finding(
                f"there is no /etc/passwd that could tell who {name} is", step.arg_span(0), "write a number: USER 10001"
            )


def _may_bring(step: Step, kind: Instruction) -> bool:
    """Whether it could put a passwd there: a file of that name, a whole tree, an archive, or a program that is run."""
    if not isinstance(kind, Add | Copy):
        return True
    dest = kind.dest.rstrip("/")
    return (
        "passwd" in step.node.line.text or "$" in dest or dest in ("", ".", "/etc") or "rootfs" in step.node.line.text
    )


RULE = Rule(
    "DFC109",
    "user-without-passwd",
    "USER names a user where there is no /etc/passwd",
    WARNING,
    check,
    bad="FROM scratch\nCOPY app /app\nUSER app\n",
    good="FROM scratch\nCOPY app /app\nUSER 10001\n",
)
