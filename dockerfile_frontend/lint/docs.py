r"""The page of a rule, made of the rule: its module's docstring, its severity, its two examples, and what a fix makes of the first.

page(load("DL3007"))  ──▶  "# DL3007: latest-tag\n\nFROM uses …"
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import Settings
from dockerfile_frontend.lint.table import HADOLINT, REFERENCE, Selection, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.lint.model import Rule


def text_of(rule: Rule) -> str:
    """What the rule's module says of it; of a rule that stands in none, its summary."""
    if not rule.bad:
        return f"{rule.summary}."
    return (sys.modules[rule.check.__module__].__doc__ or "").strip()


def page(rule: Rule) -> str:
    """Markdown."""
    title = rule.id if rule.id == rule.name else f"{rule.id}: {rule.name}"
    level = "off until it is selected" if rule.severity == "off" else rule.severity
    whose = "hadolint's" if rule.id in HADOLINT else "the reference's" if rule.id in REFERENCE else "ShellCheck's"
    more = f" · [{whose} page]({rule.url})" if rule.url else ""
    head = f"# {title}\n\n{rule.summary} · severity: {level}{more}\n"
    if not rule.bad:
        return head
    return (
        f"{head}\n{text_of(rule)}\n\n"
        f"Found:\n\n{_fenced(rule.bad)}\nNot found:\n\n{_fenced(rule.good)}{_mended(rule)}"
    )


def _fenced(text: str) -> str:
    end = "" if text.endswith("\n") else "\n"
    return f"```dockerfile\n{text}{end}```\n"


def _mended(rule: Rule) -> str:
    """What fixes make of the bad example, if they do."""
    flag, text = _fix_of(rule)
    return f"\n`{flag}` makes of the first:\n\n{_fenced(text)}" if flag else ""


def _fix_of(rule: Rule) -> tuple[str, str]:
    """The flag that mends the bad example, and the text it makes; nothing where none does."""
    from dockerfile_frontend.lint.fix import fix_data  # noqa: PLC0415  brings the compiler
    from dockerfile_frontend.lint.run import Wishes  # noqa: PLC0415  the same

    wishes = Wishes(Selection((rule.id,)), settings=rule.settings or Settings(), context=_NOWHERE)
    for kind, flag in (("safe", "--fix"), ("unsafe", "--fix-unsafe")):
        text = fix_data("Dockerfile", rule.bad.encode(), replace(wishes, fixes=kind)).data.decode()
        if text != rule.bad:
            return flag, text
    return "", ""


_NOWHERE = "/nonexistent"
"""A context without an ignore file, wherever this is called."""


def index(ids: Sequence[str]) -> str:
    """The list of all pages."""
    lines = ["# Rules of `dfc lint`", "", "Made from the rules; `make update` writes these pages anew.", ""]
    for heading, group in (
        ("The reference's build checks", REFERENCE),
        ("Rules with hadolint's ids", HADOLINT),
        ("Ours", tuple(name for name in ids if name not in REFERENCE and name not in HADOLINT)),
    ):
        if group:
            lines += [f"## {heading}", "", "| rule | severity | fix | |", "| --- | --- | --- | --- |"]
            lines += [*map(_row, map(load, group)), ""]
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    kind = {"--fix": "safe", "--fix-unsafe": "unsafe"}.get(_fix_of(rule)[0], "")
    return f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {kind} | {rule.summary} |"
