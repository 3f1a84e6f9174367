"""COPY's `--from`, or a mount's `from`, names no stage, though nearly: it is misspelt, or the stage stands further down.

What is no stage above is taken for an image, which is then looked for in a registry: the build fails, or takes a stranger's image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import did_you_mean
from dockerfile_frontend.instructions.model import Copy, Run
from dockerfile_frontend.lint.mend import rewritten, text_at
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.stages import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


def check(file: LintFile) -> Iterator[Finding]:
    for step, kind in file.each(Copy, Run):
        stage = step.stage
        if stage is None:
            continue
        above = [other.name for other in file.stages[: stage.index] if other.name]
        below = [other.name for other in file.stages[stage.index :] if other.name]
        for name in sources_of(kind):
            wanted = name.lower()
            if not wanted.isidentifier() or wanted in above or name in file.options.contexts:
                continue
            span = step.flag_span("from") if isinstance(kind, Copy) else step.text_span(f"from={name}")
            if wanted == stage.name:
                continue  # DL3023 says so
            if wanted in below:
                yield Finding(f"stage {name} stands further down, so this names an image", span, "move the stage up")
            elif near := did_you_mean(wanted, above):
                message = f"there is no stage {name}, so this names an image"
                text = text_at(file, span)
                fix = rewritten(file, span, f"{text.partition('=')[0]}={near}") if text.endswith(f"={name}") else None
                yield Finding(message, span, f"did you mean {near}?", fix=fix)


RULE = Rule(
    "DFC103",
    "copy-from-no-stage",
    "--from almost names a stage",
    WARNING,
    check,
    bad="FROM golang:1.25 AS build\nFROM debian:12\nCOPY --from=biuld /app /app\n",
    good="FROM golang:1.25 AS build\nFROM debian:12\nCOPY --from=build /app /app\n",
)
