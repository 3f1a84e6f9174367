"""Labels and the schema that configuration gives for them.

    label-schema = {version = "semver"}
    LABEL version=1.2        wrong_values(file, "semver")  ──▶  (where it stands, "version", "1.2")

Variables are replaced by their values; what is not known is not judged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Label
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dockerfile_frontend.instructions.model import KeyValue
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.source import Span

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?")
_HASH = re.compile(r"[0-9a-f]{7}|[0-9a-f]{40}|[0-9a-f]{64}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_TIME = re.compile(
    r"[0-9]{4}-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
    r"(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)*\")@(?:{_ATOM}(?:\.{_ATOM})*|\[[^\[\]\\\s]+\])")
_SPDX_WORD = re.compile(r"\(|\)|[^\s()]+")
_OWN_LICENSE = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")


def labels(file: LintFile) -> Iterator[tuple[Step, KeyValue, Span]]:
    """Every label that an instruction gives, those behind ONBUILD among them, and where it stands."""
    for step, label in file.each(Label):
        for number, pair in enumerate(label.pairs):
            yield step, pair, step.arg_span(number) if number + 1 < len(step.node.places) else step.span


def wrong_values(file: LintFile, kind: str) -> Iterator[tuple[Span, str, str]]:
    """Labels of this type whose value is not one; an empty value is another rule's."""
    schema = file.settings.label_schema
    if kind not in schema.values():
        return
    fits = CHECKS[kind]
    for step, pair, span in labels(file):
        if schema.get(pair.key) == kind:
            value = known_value(file, step, pair.value)
            if value and "$" not in value and not fits(value):
                yield span, pair.key, value


def is_license(text: str) -> bool:
    """Whether a text is an SPDX expression: ids joined by AND, OR and WITH, in parentheses or not."""
    from dockerfile_frontend.lint.spdx import EXCEPTIONS, LICENSES  # noqa: PLC0415  for schemas that ask for it

    wanted, depth, excepted = "id", 0, False
    for word in _SPDX_WORD.findall(text):
        if wanted == "id" and word == "(":
            depth += 1
        elif wanted == "id" and excepted:
            if word not in EXCEPTIONS:
                return False
            wanted, excepted = "sign", False
        elif wanted == "id":
            if word.removesuffix("+") not in LICENSES and _OWN_LICENSE.fullmatch(word) is None:
                return False
            wanted = "sign"
        elif word == ")" and depth:
            depth -= 1
        elif word in ("AND", "OR", "WITH"):
            wanted, excepted = "id", word == "WITH"
        else:
            return False
    return wanted == "sign" and depth == 0


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None and not (
        text[5:7] in ("04", "06", "09", "11", "02") and text[8:10] == "31"
    )


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "url": lambda text: _URL.fullmatch(text) is not None,
    "semver": lambda text: _SEMVER.fullmatch(text) is not None,
    "hash": lambda text: _HASH.fullmatch(text) is not None,
    "rfc3339": _is_time,
    "spdx": is_license,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
}
"""By type of a schema; text may be anything."""
