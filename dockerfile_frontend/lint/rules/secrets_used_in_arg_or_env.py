"""The name of an ARG or ENV sounds like a secret.

What is in the environment is stored in the image's config and history, and who has the image can read it. Use
`RUN --mount=type=secret`. Names with `public`, `file` or `version` as a part are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.reference import PAGES, quoted, reported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    return reported(file, "SecretsUsedInArgOrEnv", quoted, "RUN --mount=type=secret leaves no trace in the image")


RULE = Rule(
    "SecretsUsedInArgOrEnv",
    "SecretsUsedInArgOrEnv",
    "ARG or ENV for what sounds like a secret",
    WARNING,
    check,
    bad="FROM alpine:3.20\nARG API_TOKEN\n",
    good="FROM alpine:3.20\nRUN --mount=type=secret,id=api_token true\n",
    url=f"{PAGES}secrets-used-in-arg-or-env/",
)
