"""The shell commands of a RUN, wherever they stand: in its text, its JSON form, its documents.

    RUN <<EOF bash                      Script(shell ("bash",), ...): the document is what bash reads
    RUN <<EOF                           Script(shell ("/bin/sh",) ...), or what its first line, #!/usr/bin/env bash, says
    RUN ["sh", "-c", "apt-get update"]  Script((), sh), and inside it Script(("sh", "-c"), apt-get update)

Nothing is read where the shell is none whose words are known: cmd, PowerShell, Python.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from posixpath import basename
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Run
from dockerfile_frontend.lint.shell import SHELLS, Script, Word, read_script, words_script
from dockerfile_frontend.source import Span
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command, Place
    from dockerfile_frontend.lint.steps import Step
    from dockerfile_frontend.syntax.tree import Heredoc


class RunCommands(Record):
    """A RUN, and what it runs."""

    step: Step
    run: Run
    scripts: tuple[Script, ...]
    """Those inside others among them."""

    @property
    def commands(self) -> Iterator[Command]:
        """All commands, in order within each script."""
        for script in self.scripts:
            yield from script.commands


def runs(file: LintFile) -> tuple[RunCommands, ...]:
    """Every RUN of the file, those behind ONBUILD among them, with its commands; read once a file."""
    return file.once(runs, lambda: tuple([_read(step, run, file) for step, run in file.each(Run)]))


def each_command(file: LintFile, *names: str) -> Iterator[tuple[RunCommands, Command]]:
    """Every command of these names."""
    by_name = file.once(each_command, lambda: _by_name(runs(file)))
    found = [entry for name in names for entry in by_name.get(name, ())]
    for _, run, command in sorted(found, key=lambda entry: entry[0]) if len(names) > 1 else found:
        yield run, command


def run_of(file: LintFile, command: Command) -> RunCommands | None:
    """The RUN that a command stands in."""
    return file.once(run_of, lambda: {id(one): run for run in runs(file) for one in run.commands}).get(id(command))


def _by_name(all_runs: tuple[RunCommands, ...]) -> dict[str, list[tuple[int, RunCommands, Command]]]:
    found: dict[str, list[tuple[int, RunCommands, Command]]] = {}
    number = 0
    for run in all_runs:
        for command in run.commands:
            found.setdefault(command.name, []).append((number, run, command))
            number += 1
    return found


def _read(step: Step, run: Run, file: LintFile) -> RunCommands:
    shell = known_shell(step, file)
    if run.shell and shell is None:
        return RunCommands(step, run, ())
    scripts = _shell_form(step, shell or ()) if run.shell else _json_form(step, run)
    return RunCommands(step, run, tuple([inner for script in scripts for inner in script.all()]))


def known_shell(step: Step, file: LintFile) -> tuple[str, ...] | None:
    """What SHELL says, if its words can be read: its name without folders, and its options. () is the system's own."""
    shell = step.before.shell
    if not shell:
        return None if step.before.windows or _for_windows(step, file) else ()
    for number, word in enumerate(shell):
        name = basename(word)
        if name in SHELLS:
            return (name, *shell[number + 1 :])
        if name != "env" and number == 0:
            return None
    return None


def _for_windows(step: Step, file: LintFile) -> bool:
    """Whether the stage is for Windows, as far as a file tells without its base image.

    The image's name says so, or it is not known and the file has the escape character of Windows.
    """
    stage = step.stage
    while stage is not None and stage.parent is not None:
        stage = file.stages[stage.parent]
    base = stage.base.lower() if stage else ""
    return any(name in base for name in ("windows", "nanoserver", "servercore")) or (file.escape == "`" and "$" in base)


def _json_form(step: Step, run: Run) -> list[Script]:
    if not run.words:
        return []
    span = step.arg_span(0)
    begin = step.node.places[min(1, len(step.node.places) - 1)][0]
    words = []
    for text in run.words:
        found = step.text_span(f'"{text}"', begin)
        words.append(Word(text, span if found == step.span else found))
    return [words_script(words, span)]


def _shell_form(step: Step, shell: tuple[str, ...]) -> list[Script]:
    node = step.node
    line = node.line
    begin = node.places[1][0] if len(node.places) > 1 else len(line.text)
    text = line.text[begin:]
    text, openers = _blank_openers(text, node.heredocs)
    head = read_script(text.encode("latin-1"), lambda start, end: line.span_of(begin + start, begin + end), shell)
    bodies = []
    above = line.end
    for heredoc, at in zip(node.heredocs, openers, strict=True):
        runs_it = _interpreter(heredoc, head, shell, line.span_of(begin + at, begin + at + 1))
        if runs_it is not None:
            bodies.append(
                read_script(heredoc.content.encode("utf-8", "surrogateescape"), _below(heredoc, above), runs_it)
            )
        above = heredoc.end
    return [head, *bodies] if head.commands else bodies


def _blank_openers(text: str, heredocs: tuple[Heredoc, ...]) -> tuple[str, list[int]]:
    """The text with blanks in place of what opens documents, and where those stood."""
    openers, at = [], 0
    for heredoc in heredocs:
        name = re.escape(heredoc.name.encode("utf-8", "surrogateescape").decode("latin-1"))
        found = re.compile(rf"\d*<<-?\s*['\"\\]?{name}['\"]?").search(text, at)
        if found is None:
            openers.append(at)
            continue
        text = text[: found.start()] + " " * len(found[0]) + text[found.end() :]
        openers.append(found.start())
        at = found.end()
    return text, openers


def _interpreter(heredoc: Heredoc, head: Script, shell: tuple[str, ...], at: Span) -> tuple[str, ...] | None:
    """The shell that runs a document, None where it is data, or a script that cannot be read here."""
    if not head.commands:
        return _shebang(heredoc.content, shell)
    place = (at.line, at.column)
    before = [command for command in head.commands if (command.span.line, command.span.column) <= place]
    command = before[-1] if before else head.commands[0]
    if command.name in SHELLS and not command.plain:
        return (command.name, *[word.text for word in command.args])
    return None


def _shebang(content: str, shell: tuple[str, ...]) -> tuple[str, ...] | None:
    if not content.startswith("#!"):
        return shell
    words = content[2:].partition("\n")[0].split()
    for number, word in enumerate(words):
        if basename(word) in SHELLS:
            return (basename(word), *words[number + 1 :])
    return None


def _below(heredoc: Heredoc, above: int) -> Place:
    """Places in a document that begins on the line below `above`."""
    data = heredoc.content.encode("utf-8", "surrogateescape")
    ends = [found.end() for found in re.finditer(rb"\n", data)]
    starts = [0, *ends]

    def at(offset: int) -> tuple[int, int]:
        number = bisect_right(starts, offset) - 1
        column = len(data[starts[number] : offset].decode("utf-8", "surrogateescape"))
        return above + 1 + number, column + 1

    def place(start: int, end: int) -> Span:
        return Span(*at(start), *at(end))

    return place
