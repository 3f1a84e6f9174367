"""Fixes of the kinds that several rules have, made of a finding's place.

    with_option(file, word, "-y")      RUN apt-get install curl   ──▶   RUN apt-get install -y curl
    at_end(file, run, "apt-get clean") RUN apt-get update         ──▶   RUN apt-get update && apt-get clean

Each is None where the text is not as simple as it would have to be.
"""

from __future__ import annotations

import json
import re
from posixpath import normpath
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.lint.edits import inserted, inserted_behind, replaced_text, without_instruction, without_lines
from dockerfile_frontend.lint.model import Fix
from dockerfile_frontend.lint.stages import expanded
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.parser import parse_tree

if TYPE_CHECKING:
    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.model import Edit
    from dockerfile_frontend.lint.shell import Word
    from dockerfile_frontend.lint.steps import Step

AUTHORS = "org.opencontainers.image.authors"


def line_at(file: LintFile, number: int) -> str:
    """A line without its end; empty behind the last."""
    lines = _lines(file)
    return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


def text_at(file: LintFile, span: Span) -> str:
    """What stands there; empty for a span of several lines."""
    if span.line != span.end_line or not span.column:
        return ""
    return _lines(file)[span.line - 1][span.column - 1 : span.end_column - 1] if span.line <= len(_lines(file)) else ""


def _lines(file: LintFile) -> list[str]:
    return file.once("lines", lambda: file.source.text.split("\n"))


def rewritten(file: LintFile, span: Span, text: str, *, safe: bool = False, history: bool = False) -> Fix | None:
    """Another text in place of one that stands on one line."""
    old = text_at(file, span)
    if not old or old == text:
        return None
    return Fix(f"write {text}" if text else f"leave {old.strip()} out", (replaced_text(span, text),), safe, history)


def join_path(folder: str, path: str) -> str:
    """An absolute path; of no folder, below the root."""
    return "/" + normpath(f"/{folder}/{path}").lstrip("/")


def lowered(file: LintFile, span: Span) -> Fix | None:
    return rewritten(file, span, text_at(file, span).lower(), safe=True)


def without_flag(file: LintFile, step: Step, name: str, number: int = 0, *, safe: bool = False) -> Fix | None:
    """The flag left out, and the blanks behind it; of several of one name, say which."""
    span = step.flag_span(name, number)
    text = text_at(file, span)
    if not text.startswith(f"--{name}"):
        return None
    rest = _lines(file)[span.line - 1][span.end_column - 1 :]
    blanks = len(rest) - len(rest.lstrip(" \t"))
    if not blanks:
        return None
    whole = Span(span.line, span.column, span.line, span.end_column + blanks)
    return Fix(f"leave {text} out", (replaced_text(whole, ""),), safe)


def without_step(file: LintFile, step: Step, description: str, *, safe: bool = False) -> Fix | None:
    """An instruction taken away, in whole lines; not where a comment below it would become a directive."""
    if step.onbuild is not None or (step.index == 0 and _may_be_directive(file, step.node.end + 1)):
        return None
    return Fix(description, (without_instruction(step),), safe)


def without_comment(file: LintFile, line: int, *, safe: bool) -> Fix | None:
    """A comment's line taken away; not where the one below it would become a directive."""
    if _may_be_directive(file, line + 1):
        return None
    return Fix("remove the comment", (without_lines(line, line),), safe)


def _may_be_directive(file: LintFile, line: int) -> bool:
    """Whether only empty lines and comments stand above the line, and it reads # name=value."""
    lines = _lines(file)
    above = lines[: line - 2]
    return (
        line <= len(lines)
        and re.match(r"\s*#\s*\w+\s*=", lines[line - 1]) is not None
        and all(not text.strip() or text.lstrip().startswith("#") for text in above)
    )


def without_word(file: LintFile, word: Word) -> Fix | None:
    """An option that stands for itself left out, with the blank before it."""
    span = word.span
    before = Span(span.line, span.column - 1, span.line, span.column)
    if text_at(file, span) != word.text or span.column < 2 or not text_at(file, before).isspace():  # noqa: PLR2004  there is a blank
        return None
    whole = Span(span.line, span.column - 1, span.line, span.end_column)
    return Fix(f"leave {word.text} out", (replaced_text(whole, ""),))


def with_option(file: LintFile, word: Word, option: str) -> Fix | None:
    """An option behind a word of a command."""
    if text_at(file, word.span) != word.text:
        return None
    return Fix(f"add {option}", (inserted_behind(word.span, f" {option}"),))


def with_word(file: LintFile, word: Word, text: str) -> Fix | None:
    """Another word of a command in place of one."""
    return rewritten(file, word.span, text) if text_at(file, word.span) == word.text else None


def at_end(file: LintFile, run: RunCommands, command: str) -> Fix | None:
    """A command at the end of a RUN whose commands are all joined with &&."""
    step = run.step
    text = step.node.line.text
    plain = not step.node.heredocs and not step.node.json and len(run.scripts) == 1 and step.onbuild is None
    if not plain or run.scripts[0].faulty or re.search(r"[|;&()#{]\s*\Z", text):
        return None
    if any(found.joined not in ("", "&&") for found in run.scripts[0].commands) or re.search(r"[|#]|\bfor\b", text):
        return None
    span = step.span
    if span.line == span.end_line:
        return Fix(f"add {command}", (inserted_behind(span, f" && {command}"),))
    last = _lines(file)[span.end_line - 1]
    indent = re.match(r"[ \t]*", last)
    begin = f" {file.escape}\n{indent[0] if indent else ''}"
    return Fix(f"add {command}", (inserted_behind(span, f"{begin}&& {command}"),))


def as_label(file: LintFile, step: Step) -> Fix | None:
    """MAINTAINER as a label."""
    value = text_at(file, step.arg_span(0)).strip()
    if not value or step.node.line.span.line != step.node.line.span.end_line:
        return None
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    escape = file.escape
    for char in (escape, '"', "$"):
        value = value.replace(char, f"{escape}{char}")
    keyword = "LABEL" if step.node.keyword.isupper() else "label"
    return Fix(f"write {keyword} {AUTHORS}=…", (replaced_text(step.span, f'{keyword} {AUTHORS}="{value}"'),))


def with_sign(file: LintFile, step: Step) -> Fix | None:
    """name=value in place of name value."""
    node = step.node
    if len(node.places) != 3 or len(node.args) != 3:  # noqa: PLR2004  keyword, name, value
        return None
    name, value = node.span_of(0), node.span_of(1)
    gap = Span(name.end_line, name.end_column, value.line, value.column)
    if not text_at(file, gap).isspace():
        return None
    quoted = _quoted_like(node.keyword, node.args[0], node.args[1], file.escape)
    if quoted is None:
        return None
    edits = [replaced_text(gap, f"={quoted}"), *([inserted_behind(value, quoted)] if quoted else [])]
    return Fix(f"write {node.args[0]}={quoted}…{quoted}", tuple(edits), safe=True)


def _quoted_like(keyword: str, name: str, value: str, escape: str) -> str | None:
    """The quotes with which the value of the old form means the same behind a sign; None when none do."""
    if re.fullmatch(r"[\w./:,+-]+(?: [\w./:,+-]+)*", value):
        return '"' if " " in value else ""
    probe = {found: f"<{found}>" for found in re.findall(r"\$\{?(\w+)", value)}
    wanted = expanded(value, probe, escape)
    for mark in ("", '"', "'"):
        if mark and mark in value:
            continue  # right, perhaps, but not to be read
        try:
            (node,) = parse_tree(f"# escape={escape}\n{keyword} {name}={mark}{value}{mark}\n".encode()).nodes
        except (DockerfileError, ValueError):
            continue
        if len(node.args) == 3 and node.args[0] == name and expanded(node.args[1], probe, escape) == wanted:  # noqa: PLR2004
            return mark
    return None


def as_array(file: LintFile, step: Step) -> Fix | None:
    """CMD or ENTRYPOINT in JSON form, where its words are plain and no shell is needed to run them."""
    if step.onbuild is not None or step.node.json or len(step.node.places) < 2:  # noqa: PLR2004  keyword, text
        return None
    span = step.node.span_of(0)
    text = text_at(file, span)
    if not re.fullmatch(r"[\w./:=@%+,-]+(?: +[\w./:=@%+,-]+)*", text) or re.match(r"\w+=|\[|exec\b", text):
        return None
    words = text.split()
    if words[0] in _BUILTINS:
        return None
    return Fix("write it as a JSON array", (replaced_text(span, json.dumps(words, ensure_ascii=False)),))


_BUILTINS = frozenset(
    {"cd", "source", ".", "export", "set", "eval", "ulimit", "umask", "wait", "trap", "shift", "return", "if", "for"}
)


def without_blank_lines(file: LintFile, step: Step) -> Fix | None:
    """Empty lines inside a continued instruction taken away."""
    node = step.node
    numbers = [n for n in range(node.line.start, node.line.end + 1) if not _lines(file)[n - 1].strip()]
    edits: list[tuple[int, int]] = []
    for number in numbers:
        if edits and edits[-1][1] == number - 1:
            edits[-1] = (edits[-1][0], number)
        else:
            edits.append((number, number))
    made = tuple(replaced_text(Span(first, 1, last + 1, 1), "") for first, last in edits)
    return Fix("remove the empty lines", made, safe=True) if made else None


def without_pair(file: LintFile, step: Step, number: int) -> Fix | None:
    """A pair of a LABEL left out that a later one replaces: with the blanks behind it, or with its line if it has one for itself."""
    span, after = step.arg_span(number), step.arg_span(number + 1)
    text = text_at(file, span)
    if not text:
        return None
    if after.line == span.line:
        edit = replaced_text(Span(span.line, span.column, span.line, after.column), "")
    elif after.line == span.line + 1 and not line_at(file, span.line)[: span.column - 1].strip():
        edit = without_lines(span.line, span.line)
    else:
        return None
    return Fix(f"leave {text} out", (edit,), safe=True, history=True)


def inserted_line(file: LintFile, step: Step, text: str) -> Fix | None:
    """A line of its own above an instruction."""
    edit = above(file, step, text)
    return Fix(f"add {text}", (edit,)) if edit else None


def above(file: LintFile, step: Step, text: str) -> Edit | None:
    """A line above an instruction, and above the comments right above that which switch rules off there."""
    if step.onbuild is not None:
        return None
    first = file.all_steps[step.index - 1].node.end + 1 if step.index else 1
    number = place = step.node.start
    while number > first and line_at(file, number - 1).lstrip().startswith("#"):
        number -= 1
        if _SWITCHES_OFF.match(line_at(file, number)):
            place = number
    return inserted(place, 1, f"{text}\n")


_SWITCHES_OFF = re.compile(r"\s*#\s*(?:hadolint|dfc|check)\b")
