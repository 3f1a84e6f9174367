"""go installs a package without a version, or with the version latest. Packages of the module at hand have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import go_installs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import known_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in go_installs(file):
        for word in found.packages:
            text = known_text(found.run, word)
            name, _, version = text.partition("@")
            if text and version in ("", "latest") and "..." not in name:
                yield Finding(
                    f"{name} is installed in whatever version is newest", word.span, f"name a version: {name}@v1.2.3"
                )
                break


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
