from __future__ import annotations

from dockerfile_frontend.inspect.diff import diff_graphs, pair_graphs, show_steps
from dockerfile_frontend.inspect.graph import view_graph
from dockerfile_frontend.inspect.lines import plain
from ir_schema.definition import Definition
from tests.inspect.graphs import Step, copy, define, image, local, run

IMAGE = "docker-image://docker.io/library"


def diff(old: Definition, new: Definition) -> list[str]:
    before, after = view_graph(old), view_graph(new)
    return list(plain(diff_graphs(before, after, pair_graphs(before, after), {})))


def build(base: str, script: str, *more: Step, env: tuple[str, ...] = ("A=1", "B=2")) -> Definition:
    return define(
        ("[build 1/3] FROM", 1, image(base), ()),
        ("[internal] load build context", 0, local(), ()),
        ("[build 2/3] COPY", 2, copy("/a", "/a"), (0, 1)),
        ("[build 3/3] RUN", 3, run(script, env=env), (2,)),
        *more,
    )


def test_equal_graphs() -> None:
    assert diff(build("alpine", "make"), build("alpine", "make")) == ["equal: 4 ops"]


def test_a_changed_field_is_named_with_both_values() -> None:
    assert diff(build("alpine", "make"), build("alpine", "make", env=("A=1", "C=3", "B=2"))) == [
        "~ run    make  (build · Dockerfile:3)",
        "    + C=3",
        "3 ops are equal",
    ]


def test_what_follows_from_another_base_is_counted_and_not_repeated() -> None:
    assert diff(build("alpine", "make"), build("debian", "make")) == [
        "~ image  docker.io/library/debian:latest  (build · Dockerfile:1)",
        "    ~ source: docker.io/library/alpine:latest → docker.io/library/debian:latest",
        "2 more ops differ only because what they build on does",
        "1 op is equal",
    ]


def test_a_new_step_is_new_and_nothing_else() -> None:
    more: Step = ("[build 4/4] RUN", 4, run("ship it"), (3,))
    assert diff(build("alpine", "make"), build("alpine", "make", more)) == [
        "+ run    ship it  (build · Dockerfile:4)",
        "4 ops are equal",
    ]
    assert diff(build("alpine", "make", more), build("alpine", "make"))[0] == "- run    ship it  (build · Dockerfile:4)"


def test_what_tells_one_client_from_another_is_no_difference() -> None:
    def copied(unique: str) -> Definition:
        return define(("", 0, local(**{"local.unique": unique}), ()), ("", 0, copy("/a", "/a"), (0, 0)))

    assert diff(copied("one"), copied("two")) == ["equal: 2 ops"]


def test_of_every_step_whether_it_keeps_its_cache() -> None:
    def project(dest: str) -> Definition:
        return define(
            ("[internal] load build context", 0, local(), ()),
            ("[a 1/2] FROM", 1, image("alpine"), ()),
            ("[a 2/2] COPY", 2, copy("/a", dest), (1, 0)),
            ("[b 1/3] FROM", 3, image("debian"), ()),
            ("[b 2/3] COPY", 4, copy("/a", "/b"), (3, 2)),
            ("[b 3/3] RUN", 5, run("make"), (4,)),
            ("[c 1/1] RUN", 6, run("test"), (2,)),
        )

    old, new = view_graph(project("/a")), view_graph(project("/other"))
    assert [line.split("(")[0].rstrip() for line in plain(show_steps(new, pair_graphs(old, new), {}))] == [
        "",
        "keeps    local  context",
        "keeps    image  docker.io/library/alpine:latest",
        "runs     file   copy %1 /a → /other",
        "keeps    image  docker.io/library/debian:latest",
        "perhaps  file   copy %3 /a → /b",
        "perhaps  run    make",
        "runs     run    test",
    ]
