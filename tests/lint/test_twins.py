"""Where hadolint's rule and the reference's say the same, users see one finding, and either id ignores it."""

from __future__ import annotations

import pytest

from dockerfile_frontend.lint.same import SAME
from dockerfile_frontend.lint.table import HADOLINT, REFERENCE, Selection, load
from tests.lint.linting import lint_text, rules

OLD = "FROM debian:12\nMAINTAINER me\n"


def found(text: str, **selection: tuple[object, ...]) -> list[tuple[int, str]]:
    return rules(lint_text(text, selection=Selection(**selection)))  # type: ignore[arg-type]  # fields of Selection


def test_one_finding_names_both_and_is_as_grave_as_the_graver() -> None:
    (one,) = lint_text(OLD).findings
    assert (one.rule, one.also, one.severity) == ("MaintainerDeprecated", ("DL4000",), "error")


def test_the_table_names_rules() -> None:
    assert set(SAME) <= set(HADOLINT)
    assert {twin for twin, _ in SAME.values()} <= set(REFERENCE)


@pytest.mark.parametrize("rule", SAME)
def test_what_a_rule_finds_its_twin_does_not_find_again(rule: str) -> None:
    twin = SAME[rule][0]
    report = lint_text(load(rule).bad)
    if any(one.rule == twin for one in report.findings):
        assert rule not in {one.rule for one in report.findings}
        assert rule in {name for one in report.findings for name in one.also}
    else:
        assert rule in {one.rule for one in report.findings}


def test_each_is_found_when_it_is_selected() -> None:
    assert found(OLD, select=("DL4000",)) == [(2, "DL4000")]
    assert found(OLD, select=("REFERENCE",)) == [(2, "MaintainerDeprecated")]
    assert found(OLD, select=("DL4000", "MaintainerDeprecated")) == [(2, "DL4000"), (2, "MaintainerDeprecated")]


@pytest.mark.parametrize("rule", ["DL4000", "MaintainerDeprecated"])
def test_either_id_ignores_both(rule: str) -> None:
    assert found(OLD, ignore=(rule,)) == []
    assert found(OLD, severity=((rule, "off"),)) == []
    assert rules(lint_text(f"FROM debian:12\n# hadolint ignore={rule}\nMAINTAINER me\n")) == []


def test_a_group_that_is_ignored_says_nothing_of_the_others() -> None:
    assert found(OLD, ignore=("DL",)) == [(2, "MaintainerDeprecated")]
    assert found(OLD, select=("MaintainerDeprecated",), ignore=("DL4000",)) == [(2, "MaintainerDeprecated")]


def test_the_check_directive_speaks_for_both() -> None:
    assert rules(lint_text(f"# check=skip=MaintainerDeprecated\n{OLD}")) == []
    assert rules(lint_text(f"# check=skip=MaintainerDeprecated\n{OLD}", inline=False)) == [(3, "MaintainerDeprecated")]


def test_what_only_one_finds_stays_when_the_other_is_ignored() -> None:
    text = "FROM debian:12\nCMD x\nHEALTHCHECK CMD y\n"
    assert found(text) == [(2, "JSONArgsRecommended"), (3, "DL3025")]
    assert found(text, ignore=("JSONArgsRecommended",)) == [(3, "DL3025")]


def test_of_several_commands_the_void_ones_are_named_once() -> None:
    text = 'FROM debian:12\nCMD ["a"]\nENTRYPOINT ["b"]\nCMD ["c"]\nENTRYPOINT ["d"]\n'
    both = [(found.rule, found.also) for found in lint_text(text).findings]
    assert both == [("MultipleInstructionsDisallowed", ("DL4003",)), ("MultipleInstructionsDisallowed", ("DL4004",))]
    assert [name for _, name in found(text, ignore=("DL4003",))] == ["MultipleInstructionsDisallowed"]


@pytest.mark.parametrize("rule", ["DL4000", "MaintainerDeprecated"])
def test_a_severity_that_was_given_holds(rule: str) -> None:
    (one,) = lint_text(OLD, selection=Selection(severity=((rule, "style"),))).findings
    assert one.severity == "style"


def test_secrets_are_one_by_variable() -> None:
    text = "FROM debian:12\nENV DB_PASSWORD=x GITHUB_TOKEN=y\n"
    assert [(one.rule, one.also) for one in lint_text(text).findings] == [("SecretsUsedInArgOrEnv", ("DL3064",))] * 2
