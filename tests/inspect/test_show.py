from __future__ import annotations

from dockerfile_frontend.inspect.graph import view_graph
from dockerfile_frontend.inspect.lines import plain
from dockerfile_frontend.inspect.show import show_graph
from ir_schema.definition import Definition
from ir_schema.ops import CacheOpt, CacheSharing, Mount, MountType, Op, SourceOp
from tests.inspect.graphs import Step, copy, define, image, local, run

BUILD: tuple[Step, ...] = (
    ("[build 1/3] FROM docker.io/library/alpine:latest", 1, image("alpine"), ()),
    ("[internal] load build context", 0, local(**{"local.followpaths": '["a","b"]', "local.unique": "u"}), ()),
    ("[build 2/3] COPY a /a", 2, copy("/a", "/a", without=("*.o",)), (0, 1)),
    (
        "[build 3/3] RUN make",
        3,
        run(
            "make\nmake test",
            Mount(-1, dest="/c", type=MountType.CACHE, cache=CacheOpt("c", CacheSharing.LOCKED)),
            Mount(1, dest="/src", readonly=True),
            env=("A=1",),
        ),
        (2, 1),
    ),
)


def show(definition: Definition, *, verbose: bool = False) -> list[str]:
    return list(plain(show_graph(view_graph(definition), verbose=verbose)))


def test_ops_stand_by_stage_with_what_they_build_on() -> None:
    assert show(define(*BUILD)) == [
        "build",
        "  %1  image  docker.io/library/alpine:latest  (Dockerfile:1)",
        "  %3  file   copy %2 /a → /a, without *.o  (on %1 · Dockerfile:2)",
        "  %4  run    make … 1 more line  (on %3 · Dockerfile:3)",
        "             cache at /c, locked",
        "             mount %2 / at /src, read-only",
        "inputs",
        "  %2  local  context",
        "             reads a b",
        "output %4",
    ]


def test_verbose_shows_whole_scripts_and_environments() -> None:
    lines = show(define(*BUILD), verbose=True)
    assert lines[3:8] == [
        "  %4  run    make  (on %3 · Dockerfile:3)",
        "             make test",
        "             cache at /c, locked",
        "             mount %2 / at /src, read-only",
        "             env A=1",
    ]


def test_a_graph_of_nothing_is_scratch() -> None:
    assert show(Definition()) == ["output scratch"]


def test_a_graph_without_names_or_lines_is_shown_all_the_same() -> None:
    bare = define(("", 0, Op(body=SourceOp("git://example.com/a.git#main")), ()), ("", 0, run("true"), (0,)))
    assert show(Definition(bare.vertices, bare.output)) == [
        "inputs",
        "  %1  git    example.com/a.git#main",
        "stage",
        "  %2  run    true  (on %1)",
        "output %2",
    ]
