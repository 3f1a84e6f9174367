"""Dockerfile and picture, side by side."""

from __future__ import annotations

import json

import pytest

from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.inspect.lines import plain
from dockerfile_frontend.inspect.op_graph import read_ops
from dockerfile_frontend.inspect.picture.data import picture_json
from dockerfile_frontend.inspect.picture.forms import draw
from dockerfile_frontend.inspect.picture.model import Picture, find_node, find_path, needed_by, only
from dockerfile_frontend.inspect.picture.tree import show_path, show_tree
from dockerfile_frontend.inspect.stage_graph import read_stages
from tests.casefiles import Case, Expect, case_files
from tests.inspect.graphs import copy, define, image, local, run

GIVEN = ("Dockerfile", "options", "why")


def picture_of(text: str, options: str = "") -> Picture:
    wanted = dict(line.split("=", 1) for line in options.splitlines())
    return read_stages(text.encode(), parse_options(wanted), "Dockerfile")


def tree_of(picture: Picture) -> list[str]:
    return list(plain(show_tree(picture)))


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_case(case: Case, expect: Expect) -> None:
    picture = picture_of(case.sections["Dockerfile"], case.sections.get("options", ""))
    expect(case, **{name: show(name, picture, case) for name in case.sections if name not in GIVEN})


def show(section: str, picture: Picture, case: Case) -> str:
    if section == "tree":
        return "\n".join(tree_of(picture))
    if section == "way":
        user, needed = (found.id for word in case.sections["why"].split() if (found := find_node(picture, word)))
        path = find_path(picture, user, needed)
        return "none" if path is None else "\n".join(plain(show_path(picture, path, user)))
    return draw(picture, section).decode()


def test_a_target_alone_keeps_what_it_needs() -> None:
    whole = picture_of("FROM scratch AS a\nCOPY x /\nFROM alpine AS b\nRUN true\n", "target=a")
    part = only(whole, needed_by(whole.target, whole.edges))
    assert [node.name for node in part.nodes] == ["a", "context"]
    assert picture_json(part)["edges"] == [
        {"from": "context", "to": "stage-0", "kind": "copy", "paths": ["x → /"], "lines": [[2, 2]]}
    ]


def test_a_very_deep_chain_is_told_in_parts() -> None:
    chain = "FROM scratch AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(2000))
    lines = tree_of(picture_of(chain))
    assert sum("told below" in line for line in lines) == 2000 // 12
    assert max(map(len, lines)) < 120
    json.dumps(picture_json(picture_of(chain)))


def test_ops_stand_in_their_stages_with_what_they_read() -> None:
    graph = define(
        ("[build 1/3] FROM alpine", 1, image("alpine"), ()),
        ("[internal] load build context", 0, local(), ()),
        ("[build 2/3] COPY a /a", 2, copy("/a", "/a"), (0, 1)),
        ("[build 3/3] RUN make", 3, run("make"), (2,)),
    )
    assert tree_of(read_ops(graph, "Dockerfile")) == [
        "RUN make  (target · Dockerfile:3)",
        "└── base   COPY a /a  (Dockerfile:2)",
        "    ├── base   docker.io/library/alpine:latest  (Dockerfile:1)",
        "    └── copy   context  /a → /a",
    ]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("ARG A=1\n", "", "contains no stages"),
        ("FROM scratch AS a\n", "target=b", 'target stage "b" could not be found'),
        ("FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /\n", "", "circular"),
    ],
)
def test_what_is_no_graph_is_refused(text: str, options: str, message: str) -> None:
    with pytest.raises(DockerfileError, match=message):
        picture_of(text, options)


@pytest.mark.parametrize("word", ["docker.io/library/alpine:latest", "alpine:latest", "alpine", "ALPINE"])
def test_an_image_is_found_by_its_usual_names(word: str) -> None:
    picture = read_ops(define(("[build 1/1] FROM alpine", 1, image("alpine"), ())), "Dockerfile")
    found = find_node(picture, word)
    assert found is not None
    assert found.name == "docker.io/library/alpine:latest"
    assert find_node(picture, "alpin") is None
