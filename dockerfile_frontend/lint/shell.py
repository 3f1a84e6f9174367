"""Shell commands, read from a script: their words, where each stands, and how the commands are joined.

    set -e; FOO=1 sudo apt-get install -y "a b" | tee log
        Command("set", args ("-e",))
        Command("apt-get", args ("install", "-y", "a b"), wrappers ("sudo",), assignments (FOO=1), joined by ";")
        Command("tee", args ("log",), joined by "|")

The parser is tree-sitter with its grammar of bash: kept, MIT, fast, and tolerant of what it cannot read, where bashlex is GPL and
refuses much of bash, and other shell parsers are programs. It is loaded when the first script is read. Scripts inside scripts
(`bash -c "…"`, a document for `sh`) are read, too, each with the shell that runs it. Nothing is expanded: `$X` stays as written.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from posixpath import basename
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tree_sitter import Node, Parser

    from dockerfile_frontend.source import Span

    Place = Callable[[int, int], Span]
    """The place in the file of a stretch of a script, in bytes."""

SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "ksh93", "mksh", "zsh", "busybox"})
"""Programs whose scripts can be read here."""

DEEPEST = 4
"""Scripts inside scripts inside scripts are read up to this depth."""

DEEPEST_SUBSTITUTION = 50
"""Commands inside so many $(…) are read: each holds the text of those inside it once more."""

_WRAPPERS: Mapping[str, str] = {
    "command": "",
    "doas": "u",
    "env": "uCS",
    "exec": "a",
    "ionice": "cn",
    "nice": "n",
    "nohup": "",
    "sudo": "ugCDhpRrTtU",
    "time": "fo",
}
"""Programs that run the command behind them, and the letters of their options that take a value."""

_OPERATORS = frozenset({"&&", "||", ";", "|", "|&", "&", ";;"})
_WORDS = frozenset({
    "word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "number", "simple_expansion",
    "expansion", "command_substitution", "process_substitution", "arithmetic_expansion", "brace_expression", "variable_name",
    "variable_assignment", "regex", "extglob_pattern", "test_operator",
})  # fmt: skip
_FIXED = frozenset({"word", "raw_string", "ansi_c_string", "number", "string_content", '"', "test_operator"})
_LEAVES = frozenset({
    "word", "raw_string", "ansi_c_string", "number", "string_content", "test_operator", "variable_name",
    "special_variable_name", "simple_expansion", "file_descriptor", "heredoc_start", "heredoc_end",
})  # fmt: skip
"""What holds no command."""
_CARRIERS = frozenset({"redirected_statement", "list", "pipeline", "negated_command"})
_SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution"})
_COMMANDS = frozenset({"command", "declaration_command", "unset_command", "test_command"})


class Placed:
    """What stands somewhere in a script. Most places are never asked for, so they are worked out when they are."""

    __slots__ = ("_at", "_span")

    def __init__(self, at: tuple[Place, int, int] | Span) -> None:
        self._at = at
        self._span: Span | None = None

    @property
    def span(self) -> Span:
        if self._span is None:
            at = self._at
            self._span = at[0](at[1], at[2]) if isinstance(at, tuple) else at
        return self._span


class Word(Placed):
    """A word of a command."""

    __slots__ = ("fixed", "text")

    def __init__(self, text: str, at: tuple[Place, int, int] | Span, fixed: bool = True) -> None:  # noqa: FBT001, FBT002  a field
        self._at = at
        self._span = None
        self.text = text
        """Quotes and backslashes taken off, expansions as written."""
        self.fixed = fixed
        """Nothing in it is expanded, so this is its value."""


class Redirect(NamedTuple):
    """Where a command's input comes from or its output goes."""

    operator: str
    target: str
    descriptor: str = ""


class Command(Placed):
    """A simple command."""

    __slots__ = ("_options", "assignments", "joined", "name", "redirects", "words", "wrappers")

    def __init__(
        self,
        words: tuple[Word, ...],
        at: tuple[Place, int, int] | Span,
        joined: str = "",
        wrappers: tuple[Word, ...] = (),
        assignments: tuple[Word, ...] = (),
        redirects: tuple[Redirect, ...] = (),
    ) -> None:
        self._at = at
        self._span = None
        self._options: frozenset[str] | None = None
        self.words = words
        """Its name and arguments, wrappers such as sudo taken off; never empty."""
        self.name = words[0].text.rpartition("/")[2]
        """Without folders."""
        self.joined = joined
        """What stands between it and the command before: && || ; | & or nothing for the first of a script."""
        self.wrappers = wrappers
        """The names of the wrappers in front: sudo, env."""
        self.assignments = assignments
        """NAME=value in front."""
        self.redirects = redirects

    @property
    def args(self) -> tuple[Word, ...]:
        return self.words[1:]

    @property
    def plain(self) -> tuple[Word, ...]:
        """The arguments that are no options."""
        return tuple([word for word in self.args if not word.text.startswith("-")])

    @property
    def options(self) -> frozenset[str]:
        """Names of its options without dashes and values: -qy gives q, y and qy; --yes=true gives yes."""
        if self._options is not None:
            return self._options
        found: set[str] = set()
        for word in self.args:
            if word.text.startswith("--"):
                found.add(word.text[2:].partition("=")[0])
            elif word.text.startswith("-"):
                found.add(word.text[1:].partition("=")[0])
                found.update(word.text[1:])
        self._options = frozenset(found)
        return self._options

    def without(self, count: int) -> Command:
        """The command without its first words."""
        return Command(self.words[count:], self._at, self.joined, self.wrappers, self.assignments, self.redirects)

    def has_any(self, *names: str) -> bool:
        """One of these options is given."""
        return not self.options.isdisjoint(names)

    def values(self, *names: str) -> Iterator[str]:
        """What follows an option, behind = or as the next word. Names come with their dashes."""
        words = self.args
        for number, word in enumerate(words):
            name, sign, value = word.text.partition("=")
            if name in names and sign:
                yield value
            elif word.text in names and number + 1 < len(words):
                yield words[number + 1].text


class Script(NamedTuple):
    """Commands that one shell runs."""

    shell: tuple[str, ...]
    """The shell and its options; empty is the system's own."""
    commands: tuple[Command, ...]
    pipes: tuple[tuple[int, Span], ...]
    """Where a | stands, and how many of the commands begin before it."""
    faulty: bool = False
    """The parser met what it does not know; commands around it may be wrong."""
    inner: tuple[Script, ...] = ()
    """Scripts that its commands run: sh -c "…"."""
    data: bytes = b""
    """Its text, and where that stands; of scripts inside others, nothing."""
    place: Place | None = None

    def all(self) -> Iterator[Script]:
        """It and those inside it."""
        yield self
        for script in self.inner:
            yield from script.all()


def read_script(data: bytes, place: Place, shell: Sequence[str] = (), depth: int = 0) -> Script:
    """The commands of a script. `place` says where a stretch of it, in bytes, stands in the file."""
    root = _parser().parse(data).root_node
    walk = _Walk(data, place)
    walk.run(root)
    commands = tuple(walk.commands)
    inner = tuple(_inner_scripts(walk.found, data, place, depth)) if depth < DEEPEST else ()
    starts = walk.starts
    pipes = tuple([(bisect_left(starts, at), place(at, at + 1)) for at in walk.pipes])
    if depth:
        return Script(tuple(shell), commands, pipes, root.has_error, inner)
    return Script(tuple(shell), commands, pipes, root.has_error, inner, data, place)


def words_script(words: Sequence[Word], span: Span, depth: int = 0) -> Script:
    """A command given as words, as in JSON form, and the script it runs if it is a shell's."""
    command = make_command(list(words), span)
    inner: list[Script] = []
    text = _script_of(command)
    if text is not None and depth < DEEPEST:
        inner.append(read_script(_encode(text.text), lambda _start, _end: text.span, _shell_of(command), depth + 1))
    return Script((), (command,), (), inner=tuple(inner))


def make_command(
    words: list[Word],
    at: tuple[Place, int, int] | Span,
    joined: str = "",
    assignments: tuple[Word, ...] = (),
    redirects: tuple[Redirect, ...] = (),
) -> Command:
    """A command of at least one word, its wrappers taken off."""
    wrappers: list[Word] = []
    while len(words) > 1 and words[0].text.rpartition("/")[2] in _WRAPPERS:
        rest, assigned = _unwrap(words)
        if not rest:
            break
        wrappers.append(words[0])
        assignments += assigned
        words = rest
    return Command(tuple(words), at, joined, tuple(wrappers), assignments, redirects)


def _unwrap(words: list[Word]) -> tuple[list[Word], tuple[Word, ...]]:
    """The command behind a wrapper, empty when it runs none, and what is assigned in between."""
    name = basename(words[0].text)
    valued = _WRAPPERS[name]
    assigned: list[Word] = []
    at = 1
    while at < len(words):
        text = words[at].text
        if text.startswith("-"):
            if name == "command" and text in ("-v", "-V"):
                return [], ()
            at += 2 if len(text) == len("-u") and text[1] in valued else 1
        elif name in ("env", "sudo", "doas") and re.match(r"\w+=", text):
            assigned.append(words[at])
            at += 1
        else:
            break
    return words[at:], tuple(assigned)


def _script_of(command: Command) -> Word | None:
    """The text that a shell is given to run, and that su gives to one."""
    if command.name not in SHELLS and command.name != "su":
        return None
    for number, word in enumerate(command.args[:-1], 2):
        text = word.text
        if text == "--command" or (text.startswith("-") and not text.startswith("--") and text.endswith("c")):
            return next((follows for follows in command.words[number:] if not follows.text.startswith("-")), None)
    return None


def _shell_of(command: Command) -> tuple[str, ...]:
    """The shell that a command starts, and its options."""
    options: list[str] = []
    for word in command.args:
        if not word.text.startswith("-") and not (options and options[-1].endswith("o")):
            break
        options.append(word.text)
    return (command.name if command.name in SHELLS else "sh", *options)


@cache
def _parser() -> Parser:
    from tree_sitter import Language, Parser  # noqa: PLC0415  loaded when a script is read
    from tree_sitter_bash import language  # noqa: PLC0415

    return Parser(Language(language()))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class _Walk:
    """One walk over a syntax tree, without recursion: a script may be deep."""

    def __init__(self, data: bytes, place: Place) -> None:
        self.data = data
        self.place = place
        self.commands: list[Command] = []
        self.starts: list[int] = []
        self.found: list[tuple[Command, Node]] = []
        self.pipes: list[int] = []

    def run(self, root: Node) -> None:
        waiting: list[tuple[Node, str, list[Node], int]] = [(root, "", [], 0)]
        while waiting:
            node, joined, redirects, depth = waiting.pop()
            kind = node.type
            depth += kind in _SUBSTITUTIONS
            if depth > DEEPEST_SUBSTITUTION:
                continue
            if kind in _COMMANDS:
                self._command(node, joined, redirects)
            children = node.children
            carried = (
                [*redirects, *[child for child in children if child.type == "file_redirect"]]
                if kind in _CARRIERS
                else []
            )
            carrier = _carrier(node) if carried else -1
            steps: list[tuple[Node, str, list[Node], int]] = []
            for number, child in enumerate(children):
                sort = child.type
                if sort in _OPERATORS:
                    joined = sort
                    if kind == "pipeline" and sort in ("|", "|&"):
                        self.pipes.append(child.start_byte)
                elif sort != "comment" and child.is_named:
                    if sort not in _LEAVES and (sort != "string" or self._substitutes(child)):
                        steps.append((child, joined, carried if number == carrier else [], depth))
                    joined = ";"
            waiting.extend(reversed(steps))

    def _substitutes(self, node: Node) -> bool:
        """Whether commands may stand in a string."""
        start, end = node.start_byte, node.end_byte
        return self.data.find(b"$(", start, end) >= 0 or self.data.find(b"`", start, end) >= 0

    def _command(self, node: Node, joined: str, outer: list[Node]) -> None:
        words: list[Word] = []
        assigned: list[Word] = []
        redirects: list[Redirect] = []
        for child in (*node.children, *outer):
            kind = child.type
            if kind == "command_name":
                words.append(self._word(child.children[0] if child.children else child))
            elif kind == "variable_assignment" and not words and node.type == "command":
                assigned.append(self._word(child))
            elif kind == "file_redirect":
                words += self._redirect(child, redirects)
            elif kind in _WORDS or (not words and node.type != "command"):
                words.append(self._word(child))
        if not words:
            return
        end = max(node.end_byte, outer[-1].end_byte) if outer else node.end_byte
        start = node.start_byte
        at = (self.place, start, end)
        command = make_command(words, at, joined, tuple(assigned), tuple(redirects))
        self.commands.append(command)
        self.starts.append(start)
        self.found.append((command, node))

    def _redirect(self, node: Node, redirects: list[Redirect]) -> list[Word]:
        """Keep a redirection; words behind its target are the command's, though the grammar counts them with it."""
        operator, descriptor, targets = "", "", []
        for child in node.children:
            if child.type == "file_descriptor":
                descriptor = _decode(child.text or b"")
            elif child.is_named:
                targets.append(self._word(child))
            else:
                operator = child.type
        redirects.append(Redirect(operator, targets[0].text if targets else "", descriptor))
        return targets[1:]

    def _word(self, node: Node) -> Word:
        start, end, kind = node.start_byte, node.end_byte, node.type
        if kind == "word":
            text = self.data[start:end].decode("utf-8", "surrogateescape")
            return Word(_unescaped(text) if "\\" in text else text, (self.place, start, end))
        fixed = kind in _FIXED or (kind in ("string", "concatenation") and _is_fixed(node))
        return Word(_text(node, self.data), (self.place, start, end), fixed)


def _carrier(node: Node) -> int:
    """Which child a redirection behind a statement is part of: a command's own, of a list's or pipeline's the last one's; or -1.

    The grammar hangs `a && b >x c` as a redirection of the whole list.
    """
    fitting = [
        n for n, child in enumerate(node.children) if child.is_named and child.type not in ("file_redirect", "comment")
    ]
    if not fitting:
        return -1
    number = fitting[0] if node.type == "redirected_statement" else fitting[-1]
    return number if node.children[number].type in _CARRIERS | {"command"} else -1


def _is_fixed(node: Node) -> bool:
    return all(child.type in _FIXED or (child.type == "string" and _is_fixed(child)) for child in node.children)


def _text(node: Node, data: bytes) -> str:
    """A word's text without its quoting."""
    text = data[node.start_byte : node.end_byte].decode("utf-8", "surrogateescape")
    match node.type:
        case "word":
            return _unescaped(text) if "\\" in text else text
        case "string":
            return re.sub(r'\\(?:\n|(["\\$`]))', r"\1", text[1:-1]) if "\\" in text else text[1:-1]
        case "raw_string":
            return text[1:-1]
        case "ansi_c_string":
            return text[2:-1]
        case "concatenation":
            return "".join([_text(child, data) for child in node.children])
        case _:
            return text


def _unescaped(text: str) -> str:
    return re.sub(r"\\(?:\n|(.))", r"\1", text)


def _inner_scripts(found: Sequence[tuple[Command, Node]], data: bytes, place: Place, depth: int) -> Iterator[Script]:
    """The scripts that commands are given in one of their words."""
    for command, node in found:
        word = _script_of(command)
        if word is None:
            continue
        for child in node.children:
            if child.type in ("string", "raw_string") and place(child.start_byte, child.end_byte) == word.span:
                begin = child.start_byte + 1
                body = data[begin : child.end_byte - 1]
                if child.type == "raw_string" or b"\\" not in body:
                    yield read_script(body, _moved(place, begin), _shell_of(command), depth + 1)
                    break
        else:
            yield read_script(_encode(word.text), _constant(word.span), _shell_of(command), depth + 1)


def _moved(place: Place, by: int) -> Place:
    return lambda start, end: place(start + by, end + by)


def _constant(span: Span) -> Place:
    return lambda _start, _end: span
