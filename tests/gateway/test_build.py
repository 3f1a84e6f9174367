"""Whole requests against a BuildKit in memory: what it is asked, and what it is told in the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dockerfile_frontend.gateway import messages as m
from ir_schema.definition import Definition, Vertex
from ir_schema.llb import encode_llb
from ir_schema.ops import Input, Op, OpMetadata, SourceOp
from tests.gateway.buildkit import CAPS, CONFIG, DIGEST, FakeBuildKit, source_of
from tests.gateway.daemon import Answer, Hangup

SIMPLE = b"FROM alpine\nRUN make\nCOPY a /\n"


def folders(dockerfile: bytes, **more: bytes) -> dict[str, dict[str, bytes]]:
    return {"dockerfile": {"Dockerfile": dockerfile}, "context": dict(more)}


def detail(status: m.Status) -> dict[str, Any]:
    (found,) = status.details
    assert found.type_url == "github.com/moby/buildkit/errdefs.Source+json"
    decoded: dict[str, Any] = json.loads(found.value)
    return decoded


def lines(status: m.Status) -> list[int]:
    return [place["start"]["line"] for place in detail(status)["ranges"]]


def sources(buildkit: FakeBuildKit) -> list[str]:
    return [source_of(definition) for definition in buildkit.definitions()]


def test_a_build_reads_the_dockerfile_resolves_the_base_and_returns_a_ref_with_its_config() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE))
    assert buildkit.run() == 0
    assert sources(buildkit) == ["local://dockerfile", "local://context", ""]
    assert buildkit.asked == ["meta docker-image://docker.io/library/alpine:latest"]
    assert buildkit.result.ref == m.Ref("ref2")
    metadata = buildkit.result.metadata
    assert sorted(metadata) == ["containerimage.base.config", "containerimage.config", "refs.platforms"]
    assert json.loads(metadata["containerimage.config"])["config"]["Env"] == ["PATH=/bin"]
    platform = {"architecture": "amd64", "os": "linux"}
    assert json.loads(metadata["refs.platforms"]) == {"Platforms": [{"ID": "linux/amd64", "Platform": platform}]}


def test_local_folders_are_asked_of_the_client_s_session_and_read_anew() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE))
    buildkit.run_with({"local-sessionid:context": "other"})
    found = []
    for definition in buildkit.definitions()[:2]:
        (vertex,) = definition.vertices.values()
        assert isinstance(vertex.op.body, SourceOp)
        found.append(dict(vertex.op.body.attrs))
    assert found == [
        {
            "local.differ": "none",
            "local.followpaths": '["Dockerfile","Dockerfile.dockerignore","dockerfile"]',
            "local.session": "session1",
            "local.sharedkeyhint": "dockerfile",
        },
        {
            "local.differ": "none",
            "local.followpaths": '[".dockerignore"]',
            "local.session": "other",
            "local.sharedkeyhint": "context-.dockerignore",
        },
    ]


def context_attrs(buildkit: FakeBuildKit, name: str = "context") -> dict[str, str]:
    bodies = [vertex.op.body for vertex in buildkit.definitions()[-1].vertices.values()]
    (found,) = [b for b in bodies if isinstance(b, SourceOp) and b.identifier == f"local://{name}"]
    return dict(found.attrs)


def test_the_ignore_file_of_the_context_counts() -> None:
    buildkit = FakeBuildKit(folders(b"FROM scratch\nCOPY . /\n", **{".dockerignore": b"*.log\n"}))
    buildkit.run()
    assert context_attrs(buildkit)["local.excludepatterns"] == '["*.log"]'


def test_the_ignore_file_beside_the_dockerfile_goes_before_it() -> None:
    given = folders(b"FROM scratch\nCOPY . /\n", **{".dockerignore": b"*.log\n"})
    given["dockerfile"]["Dockerfile.dockerignore"] = b"*.tmp\n"
    buildkit = FakeBuildKit(given)
    buildkit.run()
    assert context_attrs(buildkit)["local.excludepatterns"] == '["*.tmp"]'
    assert len(buildkit.solved) == 2


@pytest.mark.parametrize(
    ("large", "message"),
    [("Dockerfile", "failed to read dockerfile: Dockerfile"), ("Dockerfile.dockerignore", "Dockerfile.dockerignore")],
)
def test_a_file_that_is_too_large_to_be_sent_is_refused_in_words_that_say_so(large: str, message: str) -> None:
    def read(request: m.ReadFileRequest) -> Answer:
        if request.path == large:
            return m.Status(8, "grpc: trying to send message larger than max (20000000 vs. 16777216)")
        return FakeBuildKit.readfile(buildkit, request)

    def stat(request: m.StatFileRequest) -> Answer:
        return m.StatFileResponse(m.Stat(request.path, size=20_000_000))

    buildkit = FakeBuildKit(folders(SIMPLE), override={"ReadFile": read, "StatFile": stat})
    assert buildkit.run() == 1
    assert buildkit.error.message == f"{message} exceeds maximum allowed size of 16777216 bytes"


def test_a_dockerfile_may_be_written_small() -> None:
    buildkit = FakeBuildKit({"dockerfile": {"dockerfile": b"FROM scratch\nCOPY a /\n"}, "context": {}})
    assert buildkit.run() == 0


def test_a_named_local_context_has_its_own_ignore_file() -> None:
    given = folders(b"FROM scratch\nCOPY --from=docs . /\n")
    given["more"] = {".dockerignore": b"*.bak\n"}
    buildkit = FakeBuildKit(given)
    assert buildkit.run_with({"context:docs": "local:more"}) == 0
    assert context_attrs(buildkit, "more")["local.excludepatterns"] == '["*.bak"]'
    (asked,) = [request for request in buildkit.solved if request.evaluate]
    assert b"context:docs-.dockerignore" in asked.definition
    assert b"[context docs] load .dockerignore" in asked.definition


@pytest.mark.parametrize(
    ("dockerfile", "context", "title"),
    [
        (b"FROM alpine\n", {}, "[internal] load metadata for docker.io/library/alpine:latest"),
        (
            b"FROM base\n",
            {"context:base::linux/amd64": "docker-image://alpine"},
            "[context base::linux/amd64] load metadata for alpine",
        ),
        (
            b"FROM base\n",
            {"context:base": f"oci-layout://store@{DIGEST}"},
            f"[context base] load metadata for docker.io/library/base@{DIGEST}",
        ),
    ],
)
def test_images_are_called_in_progress_what_the_caller_calls_them(
    dockerfile: bytes, context: dict[str, str], title: str
) -> None:
    titles = []

    def resolve(request: m.ResolveSourceMetaRequest) -> Answer:
        titles.append(request.log_name)
        assert request.source is not None
        return m.ResolveSourceMetaResponse(request.source, m.ImageAnswer(DIGEST, CONFIG))

    buildkit = FakeBuildKit(folders(dockerfile), override={"ResolveSourceMeta": resolve})
    assert buildkit.run_with(context) == 0
    assert titles == [title]


def test_a_named_folder_that_nobody_sends_is_told_at_the_line_that_reads_it() -> None:
    def solve(request: m.SolveRequest) -> Answer:
        if b"local://nowhere" in request.definition:
            return m.Status(5, "rpc error: no access allowed to dir")
        return FakeBuildKit.solve(buildkit, request)

    buildkit = FakeBuildKit(folders(b"FROM scratch\nCOPY --from=docs . /\n"), override={"Solve": solve})
    assert buildkit.run_with({"context:docs": "local:nowhere"}) == 1
    assert (buildkit.error.code, buildkit.error.message) == (5, "rpc error: no access allowed to dir")
    assert lines(buildkit.error) == [2]


def policed(changes: dict[str, str]) -> FakeBuildKit:
    """A daemon whose source policy changes sources; nothing more is known of what it makes of them."""

    def resolve(request: m.ResolveSourceMetaRequest) -> Answer:
        assert request.source is not None
        return m.ResolveSourceMetaResponse(SourceOp(changes[request.source.identifier]))

    given = folders(b"FROM scratch\nCOPY --from=docs . /\n") | {"more": {}}
    return FakeBuildKit(given, override={"ResolveSourceMeta": resolve})


def test_a_named_context_that_a_policy_changes_is_what_it_is_changed_to() -> None:
    buildkit = policed({"docker-image://docker.io/library/x:latest": "local://more"})
    assert buildkit.run_with({"context:docs": "docker-image://x"}) == 0
    assert context_attrs(buildkit, "more")["local.sharedkeyhint"] == "context:docs-"


def test_a_policy_that_goes_in_circles_is_an_error() -> None:
    buildkit = policed({"docker-image://docker.io/library/x:latest": "docker-image://x"})
    assert buildkit.run_with({"context:docs": "docker-image://x"}) == 1
    assert buildkit.error.message == (
        "context recursion limit exceeded; this may indicate a cycle in the provided source policies: docker-image:x"
    )


def test_several_platforms_give_a_ref_and_a_config_each() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE))
    assert buildkit.run(platform="linux/amd64,linux/arm64") == 0
    assert buildkit.result.refs is not None
    assert sorted(buildkit.result.refs.refs) == ["linux/amd64", "linux/arm64"]
    assert {"containerimage.config/linux/amd64", "containerimage.config/linux/arm64"} <= set(buildkit.result.metadata)
    ids = [entry["ID"] for entry in json.loads(buildkit.result.metadata["refs.platforms"])["Platforms"]]
    assert ids == ["linux/amd64", "linux/arm64"]


def test_the_epoch_goes_to_the_exporters() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE))
    buildkit.run_with({"build-arg:SOURCE_DATE_EPOCH": "1700000000"})
    assert buildkit.result.metadata["source.date.epoch"] == b"1700000000"


def test_caches_are_handed_on_with_the_graph() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE))
    entries = json.dumps([{"Type": "local", "Attrs": {"src": "c"}}])
    buildkit.run_with({"cache-imports": entries, "cache-from": "a,b"})
    assert [(entry.type, dict(entry.attrs)) for entry in buildkit.solved[-1].cache_imports] == [
        ("local", {"src": "c"}), ("registry", {"ref": "a"}), ("registry", {"ref": "b"}),
    ]  # fmt: skip


def test_the_context_may_be_a_graph_that_the_client_gives() -> None:
    vertex = Vertex.of(Op(body=SourceOp("https://example.org/files")))
    given = encode_llb(Definition({vertex.digest: vertex}, Input(vertex.digest), {vertex.digest: OpMetadata()}))
    buildkit = FakeBuildKit(folders(b"FROM scratch\nCOPY a /\n"), inputs={"context": given})
    assert buildkit.run() == 0
    assert vertex.digest in buildkit.definitions()[-1].vertices
    assert sources(buildkit) == ["local://dockerfile", ""]


def test_a_graph_of_nothing_is_no_input() -> None:
    buildkit = FakeBuildKit(folders(b"FROM scratch\nCOPY a /\n"), inputs={"context": b""})
    assert buildkit.run() == 1
    assert buildkit.error.message == "failed to get frontend inputs: invalid nil input definition to definition op"


def test_warnings_say_where_they_are_and_where_to_read_on() -> None:
    dockerfile = b"FROM alpine as Base\nRUN make\n"
    buildkit = FakeBuildKit(folders(dockerfile))
    assert buildkit.run() == 0
    first = buildkit.warnings[0]
    assert first.short == b"StageNameCasing: Stage name 'Base' should be lowercase (line 1)"
    assert first.detail == (b"Stage names should be lowercase",)
    assert first.url == "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/"
    assert first.info is not None
    assert first.info.data == dockerfile
    assert first.digest in buildkit.definitions()[0].vertices


def test_warnings_come_when_the_build_fails_too() -> None:
    buildkit = FakeBuildKit(folders(b"FROM nothing as Base\n"))
    assert buildkit.run() == 1
    assert [w.short.partition(b":")[0] for w in buildkit.warnings] == [b"StageNameCasing", b"FromAsCasing"]


def test_a_fault_in_the_dockerfile_is_returned_with_all_lines_of_the_instruction() -> None:
    buildkit = FakeBuildKit(folders(b"FROM scratch\nCOPY --form=x a \\\n  b /\n"))
    assert buildkit.run() == 1
    assert buildkit.error.code == 2
    assert buildkit.error.message.startswith("dockerfile parse error on line 2: unknown flag: --form")
    assert lines(buildkit.error) == [2, 3]
    assert detail(buildkit.error)["info"]["filename"] == "Dockerfile"


@pytest.mark.parametrize(
    ("dockerfile", "shown"),
    [
        (b"ARG W\nFROM alpine\nCOPY --from=$W a /\n", []),
        (b"FROM alpine\nRUN <<EOF\necho one\n", [[2, 3]]),
        (
            b"FROM scratch AS a\nCOPY --from=b a /\nFROM scratch AS b\nCOPY --from=c a /\nFROM b AS c\nCOPY --from=b a /\n",
            [[2], [4], [6]],  # the last is shown first
        ),
    ],
)
def test_errors_are_shown_where_the_reference_shows_them(dockerfile: bytes, shown: list[list[int]]) -> None:
    buildkit = FakeBuildKit(folders(dockerfile))
    assert buildkit.run() == 1
    found = [json.loads(one.value)["ranges"] for one in buildkit.error.details]
    assert [[place["start"]["line"] for place in ranges] for ranges in found] == shown


def test_an_image_that_is_not_there_keeps_the_daemon_s_code() -> None:
    buildkit = FakeBuildKit(folders(b"FROM alpine\nFROM nothing\n"))
    assert buildkit.run() == 1
    assert buildkit.error.code == 5
    assert buildkit.error.message.startswith("nothing: failed to resolve source metadata for docker.io/library/nothing")
    assert lines(buildkit.error) == [2]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"dockerfile": {}}, {}, "failed to read dockerfile: open Dockerfile: no such file or directory"),
        ({}, {}, "failed to resolve dockerfile: no local sources enabled for local://dockerfile"),
        ({"dockerfile": {"Dockerfile": SIMPLE}}, {}, "failed to read dockerignore patterns: no local sources enabled"),
        ({}, {"platform": "a/b/c/d"}, "failed to parse target platform a/b/c/d"),
        ({}, {"cache-imports": "{"}, "failed to unmarshal cache-imports"),
        ({}, {"frontend.caps": "moby.buildkit.frontend.x"}, "unsupported frontend capability moby.buildkit.frontend.x"),
        ({}, {"attest:slsa": ""}, 'unknown attestation type "slsa"'),
    ],
)
def test_a_request_that_cannot_be_answered_is_one_error(
    given: dict[str, dict[str, bytes]], options: dict[str, str], message: str
) -> None:
    buildkit = FakeBuildKit(given)
    assert buildkit.run_with(options) == 1
    assert buildkit.error.message.startswith(message)


def test_a_base_image_whose_config_is_no_json_is_an_error() -> None:
    buildkit = FakeBuildKit(folders(SIMPLE), images={"docker.io/library/alpine:latest": b"{"})
    assert buildkit.run() == 1
    assert (
        "failed to parse image config" in buildkit.error.message or "unexpected end of JSON" in buildkit.error.message
    )


def test_a_daemon_that_ends_in_the_middle_ends_the_frontend(capsys: pytest.CaptureFixture[str]) -> None:
    buildkit = FakeBuildKit(folders(SIMPLE), override={"ResolveSourceMeta": lambda _: Hangup()})
    assert buildkit.run() == 1
    assert capsys.readouterr().err == "the frontend has lost its daemon: the daemon ended the connection\n"


def test_an_empty_dockerfile_is_an_error() -> None:
    buildkit = FakeBuildKit(folders(b""))
    assert buildkit.run() == 1
    assert buildkit.error.message == "the Dockerfile cannot be empty"


def test_a_crash_of_ours_is_one_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("dockerfile_frontend.gateway.build.find_context", broken)
    buildkit = FakeBuildKit(folders(SIMPLE))
    assert buildkit.run() == 1
    assert buildkit.error == m.Status(13, "the frontend failed, which is a fault of its own: KeyError: 'lost'")


class TestOtherFrontend:
    SYNTAX = b"# syntax=example.org/frontend:1 -x\nFROM scratch\n"

    def test_the_one_that_the_dockerfile_names_gets_the_whole_request(self) -> None:
        buildkit = FakeBuildKit(folders(self.SYNTAX))
        assert buildkit.run(target="app") == 0
        request = buildkit.solved[-1]
        assert request.frontend == "gateway.v0"
        assert dict(request.options) == {
            "cmdline": "example.org/frontend:1 -x", "source": "example.org/frontend:1", "target": "app",
        }  # fmt: skip
        assert buildkit.result.ref == m.Ref("ref1")

    def test_but_not_when_this_one_was_started_for_that_line(self) -> None:
        buildkit = FakeBuildKit(folders(self.SYNTAX + b"COPY a /\n"))
        assert buildkit.run(cmdline="example.org/frontend:1 -x") == 0
        assert [request.frontend for request in buildkit.solved] == ["", "", ""]

    def test_a_build_arg_outweighs_the_dockerfile(self) -> None:
        buildkit = FakeBuildKit(folders(self.SYNTAX))
        assert buildkit.run_with({"build-arg:BUILDKIT_SYNTAX": "other/frontend"}) == 0
        assert buildkit.solved[-1].options["source"] == "other/frontend"

    def test_its_refusal_is_shown_at_the_line_that_names_it(self) -> None:
        def solve(request: m.SolveRequest) -> Answer:
            return m.Status(5, "no such image") if request.frontend else FakeBuildKit.solve(buildkit, request)

        buildkit = FakeBuildKit(folders(self.SYNTAX), override={"Solve": solve})
        assert buildkit.run() == 1
        assert buildkit.error.code == 5
        assert lines(buildkit.error) == [1]

    def test_a_dockerfile_in_another_language_is_not_read(self) -> None:
        buildkit = FakeBuildKit(folders(b'{"syntax": "json/frontend", "steps": []}'))
        assert buildkit.run() == 0
        assert buildkit.solved[-1].options["source"] == "json/frontend"


class TestOlderDaemons:
    def test_without_source_metadata_the_config_is_asked_for(self) -> None:
        buildkit = FakeBuildKit(folders(SIMPLE), caps=tuple(cap for cap in CAPS if cap != "source.metaresolver"))
        assert buildkit.run() == 0
        assert buildkit.asked == ["config docker.io/library/alpine:latest"]

    def test_without_array_refs_ids_are_returned(self) -> None:
        buildkit = FakeBuildKit(folders(SIMPLE), caps=tuple(cap for cap in CAPS if cap != "proto.refarray"))
        assert buildkit.run() == 0
        assert buildkit.result.old_ref == "ref2"
        assert buildkit.result.ref is None

    def test_without_return_the_graph_is_solved_once_more_as_the_last(self) -> None:
        caps = tuple(cap for cap in CAPS if cap not in ("return", "proto.refarray"))

        def solve(request: m.SolveRequest) -> m.SolveResponse:
            buildkit.solved.append(request)
            return m.SolveResponse(ref=f"ref{len(buildkit.solved) - 1}")

        buildkit = FakeBuildKit(folders(SIMPLE), caps=caps, override={"Solve": solve})
        assert buildkit.run() == 0
        assert not buildkit.returned
        last = buildkit.solved[-1]
        assert last.final
        assert last.definition == buildkit.solved[2].definition
        assert "containerimage.config" in json.loads(last.exporter_attr)

    def test_without_evaluation_a_file_is_looked_at_instead(self) -> None:
        given = folders(b"FROM scratch\nCOPY --from=docs . /\n") | {"more": {}}
        buildkit = FakeBuildKit(given, caps=tuple(cap for cap in CAPS if cap != "gateway.solve.evaluate"))
        assert buildkit.run_with({"context:docs": "local:more"}) == 0
        assert [question.partition(" ref")[0] for question in buildkit.asked] == ["stat"]

    def test_a_graph_that_it_cannot_run_is_refused_before_it_is_sent(self) -> None:
        llb_caps = ("source.local", "source.local.sessionid", "source.local.sharedkeyhint", "source.local.followpaths")
        buildkit = FakeBuildKit(folders(SIMPLE), llb_caps=llb_caps)
        assert buildkit.run() == 1
        assert buildkit.error.message == (
            "needs BuildKit 0.5 or later: requested prerelease feature file.base  is not supported by build server, please update "
        )

    def test_a_base_config_keeps_what_the_image_says(self) -> None:
        buildkit = FakeBuildKit(folders(SIMPLE))
        buildkit.run()
        assert (
            json.loads(buildkit.result.metadata["containerimage.base.config"])["config"] == json.loads(CONFIG)["config"]
        )


def test_only_a_run_of_nothing_is_a_fault_of_the_graph() -> None:
    for dockerfile, words in (
        (b"FROM scratch\nRUN []\n", "failed to marshal LLB definition: arguments are required"),
        (b"FROM scratch\nMAINTAINER\n", "dockerfile parse error on line 2: MAINTAINER requires exactly one argument"),
    ):
        buildkit = FakeBuildKit(folders(dockerfile))
        assert buildkit.run() == 1
        assert buildkit.error.message == words
