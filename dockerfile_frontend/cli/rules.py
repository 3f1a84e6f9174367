"""`dfc rules`: the rules of `dfc lint`, and what each is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.render import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.lint.model import Rule


@click.command("rules")
@click.argument("names", metavar="[RULE]...", nargs=-1)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
def command(names: Sequence[str], form: str) -> None:
    """List the rules of dfc lint, or explain some of them.

    RULE is an id, the beginning of one, or a group: all, reference, hadolint, dfc. A single rule is explained.
    """
    rules = find_rules(names or ("all",))
    if form == "json":
        click.echo(json.dumps([row(rule) for rule in rules], indent=2))
    elif len(rules) == 1:
        from dockerfile_frontend.lint.docs import page  # noqa: PLC0415  a list needs no pages

        click.echo(page(rules[0]), nl=False)
    else:
        widest = max(len(rule.id) for rule in rules)
        for rule in rules:
            click.echo(printable(f"{rule.id:<{widest}}  {rule.severity:<7}  {rule.summary}"))


def find_rules(names: Sequence[str]) -> list[Rule]:
    """Raises Fault for a name that is no rule's."""
    from dockerfile_frontend.lint.table import UnknownRuleError, added_rules, expand_name, load  # noqa: PLC0415  `--help` needs none

    try:
        ids = dict.fromkeys(rule for name in names for rule in expand_name(name))
    except UnknownRuleError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from None
    if any(name.lower() == "all" for name in names):
        ids |= dict.fromkeys(added_rules())
    return [load(rule) for rule in ids]


def row(rule: Rule) -> dict[str, str]:
    from dockerfile_frontend.lint.docs import text_of  # noqa: PLC0415  a list needs no pages

    return {
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity,
        "summary": rule.summary,
        "text": text_of(rule),
        "bad": rule.bad,
        "good": rule.good,
        "url": rule.url,
    }
