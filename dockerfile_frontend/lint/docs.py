r"""The page of a rule, made of the rule: its module's docstring, its severity, its two examples.

page(load("DL3007"))  ──▶  "# DL3007: latest-tag\n\nFROM uses …"
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.table import HADOLINT, REFERENCE, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.lint.model import Rule


def text_of(rule: Rule) -> str:
    """What the rule's module says of it."""
    return (sys.modules[rule.check.__module__].__doc__ or "").strip()


def page(rule: Rule) -> str:
    """Markdown."""
    title = rule.id if rule.id == rule.name else f"{rule.id}: {rule.name}"
    level = "off until it is selected" if rule.severity == "off" else rule.severity
    whose = "hadolint's" if rule.id in HADOLINT else "the reference's"
    more = f" · [{whose} page]({rule.url})" if rule.url else ""
    return (
        f"# {title}\n\n{rule.summary} · severity: {level}{more}\n\n{text_of(rule)}\n\n"
        f"Found:\n\n```dockerfile\n{rule.bad}```\n\nNot found:\n\n```dockerfile\n{rule.good}```\n"
    )


def index(ids: Sequence[str]) -> str:
    """The list of all pages."""
    lines = ["# Rules of `dfc lint`", "", "Made from the rules; `make update` writes these pages anew.", ""]
    for heading, group in (
        ("The reference's build checks", REFERENCE),
        ("Rules with hadolint's ids", HADOLINT),
        ("Ours", tuple(name for name in ids if name not in REFERENCE and name not in HADOLINT)),
    ):
        if group:
            rows = [f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.summary} |" for rule in map(load, group)]
            lines += [f"## {heading}", "", "| rule | severity | |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)
