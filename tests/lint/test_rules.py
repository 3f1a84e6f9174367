"""Every rule: its two examples, its place in the table, its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dockerfile_frontend.lint.docs import index, page, text_of
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.lint.model import OFF, SEVERITIES, Finding, Settings
from dockerfile_frontend.lint.table import ALL, OFF_BY_DEFAULT, REFERENCE, load, module_of
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveMode, Resolver
from tests.lint.linting import lint_text, rules
from tests.running import ROOT

PAGES = ROOT / "docs" / "rules"
RULES = ROOT / "dockerfile_frontend" / "lint" / "rules"


class OnlyAmd64(Resolver):
    """Images that exist for one platform, whatever is asked for."""

    def resolve_image(self, ref: str, platform: Platform, mode: ResolveMode) -> ResolvedImage:  # noqa: ARG002  always the same
        config = {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
        }
        return ResolvedImage(ref, None, json.dumps(config).encode())


NEEDS = {"DFC001": ("WorkdirRelativePath",)}
"""Other rules that have to run beside one for its example."""


def found_by(rule: str, text: str, folder: Path) -> list[Finding]:
    """What the rule finds, given what rules need that look beyond the Dockerfile."""
    (folder / ".dockerignore").write_text("*.md\n")
    images = Images(OnlyAmd64()) if rule == "InvalidBaseImagePlatform" else None
    settings = load(rule).settings or Settings()
    report = lint_text(text, rule, *NEEDS.get(rule, ()), context=str(folder), images=images, settings=settings)
    return [finding for finding in report.findings if finding.rule == rule]


@pytest.mark.parametrize("rule", ALL)
def test_the_bad_example_is_found_and_the_good_one_is_not(rule: str, tmp_path: Path) -> None:
    found = found_by(rule, load(rule).bad, tmp_path)
    assert found
    for finding in found:
        span = finding.span
        assert span is not None
        assert span.column >= 1
        assert (span.end_line, span.end_column) > (span.line, span.column)
        assert not finding.message.endswith(".")
    assert not found_by(rule, load(rule).good, tmp_path)


@pytest.mark.parametrize("rule", ALL)
def test_a_rule_says_of_itself_what_the_table_says(rule: str) -> None:
    found = load(rule)
    assert found.id == rule
    assert (found.severity == OFF) is (rule in OFF_BY_DEFAULT)
    assert found.severity in (*SEVERITIES, OFF)
    assert text_of(found)
    assert found.summary
    assert not found.summary.endswith(".")


def test_every_rule_file_stands_in_the_table() -> None:
    assert {path.stem for path in RULES.glob("*.py")} == {"__init__", *map(module_of, ALL)}


def test_the_table_has_what_the_compiler_warns_of() -> None:
    sources = [
        path.read_text()
        for folder in ("semantics", "compiler")
        for path in (ROOT / "dockerfile_frontend" / folder).rglob("*.py")
    ]
    warned = {name for text in sources for name in re.findall(r"warn(?:_lines)?\(\s*\"([A-Za-z]+)\"", text)}
    assert warned == set(REFERENCE)


@pytest.mark.parametrize("rule", [*ALL, "README"])
def test_the_page_is_fresh(rule: str, *, update: bool) -> None:
    text = index(ALL) if rule == "README" else page(load(rule))
    path = PAGES / f"{rule}.md"
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


def test_there_is_no_page_without_a_rule() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {"README", *ALL}


def test_what_no_rule_finds_is_not_found() -> None:
    assert rules(lint_text("FROM alpine:3.20 AS build\nRUN make\n", "REFERENCE", "DFC")) == []
