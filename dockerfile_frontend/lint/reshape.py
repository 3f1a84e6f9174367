r"""Fixes that join instructions, part them, or put one above another. None of them is safe: what is built is another graph.

    joined(file, first, second)          RUN a⏎RUN b             ──▶   RUN a \⏎    && b
    begun_in(file, run, command)         RUN cd /src && make     ──▶   WORKDIR /src⏎RUN make
    with_pipefail(file, run)             RUN a | b               ──▶   SHELL ["/bin/bash", "-o", "pipefail", "-c"]⏎RUN a | b

Each is None where the text is not as simple as it would have to be.
"""

from __future__ import annotations

import json
import re
from posixpath import basename
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions import model as m
from dockerfile_frontend.lint.edits import inserted, inserted_behind, replaced_text
from dockerfile_frontend.lint.mend import above, inserted_line, join_path, line_at, text_at
from dockerfile_frontend.lint.model import Fix
from dockerfile_frontend.source import Span

if TYPE_CHECKING:
    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Edit
    from dockerfile_frontend.lint.shell import Command
    from dockerfile_frontend.lint.steps import Step

_STAYS = frozenset(
    {"cd", "export", "set", "unset", "source", ".", "exec", "exit", "eval", "umask", "ulimit", "alias", "shopt", "trap", "read"}
)
"""Commands whose effect ends with their RUN, and would not if another were joined to it."""
_PIPEFAIL = frozenset({"ash", "bash", "ksh", "mksh", "zsh"})
"""Shells that know -o pipefail."""


def joined(file: LintFile, first: RunCommands, second: RunCommands) -> Fix | None:
    """A RUN as the end of the one right above it, where each is commands joined with && and the first leaves nothing behind."""
    before, step = first.step, second.step
    if step.node.start != before.node.end + 1 or not (_is_plain(first) and _is_plain(second)):
        return None
    line = above(file, before, "")
    if line is None or line.span.line != before.node.start:  # a comment switches rules off, which would hold for both
        return None
    if any(command.name in _STAYS or not command.words[0].fixed for command in first.commands):
        return None
    keyword, text = step.keyword_span, step.arg_span(0)
    if keyword.line != text.line:
        return None
    head = Span(keyword.line, keyword.column, text.line, text.column)
    edits = (inserted_behind(before.span, f" {file.escape}"), replaced_text(head, "    && "))
    return Fix("join it to the RUN above", edits)


def _is_plain(run: RunCommands) -> bool:
    """Shell form, with nothing in it but commands joined with &&."""
    node = run.step.node
    if run.step.onbuild is not None or not run.run.shell or node.heredocs or len(run.scripts) != 1 or run.scripts[0].faulty:
        return False
    begin = node.places[min(1, len(node.places) - 1)][0]
    text = node.line.text[begin:].replace("&&", "")
    return not re.search(r"[|;&#(){}<]", text) and all(found.joined in ("", "&&") for found in run.commands)


def begun_in(file: LintFile, run: RunCommands, command: Command) -> Fix | None:
    """WORKDIR in place of the cd that a RUN begins with, and another behind it where what follows would be somewhere else."""
    step = run.step
    stage = step.stage
    if stage is None or step.onbuild is not None or not run.run.shell or step.node.heredocs or not run.scripts:
        return None
    if run.scripts[0].commands[:1] != (command,) or len(command.args) != 1 or command.wrappers or "OLDPWD" in file.source.text:
        return None
    path = _folder(step, command)
    taken = _taken_away(file, command)
    if not path or not taken or any(word.text == "-" for other in run.commands for word in other.args if other.name == "cd"):
        return None
    ahead = above(file, step, f"WORKDIR {path}")
    back = _way_back(step)
    if ahead is None or back is None:
        return None
    behind = (inserted(step.node.end + 1, 1, f"WORKDIR {back}\n"),) if back else ()
    return Fix(f"begin with WORKDIR {path}", (ahead, *taken, *behind))


def _folder(step: Step, command: Command) -> str:
    """Where the cd goes, from the root; empty where that is not known."""
    word = command.args[0]
    if not word.fixed or not re.fullmatch(r"[\w./@+-]+", word.text) or word.text.startswith("-"):
        return ""
    if word.text.startswith("/"):
        return word.text
    at = step.before
    return join_path(at.workdir, word.text) if at.workdir.startswith("/") and "$" not in at.workdir else ""


def _taken_away(file: LintFile, command: Command) -> tuple[Edit, ...]:
    """The command and the && behind it, on its line or at the beginning of the next."""
    span = command.span
    if span.line != span.end_line:
        return ()
    rest = line_at(file, span.line)[span.end_column - 1 :]
    if found := re.match(r"[ \t]*&&[ \t]*", rest):
        return (replaced_text(Span(span.line, span.column, span.line, span.end_column + found.end()), ""),)
    found = re.match(r"([ \t]*)&&[ \t]*", line_at(file, span.line + 1))
    if rest.strip() != file.escape or found is None:
        return ()
    blanks = len(rest) - len(rest.lstrip())
    here = Span(span.line, span.column, span.line, span.end_column + blanks)
    there = Span(span.line + 1, found.end(1) + 1, span.line + 1, found.end() + 1)
    return (replaced_text(here, ""), replaced_text(there, ""))


def _way_back(step: Step) -> str | None:
    """The WORKDIR that what follows needs, empty where it needs none; None where it needs one that is not known."""
    stage = step.stage
    rest = [] if stage is None else stage.steps[stage.steps.index(step) + 1 :]
    for later in rest:
        found = later.instruction
        if isinstance(found, m.Workdir) and found.path.startswith("/"):
            return ""
        if not isinstance(found, (m.Arg, m.Env, m.Label, m.User, m.Expose, m.Maintainer, m.StopSignal, m.Volume)):
            break
    else:
        return step.before.workdir if _is_known(step) and stage is not None and stage.is_base else ""
    return step.before.workdir if _is_known(step) else None


def _is_known(step: Step) -> bool:
    return step.before.workdir.startswith("/") and "$" not in step.before.workdir


def with_pipefail(file: LintFile, run: RunCommands) -> Fix | None:
    """A SHELL above, with the shell that is in force as far as it knows the option."""
    step = run.step
    if not run.run.shell or step.before.windows:
        return None
    shell = step.before.shell or (f"/bin/{_shell_of_base(file, step)}", "-c")
    if basename(shell[0]) not in _PIPEFAIL or shell[-1] != "-c":
        return None
    text = f"SHELL {json.dumps([*shell[:-1], '-o', 'pipefail', '-c'])}"
    return inserted_line(file, step, text)


def _shell_of_base(file: LintFile, step: Step) -> str:
    """The shell of the image that the stage goes back to, by its name: BusyBox has ash."""
    stage = step.stage
    while stage is not None and stage.parent is not None:
        stage = file.stages[stage.parent]
    return "ash" if stage is not None and re.search(r"alpine|busybox", stage.base) else "bash"


def parted(file: LintFile, step: Step, number: int) -> Fix | None:
    """Pairs of an ENV from this one on in an ENV of their own."""
    pair = step.arg_span(number)
    if number < 1 or step.onbuild is not None or step.span.line != step.span.end_line:
        return None
    before = step.arg_span(number - 1)
    gap = Span(pair.line, before.end_column, pair.line, pair.column)
    if not text_at(file, gap).isspace():
        return None
    return Fix("use two ENV instructions", (replaced_text(gap, f"\n{step.node.keyword} "),))


def as_shell(file: LintFile, run: RunCommands, command: Command) -> Fix | None:
    """SHELL in place of a RUN that does nothing but replace /bin/sh."""
    step = run.step
    plain = [word.text for word in command.plain]
    if step.onbuild is not None or step.before.shell or len(list(run.commands)) != 1 or len(plain) != 2:  # noqa: PLR2004
        return None
    target, name = plain
    if name != "/bin/sh" or not re.fullmatch(r"(/[\w/.-]*/)?\w+", target) or step.span.line != step.span.end_line:
        return None
    if not text_at(file, step.span):
        return None
    text = f"SHELL {json.dumps([target if target.startswith('/') else f'/bin/{target}', '-c'])}"
    return Fix(f"write {text}", (replaced_text(step.span, text),))


def with_mount(run: RunCommands, mount: str) -> Fix | None:
    """A mount as the RUN's first flag."""
    if run.step.onbuild is not None:
        return None
    return Fix(f"add --mount={mount}", (inserted_behind(run.step.keyword_span, f" --mount={mount}"),))
