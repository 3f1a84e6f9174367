"""What only BuildKit's client library can ask: keys of results, graphs as inputs, files of results. Both frontends answer alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.components import require
from tests.e2e.conftest import BuildKit
from tests.e2e.frontend.asking import PATIENCE, Asker, Json, asking, by, without_chance
from tests.e2e.frontend.test_process import Holding, frontends, serving
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

DOCKERFILE = """\
# syntax-free
ARG BASE=busybox:1.37
# tools for everybody
FROM --platform=$BUILDPLATFORM $BASE AS tools
# WHO is greeted
ARG WHO=you
ARG TARGETARCH
RUN --mount=type=secret,id=token --mount=type=ssh,required=true echo $WHO $TARGETARCH >/hello
FROM scratch AS made
COPY --from=tools /hello /
COPY --link src/ /src/
ENV A=$UNDEFINED
MAINTAINER me
# the last
FROM made AS Last
LABEL b=c
"""
QUIET = """\
FROM busybox:1.37 AS one
WORKDIR /deep/er
COPY --chmod=640 src /src
RUN ln -s /src /link && echo made >made && chmod 4711 made
FROM one
USER 1
CMD ["sh"]
"""
INNER = {"contextkey": "inner", "dockerfilekey": "inner"}
"""Of a build inside: its folders have other names."""
Agree = Callable[..., Json]


@pytest.fixture(scope="module")
def asker(buildkit: BuildKit) -> Iterator[Asker]:
    with asking(require("asker"), buildkit.socket) as asker:
        yield asker


@pytest.fixture
def agree(asker: Asker, frontend_image: str, library: str, tmp_path: Path) -> Agree:
    """Asks both frontends; what they both say."""
    assert library
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text(str(tmp_path))

    def ask(dockerfile: str = DOCKERFILE, **job: object) -> Json:
        (tmp_path / "Dockerfile").write_text(dockerfile)
        folders = {"context": str(tmp_path), "dockerfile": str(tmp_path)}
        whole = {"Locals": folders, **job}
        begun = [asker.begin(by(frontend, whole)) for frontend in ("", frontend_image)]
        theirs, ours = (without_chance(future.result(PATIENCE)) for future in begun)
        for key in theirs.keys() | ours.keys():
            assert ours.get(key) == theirs.get(key), key
        return ours

    return ask


QUESTIONS = ("targets", "outline", "lint", "convertllb", "subrequests.describe")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_key_of_an_answer(agree: Agree, question: str) -> None:
    found = agree(Options={"requestid": f"frontend.{question}"})
    keys = {"result.json", "version"} | ({"result.txt"} if question != "convertllb" else set())
    assert set(found["Metadata"]) == keys | ({"result.statuscode"} if question == "lint" else set())
    assert bool(found["Warnings"]) == (question in ("outline", "convertllb"))
    assert "Refs" not in found


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("fault", ["FROM busybox:1.37\nCOPY --nope a b\n", "# check=error=true\nFROM scratch\nMAINTAINER me\n"])
def test_questions_about_a_dockerfile_at_fault(agree: Agree, question: str, fault: str) -> None:
    assert agree(fault, Options={"requestid": f"frontend.{question}"})


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_about_one_target_and_with_options(agree: Agree, question: str) -> None:
    more = {"target": "tools", "build-arg:WHO": "me", "platform": "linux/arm64,linux/amd64"}
    more["build-arg:BUILDKIT_DOCKERFILE_CHECK"] = "skip=all"
    assert agree(Options={"requestid": f"frontend.{question}", **more})["Metadata"]["version"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target": "made", "platform": "linux/amd64,linux/arm64"},
        {"platform": "linux/arm64", "multi-platform": "true", "build-arg:SOURCE_DATE_EPOCH": "1700000000"},
        {"label:x": "y", "no-cache": "tools", "shm-size": "1000000", "add-hosts": "a=192.0.2.1"},
        {"hostname": "h", "force-network-mode": "none", "ulimit": "nofile=1:2", "cgroup-parent": "x"},
    ],
    ids=str,
)
def test_every_key_and_op_of_a_result(agree: Agree, options: dict[str, str]) -> None:
    found = agree(Options=options)
    assert len(found["Warnings"]) == 3
    for result in found["Refs"].values():
        assert len(result["Graph"]) >= 5


def test_files_of_a_result_can_be_read(agree: Agree) -> None:
    files = agree(QUIET, Read=True, Evaluate=True)["Refs"][""]["Files"]
    assert files["/deep/er/made"].startswith("urwx--x--x 0:0  sha256:")
    assert files["/src/a"].startswith("-rw-r----- ")
    assert files["/link"].endswith(" /src")


def test_a_graph_is_context_and_dockerfile(agree: Agree) -> None:
    here = {"context": {"Files": {"/a": "one"}}, "dockerfile": {"Files": {"/Dockerfile": "FROM scratch\nCOPY a /b\n"}}}
    found = agree(Inputs=here, Locals={}, Read=True)
    assert list(found["Refs"][""]["Files"]) == ["/b"]


def test_one_graph_of_several_names(agree: Agree) -> None:
    made = {"Files": {"/Dockerfile": "FROM scratch\nCOPY x/a /b\n", "/x": ""}}
    options = {"contextkey": "all", "dockerfilekey": "all"}
    assert "Error" in agree(Inputs={"all": made}, Options=options, Locals={}, Read=True)
    made = {"Files": {"/Dockerfile": "FROM scratch\nCOPY a /b\n", "/a": "", "/.dockerignore": "a\n"}}
    assert "Error" in agree(Inputs={"all": made}, Options=options, Locals={}, Read=True)


def test_a_graph_is_a_named_context(agree: Agree) -> None:
    more = {"Files": {"/a": "one", "/b": "two"}}
    dockerfile = "FROM scratch\nCOPY --from=more b /\nRUN --mount=from=more,target=/x true\nFROM more\nCOPY --from=0 b /c\n"
    missing = "FROM scratch\nCOPY --from=more b /\n"
    found = agree(dockerfile, Inputs={"in": more}, Options={"context:more": "input:in"}, Read=False)
    assert len(found["Refs"][""]["Graph"]) == 6
    assert "Error" in agree(missing, Options={"context:more": "input:in"})


@pytest.mark.parametrize("metadata", [True, False], ids=["with its config", "as files alone"])
def test_a_build_continues_another_s_result(agree: Agree, *, metadata: bool, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "Dockerfile").write_text("FROM busybox:1.37\nENV INNER=1\nUSER 7\nWORKDIR /there\nONBUILD ENV LATE=2\n")
    base = {"Job": {"Locals": {"inner": str(tmp_path / "base")}, "Options": INNER}, "Metadata": metadata}
    found = agree("FROM base\nRUN echo $INNER\n", Inputs={"in": base}, Options={"context:base": "input:in"})
    assert ("INNER=1" in found["Metadata"]["containerimage.config"]) == metadata
    assert ("LATE=2" in found["Metadata"]["containerimage.config"]) == metadata


def test_a_build_continues_another_s_result_of_each_platform(agree: Agree, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "Dockerfile").write_text("FROM scratch\nARG TARGETARCH\nENV OF=$TARGETARCH\nCOPY Dockerfile /$TARGETARCH\n")
    platforms = ("linux/amd64", "linux/arm64")
    options = {"platform": ",".join(platforms)}
    job = {"Locals": {"inner": str(tmp_path / "base")}, "Options": options | INNER}
    inputs = {f"in::{one}": {"Job": job, "Metadata": True, "Platform": one} for one in platforms}
    given = {f"context:base::{one}": f"input:in::{one}" for one in platforms}
    found = agree("FROM base\nLABEL of=$OF\n", Inputs=inputs, Options={**options, **given}, Read=True)
    for one in platforms:
        assert list(found["Refs"][one]["Files"]) == [f"/{one.partition('/')[2]}"]


NO_SENSE = ("", "{", "[]", "null", "1", '{"a": 3}', '{"a": [1, 2]}')
NO_CONFIG = ('"e30="', '"ew=="', '"e3"', '""', '"W10="', '"bnVsbA=="', "null", "3", "[123, 125]", "[300]", "[true]")


@pytest.mark.parametrize("metadata", [*NO_SENSE, *(f'{{"containerimage.config": {one}}}' for one in NO_CONFIG)])
def test_metadata_of_an_input_that_makes_no_sense(agree: Agree, metadata: str) -> None:
    options = {"context:base": "input:in", "input-metadata:in": metadata}
    assert agree("FROM base\nCOPY src /\n", Inputs={"in": {"Files": {"/a": "x"}}}, Options=options)


def test_options_of_a_newer_client(agree: Agree) -> None:
    newer = {"frontend.caps": "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests+forward", "some-day": "on", "context:": ""}
    assert agree(Options=newer)


def test_a_client_that_leaves_in_the_middle(asker: Asker, frontend_image: str) -> None:
    """It is not waited for, the frontend ends, and the daemon is ready for the next."""
    with Holding() as server, serving(server):
        job = by(frontend_image, {"Options": {"context": server.url}, "LeaveAt": "load remote build context"})
        assert "canceled" in asker.ask(job)["Error"]
        until(lambda: not list(frontends(server.url)), "the frontends to end")
    found = asker.ask(by(frontend_image, {"Options": {"requestid": "frontend.none"}}))
    assert "Error" in found
