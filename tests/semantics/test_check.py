from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions.model import Lines, User
from dockerfile_frontend.semantics.check import SILENT, CheckConfig, parse_check
from dockerfile_frontend.semantics.findings import Findings
from dockerfile_frontend.source import Span


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("", CheckConfig()),
        ("skip=A, B", CheckConfig(skip=frozenset({"A", "B"}))),
        (" skip = all ; error=t", CheckConfig(skip_all=True, error=True)),
        ("experimental=X;error=0", CheckConfig(experimental=frozenset({"X"}))),
        ("experimental=all", CheckConfig(experimental_all=True)),
    ],
)
def test_configurations(text: str, config: CheckConfig) -> None:
    assert parse_check(text) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skip", 'invalid check option "skip"'),
        ("nope=1", 'invalid check option "nope"'),
        ("error=x", 'failed to parse check option "error=x": strconv.ParseBool: parsing "x": invalid syntax'),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_check(text)
    assert str(caught.value) == message


def test_experimental_rules_are_asked_for() -> None:
    assert not CheckConfig().wants("E", experimental=True)
    assert CheckConfig(experimental=frozenset({"E"})).wants("E", experimental=True)
    assert not CheckConfig(skip=frozenset({"R"})).wants("R")


@pytest.mark.parametrize(
    ("comments", "found"),
    [
        ((), True),
        (("check=skip=Rule",), False),
        (("a sentence about check",), True),
        (("x", " Check = skip=all more words"),  False),
        (("check=bogus", "check=skip=Rule"), True),
        (("check=skip=Other",), True),
    ],
)  # fmt: skip
def test_comments_above_an_instruction(comments: tuple[str, ...], *, found: bool) -> None:
    findings = Findings(CheckConfig())
    findings.warn("Rule", "message", User("USER", "USER x", Lines(4, 5), comments, Span(4, 1, 5, 2), "x"))
    assert [(d.code, d.span.line, d.severity) for d in findings.found if d.span] == [("Rule", 4, "warning")] * found


def test_silence() -> None:
    findings = Findings(SILENT)
    findings.warn_lines("Rule", "message", Lines(1, 1))
    findings.check()
    assert findings.found == []
