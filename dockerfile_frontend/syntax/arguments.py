"""How each instruction's arguments are split: a word, words, pairs, a JSON array or plain text.

    ENV A=1 "B C"=2       pairs    ("A", "1", "=", '"B C"', "2", "=")
    COPY ["a", "/b"]      json     ("a", "/b")
    RUN ["a", oops        text     ('["a", oops',)

`ARGUMENTS` has a row an instruction. Dockerfile reference: the form stated for each instruction.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import SPACES, quote, repair
from dockerfile_frontend.syntax.grammars import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GAP = re.compile(r"[\t\v\f\r ]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_SPACE = "\t\n\v\f\r \x85\xa0"


class Arguments(NamedTuple):
    """What an instruction was given."""

    args: tuple[str, ...] = ()
    json: bool = False


def split_list(rest: str, escape: str) -> Arguments:
    """Words between blanks; nothing escapes or quotes."""
    del escape
    return Arguments(tuple(_GAP.split(rest))) if rest else Arguments()


def split_text(rest: str, escape: str) -> Arguments:
    """All of it."""
    del escape
    return Arguments((rest,)) if rest else Arguments()


def split_words(rest: str, escape: str) -> Arguments:
    """Words between blanks, quotes kept."""
    if not rest:
        return Arguments()
    return Arguments(tuple(str(word) for word in parse("words", repair(rest), escape).children))


def split_json_or_text(rest: str, escape: str) -> Arguments:
    return parse_json(rest) or split_text(rest, escape)


def split_json_or_list(rest: str, escape: str) -> Arguments:
    return parse_json(rest) or split_list(rest, escape)


def split_health(rest: str, escape: str) -> Arguments:
    """A type, and a command in JSON form or as text."""
    size = next((i for i, c in enumerate(rest) if c in _BYTE_SPACE), len(rest))
    if not size:
        return Arguments()
    command = split_json_or_text(rest[size:].lstrip(_BYTE_SPACE), escape)
    return Arguments((rest[:size], *command.args), command.json)


def split_pairs(keyword: str) -> Callable[[str, str], Arguments]:
    """name=value ..., or the old form: name, then the rest as its value."""

    def split(rest: str, escape: str) -> Arguments:
        words = split_words(rest, escape).args
        if not words:
            return Arguments()
        if "=" not in words[0]:
            return _legacy_pair(rest, keyword)
        args: list[str] = []
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise DockerfileError(
                    f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value", code="key-value"
                )
            args += (name, value, "=")
        return Arguments(tuple(args))

    return split


def parse_json(rest: str) -> Arguments | None:
    """The strings of a JSON array; None when the text is no array. Raises DockerfileError for an array of other things."""
    text = rest.lstrip(SPACES)
    if not text.startswith("["):
        return None
    from lark import Token, UnexpectedInput  # noqa: PLC0415  loaded with the grammar

    try:
        array = parse("json", repair(text), "json").children[0]
    except UnexpectedInput:
        return None
    if not all(isinstance(item, Token) and item.type == "STRING" for item in array.children):
        raise DockerfileError(
            "when using JSON array syntax, arrays must be comprised of strings only", code="json-form"
        )
    return Arguments(tuple(_unquoted(str(item)) for item in array.children), json=True)


def _unquoted(literal: str) -> str:
    text: str = json.loads(literal)
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _legacy_pair(rest: str, keyword: str) -> Arguments:
    name, *value = _GAP.split(rest, maxsplit=1)
    if not value:
        raise DockerfileError(f"{keyword} must have two arguments", code="key-value")
    return Arguments((name, value[0], ""))


ARGUMENTS: Mapping[str, Callable[[str, str], Arguments]] = {
    "add": split_json_or_list,
    "arg": split_words,
    "cmd": split_json_or_text,
    "copy": split_json_or_list,
    "entrypoint": split_json_or_text,
    "env": split_pairs("ENV"),
    "expose": split_list,
    "from": split_list,
    "healthcheck": split_health,
    "label": split_pairs("LABEL"),
    "maintainer": split_text,
    "run": split_json_or_text,
    "shell": split_json_or_text,
    "stopsignal": split_text,
    "user": split_text,
    "volume": split_json_or_list,
    "workdir": split_text,
}
