"""RUN mounts a secret at its usual place, /run/secrets/ID, and nothing that it runs names that file.

Said only where all programs are ones that do not look there by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.lint.commands import runs
from dockerfile_frontend.lint.mend import without_flag
from dockerfile_frontend.lint.model import INFO, Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


_PLAIN = frozenset(
    """
    apk apt apt-get cat cd chmod chown cp curl dnf echo export false git ln ls mkdir mv printf rm sed set sh tar test touch true unzip
    useradd usermod wget yum
    """.split(),  # noqa: SIM905  reads better than a quote a word
)


def check(file: LintFile) -> Iterator[Finding]:
    if "type=secret" not in file.source.text:
        return
    for run in runs(file):
        names = {command.name for command in run.commands}
        if not names or not names <= _PLAIN or run.step.node.heredocs:
            continue
        for number, mount in enumerate(run.run.mounts):
            options = dict(option.partition("=")[::2] for option in mount.split(","))
            name = options.get("id", "")
            if options.get("type") != "secret" or not name or not options.keys().isdisjoint(_ELSEWHERE):
                continue
            begin = run.step.node.places[min(1, len(run.step.node.places) - 1)][0]
            if name not in run.step.node.line.text[begin:] and "/run/secrets" not in run.step.node.line.text[begin:]:
                yield Finding(
                    f"nothing here reads /run/secrets/{name}",
                    run.step.flag_span("mount", number),
                    "use it, or remove the mount",
                    fix=without_flag(file, run.step, "mount", number),
                )


_ELSEWHERE = frozenset({"target", "dst", "destination", "env", "source", "src"})


RULE = Rule(
    "DFC207",
    "secret-mount-unused",
    "A secret is mounted and not read",
    INFO,
    check,
    bad="FROM alpine:3.20\nRUN --mount=type=secret,id=token wget -q https://example.com/a\n",
    good='FROM alpine:3.20\nRUN --mount=type=secret,id=token wget -q --header="$(cat /run/secrets/token)" https://example.com/a\n',
)
