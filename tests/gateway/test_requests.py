"""Questions about a Dockerfile: the JSON that programs read, the text that people read."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from dockerfile_frontend.gateway.requests import excerpt
from ir_schema.ops import SourceInfo
from tests.gateway.buildkit import FakeBuildKit

DOCKERFILE = b"""# app makes it
FROM alpine AS app
# V version of the tool
ARG V=1
RUN --mount=type=secret,id=token,required=true make
FROM app
MAINTAINER me
"""


def answer(name: str, dockerfile: bytes = DOCKERFILE, **options: str) -> tuple[Any, str, dict[str, bytes]]:
    buildkit = FakeBuildKit({"dockerfile": {"Dockerfile": dockerfile}, "context": {}})
    assert buildkit.run(requestid=name, **options) == 0
    metadata = dict(buildkit.result.metadata)
    assert metadata["version"] == b"1.0.0"
    return json.loads(metadata["result.json"]), metadata["result.txt"].decode(), metadata


def test_targets() -> None:
    found, text, _ = answer("frontend.targets")
    assert [target.get("name") for target in found["targets"]] == ["app", None]
    assert found["targets"][1]["default"] is True
    assert b64decode(found["sources"][0]) == DOCKERFILE
    assert text == "TARGET    DESCRIPTION\napp       makes it\n(default) \n"


def test_outline() -> None:
    found, text, _ = answer("frontend.outline", target="app")
    assert found["name"] == "app"
    assert [arg["name"] for arg in found["args"]] == ["V"]
    assert text == (
        "TARGET:      app\nDESCRIPTION: makes it\n\n"
        "BUILD ARG   VALUE   DESCRIPTION\nV           1       version of the tool\n\n"
        "SECRET   REQUIRED\ntoken    true\n\n"
    )


def test_lint() -> None:
    found, text, metadata = answer("frontend.lint")
    assert metadata["result.statuscode"] == b"1"
    (warning,) = found["warnings"]
    assert warning["ruleName"] == "MaintainerDeprecated"
    assert warning["location"]["ranges"] == [{"start": {"line": 7}, "end": {"line": 7}}]
    assert text == (
        "\nWARNING: MaintainerDeprecated - https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/\n"
        "Maintainer instruction is deprecated in favor of using label\n"
        "Dockerfile:7\n--------------------\n"
        "   5 |     RUN --mount=type=secret,id=token,required=true make\n"
        "   6 |     FROM app\n"
        "   7 | >>> MAINTAINER me\n"
        "   8 |     \n"
        "--------------------\n"
    )


def test_lint_of_a_clean_dockerfile_and_of_one_that_cannot_be_compiled() -> None:
    found, text, metadata = answer("frontend.lint", b"FROM scratch\nCOPY a /\n")
    assert (found["warnings"], text, metadata["result.statuscode"]) == (None, "", b"0")
    found, _, metadata = answer("frontend.lint", b"FROM scratch\nCOPY --from=nobody: a /\n")
    assert metadata["result.statuscode"] == b"1"
    assert found["buildError"]["location"]["ranges"][0]["start"]["line"] == 2


def test_describe() -> None:
    found, text, _ = answer("frontend.subrequests.describe")
    assert [request["name"] for request in found] == [
        "frontend.outline",
        "frontend.targets",
        "frontend.subrequests.describe",
    ]
    assert text.splitlines()[0].split() == ["NAME", "VERSION", "DESCRIPTION"]


def test_the_graph_itself() -> None:
    buildkit = FakeBuildKit({"dockerfile": {"Dockerfile": b"FROM scratch AS a\nCOPY a /\n"}, "context": {}})
    assert buildkit.run(requestid="frontend.convertllb", platform="linux/arm64") == 0
    metadata = dict(buildkit.result.metadata)
    assert sorted(metadata) == ["result.json", "version"]
    found = json.loads(metadata["result.json"])
    assert list(found) == ["def", "metadata", "source"]
    ops = list(found["def"].values())
    (copy,) = [op["file"]["actions"] for op in ops if "file" in op]
    assert copy[0]["input"] == "-1"
    assert copy[0]["copy"]["mode"] == -1
    assert copy[0]["copy"]["timestamp"] == "-1"
    assert {"inputs": [{"digest": copy_digest(found)}]} in ops
    assert found["metadata"][copy_digest(found)]["caps"] == {"file.base": True}
    (info,) = found["source"]["infos"]
    assert (info["filename"], info["language"]) == ("Dockerfile", "Dockerfile")
    assert list(info["definition"]) == ["def", "metadata", "Source"]


def copy_digest(found: dict[str, Any]) -> str:
    (digest,) = [digest for digest, op in found["def"].items() if "file" in op]
    return str(digest)


def test_what_is_not_known_is_refused_by_name() -> None:
    name = "frontend.nonsense"
    buildkit = FakeBuildKit({"dockerfile": {"Dockerfile": DOCKERFILE}})
    assert buildkit.run(requestid=name) == 1
    assert buildkit.error.message == f"unsupported request {name}"
    (detail,) = buildkit.error.details
    assert detail.type_url == "github.com/moby/buildkit/errdefs.Subrequest+json"
    assert json.loads(detail.value) == {"name": name}


@pytest.mark.parametrize(
    ("marked", "shown"),
    [([1], [1, 2, 3]), ([3], [1, 2, 3, 4, 5]), ([2, 3], [1, 2, 3, 4]), ([9], []), ([], [])],
)
def test_an_excerpt_has_the_lines_around(marked: list[int], shown: list[int]) -> None:
    info = SourceInfo("D", b"1\n2\n3\n4\n5\n6\n7")
    numbers = [int(line.split("|")[0]) for line in excerpt(info, marked).splitlines() if "|" in line]
    assert numbers == shown
