"""A comment right above an ARG or a named FROM begins with the name, so that the outline shows it as its description.

`# VERSION of the compiler` above `ARG VERSION` is shown by `dfc outline`; any other comment wants an empty line behind it.
Off until it is selected, or switched on by `# check=experimental=InvalidDefinitionDescription`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, keyword, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "InvalidDefinitionDescription", keyword)


RULE = Rule(
    "InvalidDefinitionDescription",
    "InvalidDefinitionDescription",
    "A comment above ARG or FROM does not describe it",
    WARNING,
    check,
    bad="# check=experimental=InvalidDefinitionDescription\nFROM alpine:3.20\n# the version\nARG VERSION=1\n",
    good="# check=experimental=InvalidDefinitionDescription\nFROM alpine:3.20\n# VERSION of the package\nARG VERSION=1\n",
    url=f"{PAGES}invalid-definition-description/",
)
