"""apk add keeps its index in the layer; --no-cache makes do without. A cache mount on /var/cache/apk does as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import INFO, Finding, Rule
from dockerfile_frontend.lint.packages import APK, cleans, covers, installs, verb_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for found in installs(file, APK):
        if not found.command.has_any("no-cache") and not covers(found.run, *APK.caches) and not _removed(found.run):
            fix = with_option(file, verb_word(found.command, APK), "--no-cache")
            yield Finding("the index of apk stays in the layer", found.command.span, "add --no-cache", fix=fix)


def _removed(run: RunCommands) -> bool:
    return any(cleans(command, APK) for command in run.commands)


RULE = Rule(
    "DL3019",
    "apk-no-cache",
    "apk add keeps its index",
    INFO,
    check,
    bad="FROM alpine:3.20\nRUN apk add curl=8.9.1-r2\n",
    good="FROM alpine:3.20\nRUN apk add --no-cache curl=8.9.1-r2\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3019",
)
