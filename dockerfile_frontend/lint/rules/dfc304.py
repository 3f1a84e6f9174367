"""What a package manager downloads is downloaded anew whenever the step runs again.

A cache mount keeps it between builds, outside of
the image: `RUN --mount=type=cache,target=/root/.cache/pip pip install …`. Off until it is selected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.model import OFF, Finding, Rule
from dockerfile_frontend.lint.reshape import with_mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.lint.facts import LintFile

_PLACES: Mapping[str, tuple[str, frozenset[str]]] = {
    "bundle": ("/usr/local/bundle/cache", frozenset({"install"})),
    "cargo": ("/usr/local/cargo/registry", frozenset({"build", "fetch", "install"})),
    "composer": ("/root/.cache/composer", frozenset({"install", "update"})),
    "go": ("/go/pkg/mod", frozenset({"build", "get", "install", "mod"})),
    "gradle": ("/root/.gradle", frozenset({"build", "assemble"})),
    "mvn": ("/root/.m2", frozenset({"install", "package", "verify"})),
    "npm": ("/root/.npm", frozenset({"ci", "install", "i"})),
    "pip": ("/root/.cache/pip", frozenset({"install"})),
    "pip3": ("/root/.cache/pip", frozenset({"install"})),
    "pnpm": ("/root/.local/share/pnpm/store", frozenset({"install", "i"})),
    "uv": ("/root/.cache/uv", frozenset({"pip", "sync"})),
    "yarn": ("/usr/local/share/.cache/yarn", frozenset({"install"})),
}
"""Where each keeps what it downloads, and the verbs that do."""


def check(file: LintFile) -> Iterator[Finding]:
    for run in runs(file):
        if any("type=cache" in mount for mount in run.run.mounts):
            continue
        for command in run.commands:
            folder, verbs = _PLACES.get(command.name, ("", frozenset()))
            verb = next((word.text for word in command.args if not word.text.startswith("-")), "")
            if verb in verbs:
                mount = f"type=cache,target={folder}"
                message = f"{command.name} downloads all of it anew"
                yield Finding(message, command.span, f"--mount={mount}", fix=with_mount(run, mount))
                break


RULE = Rule(
    "DFC304",
    "no-cache-mount",
    "Packages are downloaded without a cache mount",
    OFF,
    check,
    bad="FROM python:3.13\nRUN pip install --no-cache-dir requests==2.32.3\n",
    good="FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache/pip pip install requests==2.32.3\n",
)
