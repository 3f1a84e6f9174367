"""go installs a package without a version, or with the version latest. Packages of the module at hand have none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.languages import go_installs
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.packages import unpinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in go_installs(file):
        is_pinned = partial(_is_pinned, found.run.step.before.workdir or "")
        yield from unpinned(found, is_pinned, "name a version: package@v1.2.3")


def _is_pinned(here: str, text: str) -> bool:
    """Whether a package has a version, or is of the module in the folder `here`, or a word for all of some kind, as `tool`."""
    name, _, version = text.partition("@")
    module = name.removesuffix("/...")
    return version not in ("", "latest") or name in _ALL_OF or f"{here}/".endswith(f"/{module}/")


_ALL_OF = frozenset({"all", "cmd", "std", "tool", "work", "..."})


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
