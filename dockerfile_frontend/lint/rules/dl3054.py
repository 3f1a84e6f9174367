"""A label that has to be an SPDX license is none.

The label schema in the configuration says which. The ids of the license list that are not deprecated, and expressions of them:
`MIT OR Apache-2.0`, `GPL-2.0-only WITH Classpath-exception-2.0`, `LicenseRef-…`. Variables are replaced by their values; one
without a known value is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.labels import wrong_values
from dockerfile_frontend.lint.model import WARNING, Finding, Rule, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for span, key, value in wrong_values(file, "spdx"):
        yield Finding(f"label {key} is no SPDX license: {value}", span, "as in MIT, GPL-3.0-or-later")


RULE = Rule(
    "DL3054",
    "label-license",
    "A label that has to be an SPDX license is none",
    WARNING,
    check,
    bad="FROM debian:12\nLABEL x=GPL3\n",
    good="FROM debian:12\nLABEL x=GPL-3.0-only\n",
    settings=Settings(label_schema={"x": "spdx"}),
    url="https://github.com/hadolint/hadolint/wiki/DL3054",
)
