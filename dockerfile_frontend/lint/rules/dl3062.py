"""go installs a package without a version, or with the version latest. Packages of the module at hand have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import go_installs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import unpinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in go_installs(file):
        yield from unpinned(found, _is_pinned, "name a version: package@v1.2.3")


def _is_pinned(text: str) -> bool:
    name, _, version = text.partition("@")
    return version not in ("", "latest") or "..." in name


RULE = Rule(
    "DL3062",
    "pin-go",
    "go installs a package without a version",
    WARNING,
    check,
    bad="FROM golang:1.23\nRUN go install golang.org/x/tools/cmd/stringer@latest\n",
    good="FROM golang:1.23\nRUN go install golang.org/x/tools/cmd/stringer@v0.26.0\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3062",
)
