"""wget draws a progress bar into the log, a line for every few kilobytes. -q and -nv keep it short; the wget of BusyBox knows -q only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import each_command
from dockerfile_frontend.lint.mend import with_option
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


QUIET = ("q", "quiet", "nv", "no-verbose", "progress", "o", "output-file", "a", "append-output", "show-progress")


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, "wget"):
        if (
            not command.args
            or command.has_any("version", "help", "V", "h")
            or any(_is_quiet(word.text) for word in command.args)
        ):
            continue
        word = command.words[0]
        fix = with_option(file, word, "-q")
        yield Finding("wget fills the log with its progress", word.span, "add -q, or -nv where it is GNU's", fix=fix)


def _is_quiet(text: str) -> bool:
    if text.startswith("--"):
        return text[2:].partition("=")[0] in QUIET
    return text.startswith("-") and (text[1:3] == "nv" or any(letter in text[1:] for letter in "qoa"))


RULE = Rule(
    "DL3047",
    "quiet-wget",
    "wget draws a progress bar into the log",
    INFO,
    check,
    bad="FROM debian:12\nRUN wget https://example.com/a.txt\n",
    good="FROM debian:12\nRUN wget -q https://example.com/a.txt\n",
    url="https://github.com/hadolint/hadolint/wiki/DL3047",
)
