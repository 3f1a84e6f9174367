"""The official protobuf library reads what we write and writes the same bytes."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dockerfile_frontend import DockerfileError
from ir_schema import Definition, decode_llb, encode_llb
from ir_schema.vectors import VECTORS
from tests.conformance_adapter import convert
from tests.ir_schema.oracle import otherwise, rewritten
from tests.ir_schema.strategies import definitions

WILD = Path(__file__).resolve().parents[3] / "shared/conformance/cases-wild.jsonl.gz"
SCHEMA = Path(__file__).resolve().parents[2] / "ir_schema/schema"


@pytest.fixture(scope="module")
def pb(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - a generated module
    out = tmp_path_factory.mktemp("pb")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SCHEMA}", f"--python_out={out}", "llb.proto"]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location("llb_pb2", out / "llb_pb2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [n for n in VECTORS if n != "file"])
def test_ops(pb: Any, name: str) -> None:  # noqa: ANN401 - a generated module
    for vertex in VECTORS[name].vertices.values():
        assert rewritten(pb, vertex.encoded) == vertex.encoded


def test_file_actions_hold_the_oneof_last_too(pb: Any) -> None:  # noqa: ANN401 - a generated module
    """Inside a repeated message the library's own order (by number) is Go's as well: the oneof has the highest numbers."""
    for vertex in VECTORS["file"].vertices.values():
        assert rewritten(pb, vertex.encoded) == vertex.encoded


@given(definition=definitions())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_definitions(pb: Any, definition: Definition) -> None:  # noqa: ANN401 - a generated module
    data = encode_llb(definition)
    assert pb.Definition.FromString(data).SerializeToString(deterministic=True) == data


def wild() -> Iterator[tuple[str, bytes]]:
    """The id and the Dockerfile of each file that people wrote."""
    with gzip.open(WILD, "rt") as lines:
        for line in lines:
            case = json.loads(line)
            if case["kind"] == "convert":
                yield case["id"], base64.b64decode(case["dockerfile"])


@pytest.mark.wild
@pytest.mark.slow
@pytest.mark.skipif(
    not WILD.exists(), reason="no ../shared/conformance: no graph of a Dockerfile met the official library"
)
def test_graphs_of_dockerfiles_that_people_wrote(pb: Any) -> None:  # noqa: ANN401 - a generated module
    """Byte for byte the same behind the official library, the whole and each op; and behind our own reader."""
    graphs: dict[str, bytes] = {}
    for name, dockerfile in wild():
        with suppress(DockerfileError):
            graphs[name] = convert(dockerfile)["llb"]
    assert len(graphs) > 1000, "hardly any file compiled"
    assert [name for name, data in graphs.items() if encode_llb(decode_llb(data)) != data] == []
    names = list(graphs)
    assert [names[number] for number in otherwise(Path(pb.__file__).parent, graphs.values())] == []


def test_the_oracle_finds_what_is_written_otherwise(pb: Any) -> None:  # noqa: ANN401 - a generated module
    good = encode_llb(VECTORS["exec"])
    assert otherwise(Path(pb.__file__).parent, [good, good, good + b"\x1a\x00\x1a\x00"]) == [2]
