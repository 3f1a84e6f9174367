"""What is fuzzed: everything that reads bytes from outside.

A target's answer says what happened in a word: the kind of refusal, or the shape of what was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ir_schema
from dockerfile_frontend import CompileOptions, DockerfileError, compile_dockerfile
from ir_schema import Definition, FormatError
from ir_schema.legality import check_legality
from ir_schema.text import dump_text, parse_text
from tests.fuzz.engine import Target, generalize
from tests.inspect.graphs import copy, define, image, local, run
from tests.running import ROOT


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """A target, where its search starts, and words to throw in."""

    target: Target
    seeds: Sequence[bytes]
    tokens: Sequence[bytes] = ()


def seed_graphs() -> list[Definition]:
    folder = ROOT / "ir_schema" / "vectors"
    build = define(
        ("[1/3] FROM", 1, image("alpine"), ()),
        ("[internal]", 0, local(followpaths='["a"]'), ()),
        ("[2/3] COPY", 2, copy("/a", "/a", without=("*.o",)), (0, 1)),
        ("[3/3] RUN", 3, run("make", env=("A=1",)), (2,)),
    )
    vectors = [json.loads(file.read_text())["definition"] for file in sorted(folder.glob("*.json"))]
    return [build, *(ir_schema.decode_json(json.dumps(vector).encode()) for vector in vectors)]


def shape(definition: Definition) -> str:
    """Which kinds of op a graph has, and whether it kept foreign bytes."""
    kinds = {
        type(v.op.body).__name__ + "*" * (v.encoded != ir_schema.encode_op(v.op)) for v in definition.vertices.values()
    }
    return " ".join(sorted(kinds))


def reads(
    decode: Callable[[bytes], Definition], encode: Callable[[Definition], bytes], *, tokens: Sequence[bytes] = ()
) -> Fuzzed:
    """A legal graph that is read is written again, read again, and is the same."""

    def target(data: bytes) -> str:
        try:
            definition = decode(data)
        except FormatError as error:
            return generalize(str(error))
        if not check_legality(definition):
            assert decode(encode(definition)) == definition
        return shape(definition)

    return Fuzzed(target, [encode(graph) for graph in seed_graphs()], tokens)


def dump(definition: Definition) -> bytes:
    return dump_text(definition).encode("utf-8", "surrogateescape")


def parse_dump(data: bytes) -> Definition:
    return parse_text(data.decode("utf-8", "surrogateescape"))


def compiles() -> Fuzzed:
    """Bytes in place of a Dockerfile: a refusal or a graph, and the same graph again."""
    from tests.conformance_adapter import EveryImage  # noqa: PLC0415  it sets up a path when imported

    def target(data: bytes) -> str:
        try:
            graph = compile_dockerfile(data, CompileOptions(), EveryImage()).target.definition
        except DockerfileError as error:
            return f"{error.code} {generalize(str(error))[:40]}"
        assert ir_schema.decode_llb(ir_schema.encode_llb(graph)).vertices.keys() == graph.vertices.keys()
        return shape(graph)

    folders = (ROOT / "fixtures" / "bytes", ROOT / "fixtures" / "hostile")
    seeds = [file.read_bytes() for folder in folders for file in sorted(folder.iterdir())]
    return Fuzzed(target, [*seeds, (ROOT / "fixtures" / "site" / "Dockerfile").read_bytes()], DOCKERFILE_TOKENS)


DOCKERFILE_TOKENS = (
    b"\nFROM a AS b\n",
    b"\nRUN --mount=type=cache,target=/c x\n",
    b"\nCOPY --from=b --link --parents ./a/*b /c/\n",
    b"\nADD --checksum=sha256:0 https://example.com/x.git#a:b /d\n",
    b"\nHEALTHCHECK --interval=1s CMD x\n",
    b"\nONBUILD ",
    b"\nARG A=",
    b'\nENV B=$A C="',
    b"<<E",
    b"\nE\n",
    b"# escape=`\n",
    b"${A:-${B:+c}}",
    b"${A//[a-z]*/b}",
    b"${A#*?}",
    b'["a", "\\u0000"]',
    b"\\\n",
    b"--platform=$TARGETPLATFORM ",
    b"\xef\xbb\xbf",
)
JSON_TOKENS = (b"{", b"[", b'"body":{"exec":{}}', b'"inputs":[{}]', b"1e999", b"null", b'"\\ud800"', b"9" * 400)
LLB_TOKENS = (
    b"\xff" * 9 + b"\x01",
    b"\x0a\x00",
    b"\x12\x00",
    b"\x1a\x02\x0a\x00",
    b"\xa2\x06",
    b"\x0b\x0c",
    b"\x80" * 11,
)
MSGPACK_TOKENS = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc1",
    b"\xc7\x01\x05",
    b"\xcb\x7f\xf8" + b"\0" * 6,
)
TEXT_TOKENS = (
    b"%0",
    b"return %0",
    b"meta return {}",
    b'raw ""',
    b"{a=1}",
    b"[",
    b"\\u0000",
    b"source {}",
    b" scratch, ",
    b" on linux/amd64",
    b": copy /a -> /b mode=0755",
    b", mount /x type=cache",
)

TARGETS: Mapping[str, Callable[[], Fuzzed]] = {
    "dockerfile": compiles,
    "json": lambda: reads(ir_schema.decode_json, ir_schema.encode_json, tokens=JSON_TOKENS),
    "llb": lambda: reads(ir_schema.decode_llb, ir_schema.encode_llb, tokens=LLB_TOKENS),
    "msgpack": lambda: reads(ir_schema.decode_msgpack, ir_schema.encode_msgpack, tokens=MSGPACK_TOKENS),
    "text": lambda: reads(parse_dump, dump, tokens=TEXT_TOKENS),
}
