"""The package lists of apt stay in a layer, where they are of no use.

Only layers that end up in an image count. A cache or tmpfs mount on /var/lib/apt/lists keeps them out as well. What is removed before
the update does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import run_of
from dockerfile_frontend.lint.mend import at_end
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.packages import APT, left_behind, verb_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Command


HINT = "rm -rf /var/lib/apt/lists/* in the same RUN, or a cache mount on /var/lib/apt"


def check(file: LintFile) -> Iterator[Finding]:
    for update in left_behind(file, APT, _updates):
        yield Finding("the package lists stay in the layer", update.span, HINT, fix=_mend(file, update))


def _updates(command: Command) -> bool:
    return command.name in ("apt-get", "apt", "aptitude") and verb_of(command, APT) == "update"


def _mend(file: LintFile, update: Command) -> Fix | None:
    run = run_of(file, update)
    return at_end(file, run, "rm -rf /var/lib/apt/lists/*") if run else None


RULE = Rule(
    "DL3009",
    "clean-apt",
    "The package lists of apt stay in a layer",
    INFO,
    check,
    bad="FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.*\n",
    good="FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends curl=7.88.* && rm -rf /var/lib/apt/lists/*\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3009",
)
