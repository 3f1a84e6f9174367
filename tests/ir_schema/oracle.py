r"""The official protobuf library in a process of its own: reads definitions, prints which it would write otherwise.

    python -m tests.ir_schema.oracle FOLDER_OF_llb_pb2 < definitions, each behind its length in 8 bytes  ──▶  3\n17\n

Its implementation in Python has to be chosen before it is imported. The one in C puts a key after longer ones that begin with
it ("a.b" before "a"), in maps where Go and the library in Python sort as everybody does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

SIZE = 8
ROOT = Path(__file__).resolve().parents[2]


def otherwise(schema: Path, definitions: Iterable[bytes]) -> list[int]:
    """Numbers of the definitions that the library does not write as they are."""
    framed = b"".join(len(data).to_bytes(SIZE, "big") + data for data in definitions)
    command = [sys.executable, "-m", "tests.ir_schema.oracle", str(schema)]
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, input=framed, stdout=subprocess.PIPE, env=environment, check=True)
    return [int(line) for line in done.stdout.split()]


def read_framed(file: BinaryIO) -> Iterator[bytes]:
    while size := file.read(SIZE):
        yield file.read(int.from_bytes(size, "big"))


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


def same(pb: Any, data: bytes) -> bool:  # noqa: ANN401 - a generated module
    """The whole, and each op in it, comes out as it went in."""
    definition = pb.Definition.FromString(data)
    ops = getattr(definition, "def")
    return definition.SerializeToString(deterministic=True) == data and all(rewritten(pb, op) == op for op in ops)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    library = import_module("llb_pb2")
    for number, data in enumerate(read_framed(sys.stdin.buffer)):
        if not same(library, data):
            print(number, flush=True)
