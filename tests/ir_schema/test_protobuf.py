"""The official protobuf library reads what we write and writes the same bytes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ir_schema import Definition, encode_llb
from ir_schema.vectors import VECTORS
from tests.ir_schema.strategies import definitions

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


def rewritten(pb: Any, encoded: bytes) -> bytes:  # noqa: ANN401 - a generated module
    """An op as the library writes it, the oneof's field moved behind the others as Go does: two messages in a row are one."""
    op = pb.Op.FromString(encoded)
    body = pb.Op.FromString(encoded)
    kind = op.WhichOneof("body")
    if kind:
        op.ClearField(kind)
        for name in ("inputs", "platform", "constraints"):
            body.ClearField(name)
    else:
        body.Clear()
    return bytes(op.SerializeToString(deterministic=True) + body.SerializeToString(deterministic=True))


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
