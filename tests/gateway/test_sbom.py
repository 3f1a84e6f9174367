"""attest:sbom and attest:provenance, as clients write them."""

from __future__ import annotations

import json

import pytest

from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.sbom import Generator, read_generator
from dockerfile_frontend.gateway.status import RpcError
from ir_schema.llb_reader import decode_llb
from ir_schema.ops import ExecOp
from tests.gateway.buildkit import CONFIG, FakeBuildKit

SCANNER = "docker.io/library/scan:1"
IMAGES = {"docker.io/library/alpine:latest": CONFIG, SCANNER: json.dumps({"config": {"Cmd": ["scan"]}}).encode()}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, None),
        ({"attest:provenance": "mode=max"}, None),
        ({"attest:sbom": ""}, Generator("docker.io/docker/buildkit-syft-scanner:stable-1", {})),
        ({"attest:SBOM": "generator=scan"}, Generator("docker.io/library/scan:latest", {})),
        ({"build-arg:BUILDKIT_ATTEST_SBOM": 'generator=scan:1,"a=b,c",d'}, Generator(SCANNER, {"a": "b,c", "d": ""})),
    ],
)
def test_what_the_options_ask_for(options: dict[str, str], found: Generator | None) -> None:
    assert read_generator(options) == found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attest:slsa": ""}, 'unknown attestation type "slsa"'),
        ({"attest:sbom": "generator=A:B:C"}, "failed to parse sbom scanner A:B:C: "),
        ({"attest:sbom": 'x="'}, "failed to parse sbom: "),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(RpcError) as caught:
        read_generator(options)
    assert str(caught.value).startswith(message)


def build(**options: str) -> FakeBuildKit:
    buildkit = FakeBuildKit({"dockerfile": {"Dockerfile": b"FROM alpine\nCOPY a /\n"}, "context": {}}, images=IMAGES)
    buildkit.run_with({"attest:sbom": "generator=scan:1", **options})
    return buildkit


@pytest.mark.parametrize("platforms", [["linux/amd64"], ["linux/amd64", "linux/arm64"]])
def test_every_platform_gets_a_scan(platforms: list[str]) -> None:
    buildkit = build(platform=",".join(platforms))
    assert sorted(buildkit.result.attestations) == platforms
    for name in platforms:
        (statement,) = buildkit.result.attestations[name].attestation
        assert (statement.kind, statement.predicate_type) == (1, "https://spdx.dev/Document")
        assert dict(statement.metadata) == {"reason": b"sbom", "sbom-core": b"sbom"}
        assert statement.ref is not None
        scan = decode_llb(buildkit.solved[int(statement.ref.id.removeprefix("ref"))].definition)
        assert scan.output is not None
        assert scan.output.index == 1
        (op,) = [v.op.body for v in scan.vertices.values() if isinstance(v.op.body, ExecOp)]
        assert isinstance(op, ExecOp)


def test_a_scanner_that_is_not_there_or_runs_nothing_is_one_error() -> None:
    assert build(**{"attest:sbom": "generator=none"}).error.code == 5
    assert build(**{"attest:sbom": "generator=alpine"}).error == m.Status(
        2, "scanner docker.io/library/alpine:latest does not have cmd"
    )
