from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.inspect.lines import plain
from dockerfile_frontend.inspect.targets import list_targets, show_targets

DOCKERFILE = b"""# build compiles it
FROM --platform=$BUILDPLATFORM golang:1.24 \\
    AS build
FROM scratch
"""


def test_each_stage_with_all_its_lines() -> None:
    assert list_targets(DOCKERFILE) == {
        "targets": [
            {
                "name": "build",
                "description": "compiles it",
                "base": "golang:1.24",
                "platform": "$BUILDPLATFORM",
                "location": {
                    "ranges": [
                        {"start": {"line": 2}, "end": {"line": 2}},
                        {"start": {"line": 3}, "end": {"line": 3}},
                    ]
                },
            },
            {"default": True, "base": "scratch", "location": {"ranges": [{"start": {"line": 4}, "end": {"line": 4}}]}},
        ]
    }


def test_for_people_it_is_a_table() -> None:
    assert list(plain(show_targets(list_targets(DOCKERFILE)))) == [
        "target     base         platform        description",
        "build      golang:1.24  $BUILDPLATFORM  compiles it",
        "(default)  scratch",
    ]


def test_only_args_make_a_list_of_nothing() -> None:
    assert list_targets(b"ARG A=1\n") == {"targets": None}
    assert list(show_targets({"targets": None})) == []


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(DockerfileError, match="unknown instruction: FRM"):
        list_targets(b"FRM scratch\n")
