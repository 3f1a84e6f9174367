"""Package managers of languages: pip, npm, gem, go; what they install, and when that is held at a version.

pip install -r reqs.txt x        ──▶  nothing to judge: the file says
python3 -m pip install requests  ──▶  Install(packages requests), not pinned
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.packages import Install, without_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command

PIP_CACHES = ("/root/.cache/pip",)

_PIP = re.compile(r"pip(?:\d+(?:\.\d+)?)?")
_PYTHON = re.compile(r"python(?:\d+(?:\.\d+)?)?")
_PIP_VALUED = frozenset(
    """
    -r --requirement -c --constraint -e --editable -t --target -d --download -b --build -i --index-url --extra-index-url -f --find-links
    --prefix --root --src --platform --python-version --implementation --abi --upgrade-strategy --progress-bar --no-binary --only-binary
    --trusted-host --timeout --retries --proxy --cert --client-cert --cache-dir --log --global-option --install-option --config-settings
    --root-user-action --use-feature --report
    """.split(),  # noqa: SIM905  reads better than a quote a word
)
_NPM_VALUED = frozenset(
    """
    --prefix --registry --loglevel --cache --omit --include --userconfig -w --workspace --tag --fetch-timeout
    """.split(),  # noqa: SIM905
)
_GEM_VALUED = frozenset(
    """
    -v --version -i --install-dir -n --bindir -s --source -P --trust-policy -p --http-proxy --platform
    """.split(),  # noqa: SIM905
)
_GO_VALUED = frozenset(
    {"-ldflags", "-tags", "-gcflags", "-asmflags", "-mod", "-o", "-p", "-buildmode", "-modfile", "-C"}
)


def pip_installs(file: LintFile) -> Iterator[Install]:
    """Every `pip install`, also through python -m pip; the packages are all that is named."""
    for run in runs(file):
        for command in run.commands:
            words = _pip_words(command)
            if words is not None:
                plain = without_values(words, _PIP_VALUED)
                if plain and plain[0].text == "install":
                    yield Install(run, words, plain[1:])


def _pip_words(command: Command) -> Command | None:
    """The command as one of pip: what stands before `pip` taken off."""
    if _PIP.fullmatch(command.name):
        return command
    if not _PYTHON.fullmatch(command.name):
        return None
    for number, word in enumerate(command.words[:-1]):
        if word.text == "-m":
            return command.without(number + 1) if command.words[number + 1].text == "pip" else None
        if number and not word.text.startswith("-"):
            return None
    return None


def takes_files(command: Command) -> bool:
    """Whether a pip command reads its requirements, or constraints on them, from a file."""
    texts = [word.text for word in command.args]
    return command.has_any("requirement", "constraint", "editable") or any(
        text[:2] in ("-r", "-c", "-e") for text in texts
    )


def pinned_requirement(text: str) -> bool:
    """Whether a requirement of pip is held at a version or revision, or is a file."""
    if text.startswith(("git+", "hg+", "svn+", "bzr+")):
        return "@" in text.split("://", 1)[-1].rpartition("/")[2] or re.search(r"@[\w.-]+(?:[#&]|$)", text) is not None
    return re.search(r"===?|~=|@|/|^\.$|\.(?:whl|zip|tar\.gz|tgz)$|<", text) is not None


def npm_installs(file: LintFile) -> Iterator[Install]:
    """Every `npm install` that names packages."""
    for run in runs(file):
        for command in run.commands:
            if command.name == "npm":
                plain = without_values(command, _NPM_VALUED)
                if plain and plain[0].text in ("install", "i", "add"):
                    yield Install(run, command, plain[1:])


def pinned_npm(text: str) -> bool:
    """Whether a package of npm has a version or tag, a repository a revision, or it is a file or folder."""
    if re.match(r"(?:git(?:\+\w+)?|ssh)[:@]|https?://.*\.git\b", text):
        return "#" in text
    if text.startswith((".", "/", "~", "file:", "http:", "https:")) or text.endswith((".tgz", ".tar.gz", ".tar")):
        return True
    return "@" in text[1:]


def gem_installs(file: LintFile) -> Iterator[Install]:
    """Every `gem install`."""
    for run in runs(file):
        for command in run.commands:
            if command.name == "gem":
                plain = without_values(command, _GEM_VALUED)
                if plain and plain[0].text in ("install", "i"):
                    names = command.words.index(plain[0])
                    ends = next(
                        (n for n, word in enumerate(command.words) if n > names and word.text == "--"),
                        len(command.words),
                    )
                    yield Install(run, command, tuple([word for word in plain[1:] if word in command.words[:ends]]))


def go_installs(file: LintFile) -> Iterator[Install]:
    """Every `go install` and `go get` of packages from elsewhere."""
    for run in runs(file):
        for command in run.commands:
            if command.name == "go":
                plain = without_values(command, _GO_VALUED)
                if plain and plain[0].text in ("install", "get"):
                    yield Install(
                        run, command, tuple([word for word in plain[1:] if not word.text.startswith((".", "/"))])
                    )
