"""A label's key is not well formed.

Keys are lower-case words with dots, dashes, underscores and slashes between them, and begin and end with a letter or digit. Those that
begin with com.docker., io.docker. or org.dockerproject. are Docker's own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import labels
from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import STYLE, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.source import Span


KEY = re.compile(r"[a-z0-9](?:[a-z0-9]|_|[./-](?![./-]))*(?<![._/-])")
RESERVED = ("com.docker.", "io.docker.", "org.dockerproject.")


def check(file: LintFile) -> Iterator[Finding]:
    for _, pair, span in labels(file):
        key = pair.key
        if "$" in key or key in file.settings.label_schema:
            continue
        if key.startswith(RESERVED):
            yield Finding(f"labels that begin with {'.'.join(key.split('.')[:2])} are Docker's own", span)
        elif not KEY.fullmatch(key):
            hint = "lower-case words with single dots or dashes between them"
            yield Finding(f"{key} is no well-formed label key", span, hint, fix=_mend(file, key, span))


def _mend(file: LintFile, key: str, span: Span) -> Fix | None:
    """The same in lower case, where that is all there is to it."""
    text = text_at(file, span)
    if not text.startswith(key) or not KEY.fullmatch(key.lower()) or key.lower().startswith(RESERVED):
        return None
    return rewritten(file, replace(span, end_column=span.column + len(key)), key.lower())


RULE = Rule(
    "DL3048",
    "label-key",
    "A label's key is not well formed",
    STYLE,
    check,
    bad="FROM debian:12\nLABEL My.Label=1\n",
    good="FROM debian:12\nLABEL org.example.my-label=1\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3048",
)
