"""Where warnings are collected while a Dockerfile is understood.

    findings.warn("StageNameCasing", "Stage name 'Build' should be lowercase", instruction)
    ──▶  Diagnostic(message, span, code="StageNameCasing", severity="warning")

The reference finds most of its warnings while it converts, so the passes report them here, in its words and under its rule names;
which of them are wanted is the check directive's business. This is the one thing that passes change and do not return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import Diagnostic, DockerfileError
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockerfile_frontend.instructions.model import Instruction, Lines
    from dockerfile_frontend.semantics.check import CheckConfig

EXPERIMENTAL = frozenset({"InvalidDefinitionDescription"})
"""Rules that are off until they are asked for."""


class Findings:
    """The warnings of one compilation, in the order in which they are found."""

    def __init__(
        self, config: CheckConfig, found: list[Diagnostic] | None = None, skipped: list[Diagnostic] | None = None
    ) -> None:
        """Warnings are appended to `found`, so that they outlast a fault; those that are switched off to `skipped`, if given."""
        self.config = config
        self.found = [] if found is None else found
        self._skipped = skipped

    def warn(self, rule: str, message: str, at: Instruction, comments: Iterable[str] | None = None) -> None:
        """Report `message` at an instruction, unless `rule` is off there; `comments` stand in for the instruction's own."""
        self._add(self.config.under(at.comments if comments is None else comments), rule, message, at.lines)

    def warn_lines(self, rule: str, message: str, lines: Lines) -> None:
        """Report `message` at lines that are no instruction."""
        self._add(self.config, rule, message, lines)

    def _add(self, config: CheckConfig, rule: str, message: str, lines: Lines) -> None:
        if config.wants(rule, experimental=rule in EXPERIMENTAL):
            self.found.append(Diagnostic(message, _span(lines), rule, severity="warning"))
        elif self._skipped is not None:
            self._skipped.append(Diagnostic(message, _span(lines), rule, severity="warning"))

    def check(self) -> None:
        """Raises DockerfileError if there are warnings and they count as errors."""
        if self.config.error and self.found:
            rules = ", ".join(dict.fromkeys(finding.code for finding in self.found))
            raise DockerfileError(f"lint violation found for rules: {rules}", self.found[0].span, code="check-error")


def _span(lines: Lines) -> Span:
    return Span(lines.first, 1, lines.last)
