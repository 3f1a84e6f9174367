"""What hadolint is known to get wrong, or its users to complain of, one a case: what its rules find here.

The places are those of docs/hadolint.md; every rule's plain examples are run with the other rules'.
"""

from __future__ import annotations

import pytest

from tests.casefiles import Case, Expect, case_files
from tests.lint.linting import lint_text


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_findings(case: Case, expect: Expect) -> None:
    report = lint_text(case.sections["Dockerfile"], "HADOLINT", *case.sections.get("rules", "").split())
    rows = []
    for found in report.findings:
        span = found.span
        assert span is not None
        rows.append(f"{span.line}:{span.column}-{span.end_line}:{span.end_column} {found.rule} {found.message}\n")
    expect(case, findings="".join(rows))
