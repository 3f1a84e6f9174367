"""The whole build context is copied before dependencies are installed, so every change of any file installs them anew.

Copy the files that name the dependencies first (package.json and its lock file, requirements.txt, go.mod), install, then copy the rest.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy
from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.instructions.model import Files
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command


def check(file: LintFile) -> Iterator[Finding]:
    if not any(_copies_all(kind) for _, kind in file.each(Add, Copy, onbuild=False)):
        return
    by_step = {run.step.index: run for run in runs(file) if run.step.onbuild is None}
    for stage in file.stages:
        copied = False
        for step in stage.steps:
            kind = step.instruction
            if isinstance(kind, Add | Copy):
                copied = copied or _copies_all(kind)
            run = by_step.get(step.index)
            if run is None:
                continue
            installing = next((command for command in run.commands if _installs(command)), None)
            if installing is not None and not run.run.mounts:
                if copied:
                    yield Finding("every change of any file installs these anew", installing.span, HINT)
                break


HINT = "copy the files that name them first, install, then copy the rest"
_ALL = frozenset({".", "./", "/", "*", "./*"})
_MANAGERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "bundle": (frozenset({"install"}), frozenset()),
    "bun": (frozenset({"install"}), frozenset()),
    "composer": (frozenset({"install"}), frozenset()),
    "npm": (frozenset({"ci", "install", "i"}), frozenset({"-g", "--global"})),
    "pnpm": (frozenset({"install", "i"}), frozenset({"-g", "--global"})),
    "poetry": (frozenset({"install"}), frozenset()),
    "yarn": (frozenset({"install"}), frozenset()),
}
"""Their verbs, and the options with which they are about something else."""


def _copies_all(kind: Files) -> bool:
    return not (isinstance(kind, Copy) and kind.from_) and any(source in _ALL for source in kind.sources)


def _installs(command: Command) -> bool:
    """Whether it installs what a file of the project names."""
    texts = [word.text for word in command.args]
    plain = [text for text in texts if not text.startswith("-")]
    if command.name in ("pip", "pip3"):
        return plain[:1] == ["install"] and any(
            text in ("-r", "--requirement") and following.endswith(".txt") for text, following in pairwise(texts)
        )
    if command.name == "go":
        return plain[:2] == ["mod", "download"]
    verbs, others = _MANAGERS.get(command.name, (frozenset(), frozenset()))
    return len(plain) == 1 and plain[0] in verbs and others.isdisjoint(texts)


RULE = Rule(
    "DFC301",
    "install-after-copy-all",
    "Dependencies are installed after all files are copied",
    INFO,
    check,
    bad="FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
    good="FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n",
)
