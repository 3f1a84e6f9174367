"""A word has the form that only keys and tokens of some service have, or a URL holds a password.

It is in the file's history, and mostly in the image, too. Have it withdrawn, and hand the next one in with `RUN --mount=type=secret`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


_TOKEN = re.compile(
    r"(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,}|glpat-[\w-]{20}"
    r"|xox[abps]-[0-9]{8,}-[\w-]{20,}|npm_[A-Za-z0-9]{36}|[rs]k_live_[A-Za-z0-9]{20,}|AIza[\w-]{35}|hf_[A-Za-z]{34}"
    r"|sk-(?:proj-|ant-api03-)?[A-Za-z0-9_-]{40,}|dckr_pat_[\w-]{27}|pypi-AgEI[\w-]{50,})(?![\w-])"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)
_URL = re.compile(r"://[^\s:/@$'\"<>{}]+:(?P<password>[^\s:/@$'\"<>{}*]{4,})@[\w.-]+\.[a-z]{2,}")
_MADE_UP = re.compile(
    r"(?i)example|pass(?:word|wd)?\Z|secret\Z|token\Z|x{4,}|\.\.\.|your|change.?me|dummy|test\Z|fake|placeholder"
)


def check(file: LintFile) -> Iterator[Finding]:
    text = file.source.text
    if not any(mark in text for mark in _MARKS) and not _URL.search(text):
        return
    for number, line in enumerate(file.source.text.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        for found in _TOKEN.finditer(line):
            if not _MADE_UP.search(found[0]):
                yield Finding("this is a secret", Span(number, found.start() + 1, number, found.end() + 1), HINT)
        for found in _URL.finditer(line):
            if not _MADE_UP.search(found["password"]):
                span = Span(number, found.start("password") + 1, number, found.end("password") + 1)
                yield Finding("this URL holds a password", span, HINT)


_MARKS = (
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "npm_",
    "k_live_",
    "AIza",
    "hf_",
    "sk-",
    "dckr_pat_",
    "pypi-AgEI",
    "PRIVATE KEY-----",
)
"""One of these is in every token."""
HINT = "withdraw it, and hand its successor in with RUN --mount=type=secret"


RULE = Rule(
    "DFC203",
    "secret-in-file",
    "A secret stands in the Dockerfile",
    ERROR,
    check,
    bad="FROM alpine:3.20\nRUN git clone https://ci:hunter22@git.corp.org/app.git\n",
    good="FROM alpine:3.20\nRUN --mount=type=secret,id=git,target=/root/.git-credentials git clone https://git.corp.org/app.git\n",
)
