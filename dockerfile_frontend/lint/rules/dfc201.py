"""A command, or a variable, says that certificates are not to be checked: whoever sits between may send what they like.

Add the missing certificate to the image instead.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Arg, Env
from dockerfile_frontend.lint.commands import each_command, runs
from dockerfile_frontend.lint.mend import with_word, without_word
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.values import known_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Fix
    from dockerfile_frontend.lint.shell import Command, Word


def check(file: LintFile) -> Iterator[Finding]:
    for _run, command in each_command(file, *_NAMES):
        word = _switch(command)
        if word is not None and not _is_local(command):
            yield Finding(f"{command.name} does not check certificates", word.span, HINT, fix=_mend(file, word))
    text = file.source.text.upper()
    if any(mark in text for mark in _MARKS):
        yield from _variables(file)


def _mend(file: LintFile, word: Word) -> Fix | None:
    if word.text in ("-k", "--insecure", "--proxy-insecure", "--no-check-certificate", "--check-certificate=false"):
        return without_word(file, word)
    if re.fullmatch(r"-\w*k\w*", word.text):
        return with_word(file, word, word.text.replace("k", ""))
    return None


def _variables(file: LintFile) -> Iterator[Finding]:
    for run in runs(file):
        for command in run.commands:
            for assigned in (*command.assignments, *(command.args if command.name == "export" else ())):
                if _VARIABLE.match(assigned.text):
                    yield Finding("certificates are not checked", assigned.span, HINT)
    for step, kind in file.each(Arg, Env):
        pairs = [(pair.key, pair.value) for pair in (kind.pairs if isinstance(kind, Env) else ())]
        pairs += [(one.key, one.value or "") for one in (kind.args if isinstance(kind, Arg) else ())]
        for number, (name, value) in enumerate(pairs):
            if value and _VARIABLE.match(f"{name}={known_value(file, step, value)}"):
                yield Finding("certificates are not checked", step.arg_span(number), HINT)


HINT = "add the certificate to those that are trusted"
_MARKS = ("TLS_REJECT", "HTTPSVERIFY", "SSL_NO_VERIFY", "STRICT_SSL", "SSL_VERIFY", "TRUSTED_HOST", "GONOSUMDB")
_VARIABLE = re.compile(
    r"(?i)(?:NODE_TLS_REJECT_UNAUTHORIZED=['\"]?0|PYTHONHTTPSVERIFY=['\"]?0|GIT_SSL_NO_VERIFY=['\"]?(?:1|true)"
    r"|NPM_CONFIG_STRICT_SSL=['\"]?false|GONOSUMDB=['\"]?\*|CONDA_SSL_VERIFY=['\"]?false|PIP_TRUSTED_HOST=['\"]?[\w.: -]+)['\"]?\Z"
)
_WORDS: Mapping[str, re.Pattern[str]] = {
    "aria2c": re.compile(r"--check-certificate=false"),
    "apt": re.compile(r"(?i)(?:-o)?Acquire::https?::(?:[\w.-]+::)?Verify-(?:Peer|Host)=(?:false|0|no)"),
    "curl": re.compile(r"--insecure|--proxy-insecure|-[#0afgijklLnNOqRsSvV46]*k[#0afgijklLnNOqRsSvV46]*o?"),
    "git": re.compile(r"(?i)http\.sslverify=(?:false|0)"),
    "pip": re.compile(r"--trusted-host(?:=.*)?"),
    "wget": re.compile(r"--no-check-certificate"),
    "yum": re.compile(r"(?i)--setopt=(?:[\w.-]+\.)?sslverify=(?:false|0|no)"),
}
_ALIKE = {"apt-get": "apt", "dnf": "yum", "microdnf": "yum", "pip3": "pip", "mamba": "conda", "micromamba": "conda"}
_SETTINGS = {
    "composer": ("disable-tls", ("true", "1")),
    "conda": ("ssl_verify", ("false", "no", "0")),
    "git": ("http.sslverify", ("false", "0")),
    "npm": ("strict-ssl", ("false",)),
    "pnpm": ("strict-ssl", ("false",)),
    "yarn": ("strict-ssl", ("false",)),
}
"""Commands whose config can say it: the setting and what switches the check off."""
_NAMES = tuple(dict.fromkeys((*_WORDS, *_ALIKE, *_SETTINGS, "python", "python3")))


def _switch(command: Command) -> Word | None:
    """The word that says it."""
    name = _ALIKE.get(command.name, command.name)
    if name.startswith("python") and any(word.text == "pip" for word in command.args):
        name = "pip"
    pattern = _WORDS.get(name)
    if pattern is not None:
        for word in command.args:
            if pattern.fullmatch(word.text):
                return word
    setting, values = _SETTINGS.get(name, ("", ()))
    for word, value in pairwise(command.args):
        if setting and word.text.lower().lstrip("-") == setting and value.text.lower() in values:
            return word
    return next((w for w in command.args if setting and w.text.lower() in {f"--{setting}={v}" for v in values}), None)


def _is_local(command: Command) -> bool:
    return any(re.match(r"(?:https?://)?(?:localhost|127\.|\[::1\])", word.text) for word in command.args)


RULE = Rule(
    "DFC201",
    "certificates-unchecked",
    "A download does not check certificates",
    WARNING,
    check,
    bad="FROM alpine:3.20\nRUN wget -q --no-check-certificate https://example.com/app.tar.gz\n",
    good="FROM alpine:3.20\nRUN wget -q https://example.com/app.tar.gz\n",
)
