"""The text form: what people see of a graph reads back to the same digests, and what means nothing is refused at its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_schema import FormatError, ops
from ir_schema.definition import Definition, Vertex
from ir_schema.fields import specs_of
from ir_schema.shorthand import USUAL, WORDS, shorten
from ir_schema.text import dump_text, parse_text
from tests.casefiles import case_files
from tests.compiler.test_cases import compile_case
from tests.ir_schema.strategies import records
from tests.running import ROOT

if TYPE_CHECKING:
    from tests.casefiles import Case

CASES = case_files(str(Path(__file__).parent.parent / "compiler" / "test_cases.py"))
COMPILED = [case for case in CASES if "error" not in case.sections]

SHOWN = """\
%0 = source on linux/arm64/v8: docker-image://docker.io/library/alpine:latest image.resolvemode=local
%1 = source: local://context local.followpaths="[\\"a\\"]"
%2 = file %0, %1: copy /a -> /app/ mode=0755 user=1000 group=wheel
%3 = file scratch: mkfile /motd text="hello\\n"
%4 = file %2, %3:
  mkdir /srv,
  put /motd -> /etc/
%5 = exec %4, %1 on linux/arm64/v8:
  /bin/sh -c "make all" env=["PATH=/bin"] cwd=/app network=none,
  mount /src from=1 readonly=true,
  mount /root/.cache type=cache cache={id=x}
%6 = diff %4, %5
%7 = diff scratch, %3
%8 = merge %6, %7
%9 = exec scratch: /init
return %8
"""


def test_a_graph_as_people_read_it() -> None:
    """Each kind of op that has a short form, in it."""
    read = parse_text(SHOWN)
    assert dump_text(read) == SHOWN
    (motd,) = (v.op.body for v in read.vertices.values() if isinstance(v.op.body, ops.FileOp) and not v.op.inputs)
    assert isinstance(motd, ops.FileOp)
    assert motd.actions == (ops.FileAction(-1, -1, 0, ops.MkFile("/motd", 0o644, b"hello\n", timestamp=-1)),)


def test_the_example_of_the_specification() -> None:
    spec = (ROOT / "ir_schema" / "SPEC.md").read_text("utf-8")
    block = spec[spec.index("    %0 = source") : spec.index("    graph     :=")].rstrip()
    example = "".join(f"{line[4:]}\n" for line in block.splitlines())
    assert dump_text(parse_text(example)) == example


@pytest.mark.parametrize("case", COMPILED, ids=str)
def test_compiled_graphs_read_back(case: Case) -> None:
    for target in compile_case(case).targets:
        text = dump_text(target.definition)
        assert parse_text(text).vertices == target.definition.vertices
        assert dump_text(parse_text(text)) == text


def usual(cls: type[Any], verb: str) -> st.SearchStrategy[Any]:
    """Any message of a class, with some of its fields as they usually are."""
    fields = st.sets(st.sampled_from(sorted(USUAL[verb]))) if USUAL[verb] else st.just(set())
    return st.builds(lambda record, some: replace(record, **{f: USUAL[verb][f] for f in some}), records(cls), fields)


ACTIONS = st.builds(
    ops.FileAction,
    st.integers(-1, 2),
    st.integers(-1, 2),
    st.integers(-1, 1),
    st.one_of(
        usual(ops.Copy, "copy"),
        usual(ops.Copy, "put"),
        usual(ops.MkDir, "mkdir"),
        usual(ops.MkFile, "mkfile"),
        records(ops.Rm),
        usual(ops.Symlink, "symlink"),
    ),
)
FILES = st.lists(ACTIONS, min_size=1, max_size=3).map(lambda actions: ops.FileOp(tuple(actions)))
ROOTS = st.builds(ops.Mount, st.integers(-1, 0), st.just(""), st.just("/"))
MOUNTS = st.builds(lambda root, more: (root, *more), ROOTS, st.lists(usual(ops.Mount, "mount"), max_size=2))
EXECS = st.builds(ops.ExecOp, usual(ops.Meta, "exec"), MOUNTS, st.sampled_from(ops.NetMode))
BODIES = st.one_of(FILES, EXECS, records(ops.SourceOp), records(ops.MergeOp), records(ops.DiffOp))
PLATFORMS = st.none() | st.just(ops.Platform("amd64", "linux")) | records(ops.Platform)


@given(BODIES, st.integers(0, 2), PLATFORMS)
@settings(max_examples=300, deadline=None)
def test_any_op_that_is_nearly_usual_reads_back(body: ops.Body, inputs: int, platform: ops.Platform | None) -> None:
    below = [Vertex.of(ops.Op(body=ops.SourceOp(f"local://{n}"))) for n in range(inputs)]
    edges = tuple(ops.Input(vertex.digest) for vertex in below)
    top = Vertex.of(ops.Op(edges, body, platform, ops.WorkerConstraints()))
    graph = Definition({vertex.digest: vertex for vertex in (*below, top)}, ops.Input(top.digest))
    assert parse_text(dump_text(graph)) == graph


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("%0 = file: chmod /a", "1:1: chmod /a is no step of a file op"),
        ("%0 = file: copy /a /b", "is no step of a file op"),
        ("%0 = exec: make, umount /x", "umount /x is no mount"),
        ("%0 = source: a b", "a source is one identifier"),
        ("%0 = build: x", "build has no short form"),
        ("%0 = exec: make network=wifi", "network is one of unset, host, none"),
        ("%0 = exec", "an exec has no arguments"),
        ("%0 = file: mkdir /a mode=089", "1:26: 089 is no number"),
        ("%0 = file: mkdir /a colour=red", "'colour', which is not known here"),
        ("%0 = exec: make cwd=/ all", "a word stands behind the fields"),
        ("%0 = exec: 1 2", "a word of a clause is no text"),
    ],
)
def test_what_means_nothing_is_refused(statement: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_text(f"{statement}\nreturn %0\n")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_name_fields_that_there_are() -> None:
    classes: dict[str, type[Any]] = {
        "copy": ops.Copy,
        "put": ops.Copy,
        "exec": ops.Meta,
        "mount": ops.Mount,
        "rm": ops.Rm,
    }
    classes |= {"mkdir": ops.MkDir, "mkfile": ops.MkFile, "symlink": ops.Symlink}
    for verb, fields in USUAL.items():
        names = {*fields, *WORDS.get(verb, ())} - {"->"}
        assert names <= {spec.name for spec in specs_of(classes[verb])}
    assert shorten("file", {"actions": []}, 0) is None
