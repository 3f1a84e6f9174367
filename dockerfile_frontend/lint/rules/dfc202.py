"""A package manager is told not to check who signed what it installs.

Add the key of the repository instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command, runs
from dockerfile_frontend.lint.mend import without_word
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.lint.facts import LintFile

HINT = "add the key of the repository"
_WORDS: Mapping[str, re.Pattern[str]] = {
    "apk": re.compile(r"--allow-untrusted"),
    "apt": re.compile(
        r"(?i)--allow-unauthenticated|--force-yes|--allow-insecure-repositories"
        r"|(?:-o)?(?:APT::Get::AllowUnauthenticated|Acquire::AllowInsecureRepositories)=(?:true|1|yes)"
    ),
    "rpm": re.compile(r"--nosignature|--nogpg|--nodigest"),
    "yum": re.compile(r"(?i)--nogpgcheck|--no-gpgchecks|--setopt=(?:[\w.-]+\.)?gpgcheck=(?:0|false|no)"),
    "zypper": re.compile(r"--no-gpg-checks|--allow-unsigned-rpm"),
}
_ALIKE = {"apt-get": "apt", "aptitude": "apt", "dnf": "yum", "microdnf": "yum"}


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, *_WORDS, *_ALIKE):
        pattern = _WORDS[_ALIKE.get(command.name, command.name)]
        for word in command.args:
            if pattern.fullmatch(word.text):
                yield Finding(
                    f"{command.name} installs what nobody has signed",
                    word.span,
                    HINT,
                    fix=without_word(file, word) if word.text[:2] == "--" else None,
                )
                break
    if "trusted=yes" in file.source.text and _TRUSTED.search(file.source.text):
        for run in runs(file):
            for command in run.commands:
                for word in command.args:
                    if _TRUSTED.search(word.text) and "file:" not in word.text:
                        yield Finding("packages of this repository are not checked", word.span, HINT)


_TRUSTED = re.compile(r"\bdeb(?:-src)?\s+\[[^\]]*\btrusted=yes\b")


RULE = Rule(
    "DFC202",
    "signatures-unchecked",
    "Packages are installed without a look at their signatures",
    WARNING,
    check,
    bad="FROM alpine:3.20\nRUN apk add --no-cache --allow-untrusted app=1.0\n",
    good="FROM alpine:3.20\nCOPY app.rsa.pub /etc/apk/keys/\nRUN apk add --no-cache app=1.0\n",
)
