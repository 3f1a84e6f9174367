"""What a rule is, and what it finds.

    RULE = Rule("DL3007", "latest-tag", "FROM uses the tag latest", WARNING, check, bad="FROM a:latest", good="FROM a:1")
    RULE.check(file)  ──▶  Finding("the tag latest moves", Span(1, 6, 1, 14), hint="name a version")

A rule only says what and where; `run` stamps its id and severity on what it finds.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.source import Span

ERROR = "error"
WARNING = "warning"
INFO = "info"
STYLE = "style"
OFF = "off"
"""Found only when the rule is selected by its id."""

SEVERITIES = (ERROR, WARNING, INFO, STYLE)
"""From the gravest down."""


class Edit(Record):
    """A stretch of the file and what stands there instead."""

    span: Span
    """Within a line, or whole lines: from column 1 to column 1. An empty one is a place to insert at."""
    text: str
    """Its line ends become those of the file."""


class Fix(Record):
    """What mends a finding: all of its edits, or none."""

    description: str
    """What it does, as an order: write COPY."""
    edits: tuple[Edit, ...]
    safe: bool = False
    """The rule claims that what is built stays the same. `fix` proves it, or treats the fix as unsafe."""
    history: bool = False
    """Texts in the image's history may change; names of steps and source lines always may."""


class Finding(Record):
    """One thing that is wrong, and where."""

    message: str
    """One sentence without a full stop."""
    span: Span | None = None
    """With columns; None only where there is no text to point at."""
    hint: str = ""
    """What to do about it, in a few words; empty where the message says it."""
    rule: str = ""
    """Stamped on by `run`, and so is the severity."""
    severity: str = ""
    fix: Fix | None = None
    also: tuple[str, ...] = ()
    """Other rules that say the same of this place."""

    def stamped(self, rule: str, severity: str) -> Finding:
        """The finding of a rule; `dataclasses.replace` takes ten times as long."""
        return Finding(self.message, self.span, self.hint, rule, severity, self.fix)


class Rule(Record):
    """A rule; its module's docstring is the text of its page."""

    id: str
    """StageNameCasing, DL3007, DFC001: what people select and ignore."""
    name: str
    """A slug for people: latest-tag. Of the reference's rules, the id again."""
    summary: str
    """One line for lists."""
    severity: str
    """By default: error, warning, info, style or off."""
    check: Callable[[LintFile], Iterable[Finding]]
    bad: str
    """A Dockerfile in which it finds something; a test runs it."""
    good: str
    """The same one mended: it finds nothing."""
    settings: Settings | None = None
    """What the two examples need to be configured, for rules that say nothing without."""
    url: str = ""
    """Its page at the project it comes from."""


class Settings(Record):
    """What rules take from configuration."""

    trusted_registries: tuple[str, ...] = ()
    """Empty trusts all; an entry may begin or end with *."""
    label_schema: Mapping[str, str] = field(default_factory=dict)
    """Label to type: text, url, semver, hash, rfc3339, spdx or email."""
    strict_labels: bool = False
    """Labels outside the schema are findings."""
