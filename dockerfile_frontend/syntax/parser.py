r"""Bytes to tree: each logical line becomes a node, with its flags and arguments split off and its heredocs read.

    b"FROM alpine\nRUN --network=none make"  ──▶  Tree(nodes (FROM alpine, RUN make))

What an instruction means, and whether it exists, is decided later.
"""

from __future__ import annotations

import re
from typing import Any

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import trim_space
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.arguments import ARGUMENTS, Arguments
from dockerfile_frontend.syntax.grammars import parse
from dockerfile_frontend.syntax.heredocs import find_heredocs, read_heredoc
from dockerfile_frontend.syntax.lines import LineReader, LogicalLine
from dockerfile_frontend.syntax.tree import FlagText, Heredoc, Node, Tree
from dockerfile_frontend.syntax.words import WordError

HEREDOC_INSTRUCTIONS = frozenset({"add", "copy", "run"})



def parse_tree(data: bytes) -> Tree:
    """The syntax tree of a Dockerfile. Raises DockerfileError, with the reference's message."""
    reader = LineReader(data)
    nodes: list[Node] = []
    while (line := reader.next_line()) is not None:
        try:
            nodes.append(_parse_node(line, reader))
        except DockerfileError as error:
            raise error.at(line.span(0, len(line.text))) from None
    if not nodes:
        raise DockerfileError("file with no instructions", Span(max(1, reader.number)), code="empty")
    reader.check_end()
    return Tree(tuple(nodes), reader.escape, tuple(reader.directives))


DEEPEST = 16
"""ONBUILDs behind each other that are looked into. The second is refused already, for what it is."""


def _parse_node(line: LogicalLine, reader: LineReader) -> Node:
    node = _split_line(line, line.text, 0, reader.escape)
    heredocs: tuple[Heredoc, ...] = ()
    if "<<" in line.text and _may_hold_heredoc(node):
        try:
            found = find_heredocs(line)
        except WordError as error:
            raise DockerfileError(str(error), code="heredoc") from None
        heredocs = tuple(read_heredoc(heredoc, line, reader) for heredoc in found)
    return Node(
        node.keyword,
        line,
        node.flags,
        node.args,
        node.json,
        heredocs,
        line.start,
        max(line.end, reader.number),
        node.trigger,
    )


def _split_line(line: LogicalLine, text: str, offset: int, escape: str, depth: int = 0) -> Node:
    """Keyword, flags and arguments of `text`, which begins at `offset` of the logical line."""
    trimmed = trim_space(text)
    if not trimmed:
        return Node("", line)
    offset += text.index(trimmed)
    keyword, flags, rest = _split_flags(trimmed, offset, escape)
    kind = keyword.lower()
    if kind == "onbuild":
        if not rest or depth == DEEPEST:
            return Node(keyword, line, flags, (rest,) if rest else ())
        trigger = _split_line(line, rest, offset + trimmed.rindex(rest), escape, depth + 1)
        return Node(keyword, line, flags, (trigger.keyword, *trigger.args), trigger=trigger)
    split = ARGUMENTS.get(kind)
    found = split(rest, escape) if split else Arguments()
    return Node(keyword, line, flags, found.args, found.json)


def _split_flags(text: str, offset: int, escape: str) -> tuple[str, tuple[FlagText, ...], str]:
    if "--" not in text:
        keyword, *rest = _GAP.split(text, maxsplit=1)
        return keyword, (), trim_space(rest[0]) if rest else ""
    as_bytes = not text.isascii() and _FLAGS_BEGIN.match(text) is not None
    if as_bytes:  # the reference reads flags byte by byte, so every other byte becomes a character of its own
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    keyword, *more = parse("instruction", text, escape).children
    flags, *rest = more or [None]
    texts = tuple(_flag(token, offset, escape) for token in (flags.children if flags else ()))
    found = str(rest[0]) if rest else ""
    if as_bytes:
        keyword, found = (part.encode("latin-1").decode("utf-8", "surrogateescape") for part in (str(keyword), found))
    return str(keyword), texts, trim_space(found)


_GAP = re.compile(r"[\t\v\f\r ]+")
_FLAGS_BEGIN = re.compile(r"[^\t\v\f\r ]+[\t\v\f\r ]+--")


def _flag(token: Any, offset: int, escape: str) -> FlagText:  # noqa: ANN401 - lark.Token, loaded with the grammar
    start = offset + (token.start_pos or 0)
    text = str(token)
    if escape in text or '"' in text or "'" in text:
        text = _unquote(text, escape)
    return FlagText(text, start, start + len(token))


def _unquote(text: str, escape: str) -> str:
    """A flag without its quotes and escapes; inside quotes the other quote is a character."""
    out, quote = [], ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == escape:
            at += 1
            out.append(text[at : at + 1])
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        else:
            out.append(char)
        at += 1
    return "".join(out)


def _may_hold_heredoc(node: Node) -> bool:
    inner = node.trigger or node
    return inner.keyword.lower() in HEREDOC_INSTRUCTIONS and not inner.json
