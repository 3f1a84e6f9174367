"""Whoever can write to the daemon's socket is root on the host; an image should not ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Volume
from dockerfile_frontend.lint.model import WARNING, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, volume in file.each(Volume):
        for number, path in enumerate(volume.volumes):
            if path.rstrip("/").endswith(("/docker.sock", "/containerd.sock", "/podman.sock")):
                span = step.arg_span(0 if step.node.json else number)
                yield Finding(f"{path} makes a container the host's root", span, "leave it to who runs the container")


RULE = Rule(
    "DFC206",
    "docker-socket",
    "The Docker daemon's socket is a volume",
    WARNING,
    check,
    bad="FROM docker:27\nVOLUME /var/run/docker.sock\n",
    good="FROM docker:27\nVOLUME /data\n",
)
