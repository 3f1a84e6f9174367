"""An image is from a registry that is not trusted.

`trusted-registries` in the configuration lists those that are; without it all are. An entry may have * for a part:
`*.example.com`. An image without a registry is from docker.io, whose other names, such as index.docker.io, are the same. FROM,
COPY --from and the mounts of RUN are looked at; stages, scratch and named contexts are no images, and a name in which a variable
has no known value is not judged.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dockerfile_frontend.lint.model import ERROR, Finding, Rule, Settings
from dockerfile_frontend.lint.values import known_value
from dockerfile_frontend.semantics.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.source import Span


def check(file: LintFile) -> Iterator[Finding]:
    trusted = file.settings.trusted_registries
    if not trusted:
        return
    for stage in file.stages:
        if stage.parent is None:
            yield from _judge(file, stage.base, trusted, stage.head.arg_span(0))
        for step, name in stage.external:
            if not name.isdecimal():
                image = known_value(file, step, name)
                yield from _judge(file, image, trusted, step.text_span(name, step.node.places[0][1]))


def _judge(file: LintFile, image: str, trusted: tuple[str, ...], span: Span) -> Iterator[Finding]:
    if not image or image.lower() == SCRATCH or image in file.options.contexts:
        return
    registry = registry_of(image)
    if "$" not in registry and not any(fnmatchcase(registry, _domain(entry)) for entry in trusted):
        yield Finding(f"{registry} is no trusted registry", span, f"trusted are {', '.join(trusted)}")


def registry_of(image: str) -> str:
    """The host that an image comes from, in lower case, with its port."""
    first, slash, _ = image.partition("/")
    if not slash or not (set(".:$") & set(first) or first == "localhost"):
        return "$" if "$" in first and not slash else _DOCKER
    return _domain(first)


def _domain(name: str) -> str:
    lower = name.lower()
    return _DOCKER if lower in _ALIASES else lower


_DOCKER = "docker.io"
_ALIASES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


RULE = Rule(
    "DL3026",
    "trusted-registry",
    "An image is from a registry that is not trusted",
    ERROR,
    check,
    bad="FROM quay.io/x/y:1\n",
    good="FROM debian:12\n",
    settings=Settings(trusted_registries=("docker.io",)),
    url="https://github.com/hadolint/hadolint/wiki/DL3026",
)
