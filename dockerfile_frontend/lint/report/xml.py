"""Attributes of XML: what XML 1.0 cannot hold is left out as an escape.

attributes(line=1, message='a "b"')  ──▶  ' line="1" message="a &quot;b&quot;"'
"""

from __future__ import annotations

from dockerfile_frontend.lint.report.words import printable

_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escaped(text: str) -> str:
    return "".join(_MARKS.get(char, char) for char in printable(text))


def attributes(**given: object) -> str:
    return "".join(f' {name}="{escaped(str(value))}"' for name, value in given.items())
