"""Lint a text in a test: what was found, as short rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.lint.facts import LintFile
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.lint.run import Report, Wishes, lint_data
from dockerfile_frontend.lint.table import Selection
from dockerfile_frontend.semantics.resolver import Resolver
from dockerfile_frontend.source import SourceFile
from tests.conformance_adapter import EveryImage

KNOWN = EveryImage()


def lint_text(text: str | bytes, *select: str, name: str = "Dockerfile", **wishes: Any) -> Report:  # noqa: ANN401  fields of Wishes
    data = text.encode() if isinstance(text, str) else text
    return lint_data(name, data, Wishes(**{"selection": Selection(select=select), **wishes}))


def rules(report: Report) -> list[tuple[int, str]]:
    """Line and rule of each finding."""
    return [(found.span.line if found.span else 0, found.rule) for found in report.findings]


def facts(text: str, options: Mapping[str, str] | None = None, resolver: Resolver | None = None) -> LintFile:
    asked = parse_options(options or {})
    return LintFile(SourceFile("Dockerfile", text), text.encode(), asked, Images(resolver))
