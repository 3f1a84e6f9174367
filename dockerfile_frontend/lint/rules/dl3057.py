"""The image has no HEALTHCHECK, here or in a stage that it continues. Orchestrators with probes of their own have no need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Healthcheck
from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.lint.outputs import chain_of, output_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for stage in output_stages(file):
        chain = chain_of(file, stage)
        if not any(True for part in chain for _ in part.each(Healthcheck, onbuild=False)):
            yield Finding("the image has no HEALTHCHECK", stage.head.keyword_span, "say how to tell that it works")


RULE = Rule(
    "DL3057",
    "has-healthcheck",
    "The image has no HEALTHCHECK",
    OFF,
    check,
    bad='FROM debian:12\nCMD ["app"]\n',
    good='FROM debian:12\nHEALTHCHECK CMD ["app", "--alive"]\nCMD ["app"]\n',
    url="https://github.com/hadolint/hadolint/wiki/DL3057",
)
