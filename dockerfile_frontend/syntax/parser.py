r"""Bytes to tree: each instruction becomes a node, with its flags and arguments split off and its heredocs read.

    b"FROM alpine\nRUN --network=none make"  ──▶  Tree(nodes (FROM alpine, RUN make))

`grammar/dockerfile.lark` says what there is to read. What an instruction means, and whether it exists, is decided later.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.source import Span
from dockerfile_frontend.syntax.directives import read_header
from dockerfile_frontend.syntax.grammars import ESCAPES, Parser
from dockerfile_frontend.syntax.lines import BYTE_ORDER_MARK, LinePatterns, LineReader, compile_lines
from dockerfile_frontend.syntax.tree import FlagText, Node, Tree

if TYPE_CHECKING:
    from dockerfile_frontend.syntax.grammars import Piece
    from dockerfile_frontend.syntax.lexer import DockerfileLexer
    from dockerfile_frontend.syntax.lines import LogicalLine


MAX_BYTES = 16 << 20
"""Of a Dockerfile: as much as the reference reads, which is a gRPC message."""


def parse_tree(data: bytes) -> Tree:
    """The syntax tree of a Dockerfile. Raises DockerfileError, with the reference's message."""
    if len(data) > MAX_BYTES:
        raise DockerfileError(f"Dockerfile exceeds maximum allowed size of {MAX_BYTES} bytes", code="too-large")
    text = data.decode("latin-1")  # bytes as characters: the grammar reads bytes
    start = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    header = read_header(text, start)
    parser, lexer, patterns = _load(header.escape)
    reader = LineReader(text, header.end, len(header.directives), patterns)
    nodes: tuple[Node, ...] = parser.parse_tokens("dockerfile", partial(lexer.lex, reader))
    if not nodes:
        raise DockerfileError("file with no instructions", Span(max(1, reader.number)), code="empty")
    reader.check_end()
    return Tree(nodes, header.escape, header.directives)


@cache
def _load(escape: str) -> tuple[Parser, DockerfileLexer, LinePatterns]:
    from dockerfile_frontend.syntax.lexer import DockerfileLexer  # noqa: PLC0415  not for a file without an instruction

    check_python()
    parser = Parser(ESCAPES[escape], _Nodes(escape))
    patterns = parser.terminals
    return parser, DockerfileLexer(parser), compile_lines(patterns["COMMENTS"], patterns["CONTINUATION"])


def check_python() -> None:
    """Refuse a Python that would misread a Dockerfile: until 3.11.4, possessive patterns may end in the wrong place (gh-106052).

    Raises DockerfileError.
    """
    found = re.match("(?:ab?c)*+", "aca")
    if found is None or found[0] != "ac":
        message = "this Python's re module has the fault gh-106052, by which Dockerfiles are misread"
        raise DockerfileError(
            message, code="python", hint="Python 3.11.5, or your distribution's newest 3.11, is without it"
        )


class _Nodes:
    """What the rules of `grammar/dockerfile.lark` are reduced to, a method each."""

    def __init__(self, escape: str) -> None:
        self._escape = escape

    def dockerfile(self, nodes: list[Node]) -> tuple[Node, ...]:
        return tuple(nodes)

    def instruction(self, pieces: list[Piece]) -> Node:
        keyword, *rest = pieces
        line: LogicalLine = keyword.found
        flags = self._take_flags(rest)
        args, json = _take_arguments(keyword, rest)
        places = tuple([(piece.start_pos, piece.end_pos) for piece in (keyword, *rest)])
        return Node(str(keyword), line, flags, args, json, (), None, places)

    document = instruction

    def with_heredocs(self, parts: list[Any]) -> Node:
        node: Node = parts[0]
        heredocs: list[Piece] = parts[1:]
        return replace(node, heredocs=tuple([piece.found for piece in heredocs]))

    def onbuild(self, parts: list[Any]) -> Node:
        node, trigger, heredocs = self._split_onbuild(parts)
        if trigger is None:
            return node
        return replace(
            node,
            args=(trigger.keyword, *trigger.args),
            heredocs=tuple([piece.found for piece in heredocs]),
            trigger=trigger,
            places=node.places + trigger.places,
        )

    def nested(self, parts: list[Any]) -> Node:
        """An ONBUILD in another: that it is one is all that is ever asked."""
        return self._split_onbuild(parts)[0]

    def _split_onbuild(self, parts: list[Any]) -> tuple[Node, Node | None, list[Piece]]:
        keyword, *rest = parts
        flags = self._take_flags(rest)
        node = Node(str(keyword), keyword.found, flags, places=((keyword.start_pos, keyword.end_pos),))
        return node, rest[0] if rest else None, rest[1:]

    def _take_flags(self, pieces: list[Any]) -> tuple[FlagText, ...]:
        """Flags, off the front of `pieces`."""
        count = 0
        while count < len(pieces) and getattr(pieces[count], "type", "") == "FLAG":
            count += 1
        if not count:
            return ()
        flags = tuple([self._flag(piece) for piece in pieces[:count]])
        del pieces[:count]
        return flags if flags[-1].text != "--" else flags[:-1]  # at the line's end it is no flag

    def _flag(self, piece: Piece) -> FlagText:
        text = str(piece)
        if self._escape in text or '"' in text or "'" in text:
            text = _unquote(text, self._escape)
        return FlagText(text, piece.start_pos, piece.end_pos)


def _take_arguments(keyword: Piece, pieces: list[Piece]) -> tuple[tuple[str, ...], bool]:
    """Arguments, and whether they are in JSON form. Raises DockerfileError for pairs that are none."""
    args: list[str] = []
    json = False
    for piece in pieces:
        kind = piece.type
        if kind == "PAIR":
            name, _, value = piece.partition("=")
            args += (name, value, "=")
        elif kind == "VALUE":
            args += (str(piece), "")
        elif kind == "ARRAY":
            args += piece.found
            json = True
        elif kind == "STRAY":
            message = f"Syntax error - can't find = in {quote(piece)}. Must be of the form: name=value"
            raise DockerfileError(message, keyword.found.span_of(piece.start_pos, piece.end_pos), code="key-value")
        else:
            args.append(str(piece))
    if pieces and pieces[-1].type == "NAME":
        raise DockerfileError(f"{keyword.upper()} must have two arguments", keyword.found.span, code="key-value")
    return tuple(args), json


def _unquote(text: str, escape: str) -> str:
    """A flag without its quotes and escapes; inside quotes the other quote is a character."""
    out, mark = [], ""
    chars = iter(text)
    for char in chars:
        if char == escape:
            out.append(next(chars, ""))
        elif mark and char == mark:
            mark = ""
        elif not mark and char in "\"'":
            mark = char
        else:
            out.append(char)
    return "".join(out)
