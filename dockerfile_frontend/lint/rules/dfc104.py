"""What looks like a JSON array is none, so it is taken for a shell's command, or for names of files, brackets and quotes and all.

JSON has double quotes only, a comma between two words and none behind the last.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import rewritten
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.syntax.lines import from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.source import Span

_QUOTE = "'\"\u201c\u201d\u2018\u2019"
_ARRAY = re.compile(rf"\[\s*[{_QUOTE}][\s\S]*[{_QUOTE}]\s*,?\s*\]\Z")


def check(file: LintFile) -> Iterator[Finding]:
    for step in file.all_steps:
        node = step.node
        if node.json or node.keyword.upper() not in _FORMS or len(node.places) == 1:
            continue
        start = node.places[1][0]
        text = from_bytes(node.line.text[start:])
        if _ARRAY.match(text) and not (text[1:2].isspace() and "," not in text):
            span = node.line.span_of(start, len(node.line.text))
            yield Finding(
                "this is no JSON array, so its brackets and quotes count", span, _why(text), fix=_mend(file, span, text)
            )


_FORMS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "VOLUME"})


def _why(text: str) -> str:
    if text.rstrip("] ").endswith(","):
        return "remove the last comma"
    return "write double quotes, and a comma between two words"


def _mend(file: LintFile, span: Span, text: str) -> Fix | None:
    """The array that was meant, where it has but one meaning."""
    words = re.fullmatch(rf"\[\s*((?:([{_QUOTE}])[^{_QUOTE}\\\\]*[{_QUOTE}]\s*,?\s*)+)\]", text)
    if words is None or len(re.findall(r",", text)) < len(re.findall(rf"[{_QUOTE}]", text)) // 2 - 1:
        return None
    found = re.findall(rf"[{_QUOTE}]([^{_QUOTE}]*)[{_QUOTE}]", words[1])
    return rewritten(file, span, json.dumps(found, ensure_ascii=False))


RULE = Rule(
    "DFC104",
    "broken-json-form",
    "A JSON form with a mistake is run by a shell",
    WARNING,
    check,
    bad="FROM alpine:3.20\nCMD ['top', '-b']\n",
    good='FROM alpine:3.20\nCMD ["top", "-b"]\n',
)
