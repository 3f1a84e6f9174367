"""Bytes to tree: lines, flags, arguments, heredocs, and the reference's refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.diagnostics import DockerfileError, render
from dockerfile_frontend.instructions.stages import parse
from dockerfile_frontend.source import SourceFile
from dockerfile_frontend.syntax.grammars import read_table
from dockerfile_frontend.syntax.make_tables import GRAMMARS, fingerprint
from dockerfile_frontend.syntax.parser import parse_tree
from dockerfile_frontend.syntax.tree import Node

ROOT = Path(__file__).resolve().parents[2]


def node(line: str, escape: str = "") -> Node:
    head = f"# escape={escape}\n" if escape else ""
    (found,) = parse_tree((head + line).encode()).nodes
    return found


SPLIT = [
    ("FROM a AS b", (), ("a", "AS", "b")),
    ("from\ta", (), ("a",)),
    ("ENV A=1 B='x y'", (), ("A", "1", "=", "B", "'x y'", "=")),
    ("ENV A b c", (), ("A", "b c", "")),
    ('ENV A=b\\ c D=\\"', (), ("A", "b\\ c", "=", "D", '\\"', "=")),
    ('LABEL "a b"=c', (), ('"a b"', "c", "=")),
    ("ARG A B=1 'C D'", (), ("A", "B=1", "'C D'")),
    ("COPY --link --from=x a b /c/", ("--link", "--from=x"), ("a", "b", "/c/")),
    ('COPY ["a b", "/c"]', (), ("a b", "/c")),
    ('COPY ["a b", /c]', (), ('["a', 'b",', "/c]")),
    ('RUN --mount=type=bind,"source=a b" x  y', ("--mount=type=bind,source=a b",), ("x  y",)),
    ("RUN -- --x", (), ("--x",)),
    ("RUN --a\\ b=c d", ("--a b=c",), ("d",)),
    ('RUN ["a","\\u00e9"]', (), ("a", "é")),
    ('CMD [ "a" , "b" ] ', (), ("a", "b")),
    ('CMD ["a"', (), ('["a"',)),
    ("HEALTHCHECK --interval=1s CMD x y", ("--interval=1s",), ("CMD", "x y")),
    ('HEALTHCHECK CMD ["x"]', (), ("CMD", "x")),
    ("ONBUILD COPY --link a /b", (), ("COPY", "a", "/b")),
    ("EXPOSE 80\t81/udp", (), ("80", "81/udp")),
    ("WORKDIR /a b", (), ("/a b",)),
]


@pytest.mark.parametrize(("line", "flags", "args"), SPLIT)
def test_splits(line: str, flags: tuple[str, ...], args: tuple[str, ...]) -> None:
    found = node(line)
    assert tuple(flag.text for flag in found.flags) == flags
    assert found.args == args


def test_continuations_and_comments() -> None:
    (found,) = parse_tree(b"# about\nRUN a \\\n# why\n\n  b \\ \t\n c\n").nodes
    assert found.line.text == "RUN a   b  c"
    assert (found.start, found.end) == (2, 6)
    assert found.line.comments == ("about",)
    assert found.line.blank_inside


def test_the_escape_directive_changes_continuations() -> None:
    assert node("RUN a `\nb", "`").line.text == "RUN a b"
    assert node("COPY a C:\\dir\\", "`").args == ("a", "C:\\dir\\")


def test_an_escaped_escape_character_continues_nothing() -> None:
    assert [n.keyword for n in parse_tree(b"RUN a \\\\\nRUN b").nodes] == ["RUN", "RUN"]


def test_line_ends_and_byte_order_mark() -> None:
    crlf = parse_tree(b"\xef\xbb\xbfFROM a\r\nRUN x \\\r\n y\r\n").nodes
    assert [n.line.text for n in crlf] == ["FROM a", "RUN x  y"]


def test_heredocs() -> None:
    (found,) = parse_tree(b"COPY <<A <<-'B' /d/\n$x\nA\n\ty\n\tB\n").nodes
    first, second = found.heredocs
    assert (first.name, first.expand, first.chomp, first.content) == ("A", True, False, "$x\n")
    assert (second.name, second.expand, second.chomp, second.content) == ("B", False, True, "\ty\n")
    assert (found.start, found.end) == (1, 5)


def test_no_heredoc_where_none_may_be() -> None:
    assert [n.keyword for n in parse_tree(b'ENV A=<<EOF\nRUN ["<<EOF"]\n').nodes] == ["ENV", "RUN"]


REFUSED = [
    (b"", "file with no instructions"),
    (b"# a\n\n# b\n", "file with no instructions"),
    (b"# escape=x\nFROM a", "invalid escape token 'x' does not match ` or \\"),
    (b"# escape=`\n# escape=`\nFROM a", "only one escape parser directive can be used"),
    (b"RUN <<EOF\nx\n", "unterminated heredoc"),
    (b"ENV A", "ENV must have two arguments"),
    (b"LABEL a=1 b", 'Syntax error - can\'t find = in "b". Must be of the form: name=value'),
    (b'RUN ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"),
    (b"FROM a\nRUN " + b"x" * 65536, "dockerfile line greater than max allowed size of 65535"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_refusals(data: bytes, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_tree(data)
    assert str(caught.value) == message
    assert caught.value.span is not None


def test_the_longest_line_there_may_be() -> None:
    assert len(parse_tree(b"RUN " + b"x" * (65535 - 4)).nodes) == 1


CARETS = [
    (b"FROM a\nCOPY --form=b c d\n", "Dockerfile:2:6", "      ^^^^^^^^"),
    (b"FROM a\nRUN x \\\n  && y <<EOF\n", "Dockerfile:3:8", "        ^^^^^"),
    ("FROM a\nCOPY 日本 --x\nRUM x\n".encode(), "Dockerfile:3:1", " ^^^"),
    (b"FROM a\nRUN --mount=type=bind,from=$x true\n", "Dockerfile:2:23", " " * 23 + "^^^^^^^"),
    (b"FROM a\nRUN --network=host \\\n  --mount=type=bind,'from=$x' true\n", "Dockerfile:3:3", "   ^"),
    (b"FROM a\nCOPY <<A <<-'B' /x\nA\n  B\n", "Dockerfile:2:10", " " * 10 + "^^^^^^ "[:-1]),
    (b"FROM a\nLABEL a=1 \\\n   b c=2\n", "Dockerfile:3:4", " " * 4 + "^"),
    (b"FROM a AS \\\n  1x\n", "Dockerfile:2:3", " " * 3 + "^^"),
    (b"FROM a\nHEALTHCHECK --retries=1 --interval=1 CMD x\n", "Dockerfile:2:25", " " * 25 + "^^^^^^^^^^^^"),
    (b"FROM a\nENV A=1 =2\n", "Dockerfile:2:9", " " * 9 + "^^"),
    (b"# escape=\\\n# escape=`\nFROM a\n", "Dockerfile:2:1", " ^^^^^^^^^^"),
    ("FROM é\nARG é=ü =x\n".encode(), "Dockerfile:2:9", " " * 9 + "^^"),
]


@pytest.mark.parametrize(("data", "place", "caret"), CARETS)
def test_carets(data: bytes, place: str, caret: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(data)
    shown = render(caught.value.diagnostic, SourceFile("Dockerfile", data.decode())).splitlines()
    assert shown[0].startswith(f"{place}: error: ")
    assert shown[2].partition("|")[2].startswith(caret)


PIECES = st.sampled_from(
    [*"\\`\"'$<>=- \t\n\r#,[]{}:", "\x00", "\x85", "é", "日", "\udcff", "FROM ", "RUN ", "COPY ", "ENV ", "ONBUILD ", "--mount=",
     "<<EOF", "EOF", "# escape=`\n", "HEALTHCHECK ", "LABEL ", "ARG ", '["a"]', "a", "type=cache"]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode("utf-8", "surrogateescape"))
    | st.binary(max_size=120)
)
@settings(max_examples=600, deadline=None)
def test_no_input_does_anything_but_parse_or_be_refused(data: bytes) -> None:
    try:
        parse(b"FROM a\n" + data)
    except DockerfileError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs raise nothing


def test_large_files_end() -> None:
    many = b"FROM a\n" + b"ENV A=1\n" * 100_000
    assert len(parse_tree(many).nodes) == 100_001
    with pytest.raises(DockerfileError, match="strings only"):
        parse_tree(b"RUN " + b"[" * 10_000 + b"]" * 10_000)
    too_deep = b"[" * 10_001 + b"]" * 10_001
    assert parse_tree(b"RUN " + too_deep).nodes[0].args == (too_deep.decode(),)


@pytest.mark.parametrize("table", GRAMMARS)
def test_tables_are_fresh(table: str) -> None:
    made_of = read_table(table)["made_of"]
    assert made_of == fingerprint(table, str(ROOT / "grammar")), (
        "stale: python -m dockerfile_frontend.syntax.make_tables"
    )
