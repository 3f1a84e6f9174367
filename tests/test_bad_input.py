"""Bad input, as a user meets it: one message, bounded time and memory, an exit code, the old output left alone.

    dfc compile . -o graph     FROM scratch            stdin:2:1: error: … unknown instruction: COPPY (did you mean COPY?)
                               COPPY a /a                2 | COPPY a /a
                                                           | ^^^^^
Registries that misbehave are the business of tests/registry and tests/resolvers.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import msgpack
import pytest

from dockerfile_frontend.cli.definitions import encode
from tests.inspect.graphs import define, image, run
from tests.running import DFC, ROOT

PATIENCE = 120
"""Seconds before a process counts as hung: far more than any of these needs."""
MEMORY = 1 << 30
"""Bytes of address space a process may take."""
OLD = b"the graph of yesterday"
GRAPH = define(("[1/2] FROM", 1, image("alpine"), ()), ("[2/2] RUN", 2, run("make"), (0,)))


def confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def dfc(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`dfc` within bounds; one that hangs or dies of a signal fails the test."""
    return subprocess.run(
        [*DFC, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=PATIENCE,
        preexec_fn=confine,
        check=False,
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    file = tmp_path / "graph"
    file.write_bytes(OLD)
    return file


def refused(dockerfile: bytes, output: Path, *flags: str) -> list[str]:
    """The lines a user reads of a Dockerfile that is refused."""
    done = dfc("compile", "-", "--offline", "-q", "-o", output, *flags, stdin=dockerfile)
    assert (done.returncode, done.stdout, output.read_bytes()) == (1, b"", OLD)
    assert sorted(output.parent.iterdir()) == [output]
    return one_message(done)


def one_message(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    lines = done.stderr.decode().splitlines()
    assert sum("error: " in line for line in lines) == 1
    assert not any("Traceback" in line or "internal error" in line for line in lines)
    assert max(map(len, lines)) < 1000, "nobody reads a line of that length"
    return lines


NESTED = b"${a:-" * 10_000
BODY = {
    "empty": (b"", "stdin: error: the Dockerfile cannot be empty"),
    "only comments": (b"# a\n\n# b\n", "stdin:3: error: file with no instructions"),
    "no FROM": (b"RUN a\n", "stdin:1:1: error: no build stage in current context"),
    "unknown instruction": (b"FROM scratch\nCOPPY a /\n", "stdin:2:1: error: |unknown instruction: COPPY (did you mean COPY?)"),
    "unknown flag": (b"FROM scratch\nCOPY --form=a b /\n", "stdin:2:6: error: |unknown flag: --form (did you mean from?)"),
    "unknown mount key": (b"FROM scratch\nRUN --mount=targt=/c a\n", "stdin:2:13: error: |'targt'|(did you mean target?)"),
    "unknown mount type": (b"FROM scratch\nRUN --mount=type=cach a\n", "stdin:2:13: error: |(did you mean cache?)"),
    "number of no stage": (b"FROM scratch\nCOPY --from=7 a /\n", "stdin:2:1: error: |7"),
    "cycle of stages": (
        b"FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\nCOPY --from=a /x /\n",
        "stdin:2:1: error: circular dependency detected on stage: a",
    ),
    "unclosed heredoc": (b"FROM scratch\nCOPY <<END /a\nx\n", "stdin:2:6: error: unterminated heredoc"),
    "bad escape directive": (b"# escape=x\nFROM scratch\n", "stdin:1:10: error: invalid escape token"),
    "instruction that is not UTF-8": (b"FROM scratch\n\xff\xfe\n", "stdin:2:1: error: |unknown instruction"),
    "command that is not UTF-8": (b"FROM scratch\nRUN \xe9\n", "stdin:2:1: error: |invalid UTF-8"),
    "NUL": (b"FROM scratch\nFRO\0M a\n", "stdin:2:1: error: |unknown instruction"),
    "CRLF": (b"FROM scratch\r\nCOPPY a /\r\n", "stdin:2:1: error: |did you mean COPY?"),
    "BOM": (b"\xef\xbb\xbfFRON scratch\n", "stdin:1:1: error: |did you mean FROM?"),
    "deep nesting left open": (b"FROM scratch\nENV A=" + NESTED + b"\n", "stdin:2:1: error: failed to process"),
    "words that explode": (
        b"FROM scratch\nENV A0=aaaaaaaaaa\n" + b"".join(b"ENV A%d=%s\n" % (n + 1, b"$A%d" % n * 9) for n in range(40)),
        "stdin:8:1: error: failed to process",
    ),
    "huge JSON": (b"FROM scratch\nCMD [" + b'"a",' * 1_000_000 + b'"b"]\n', "stdin:2: error: |greater than max allowed size"),
    "deep JSON": (b"FROM scratch\nSHELL " + b"[" * 60_000 + b"\n", "stdin:2:7: error: |JSON form"),
    "100 MB": (b"FROM scratch\n" * (100_000_000 // 13), "dfc: error: standard input is larger than 16 MiB"),
    "16 MB on a line": (b"FROM " + b"a" * (16 << 20), "dfc: error: standard input is larger than 16 MiB"),
    "a zip bomb's first bytes": (b"\x1f\x8b\x08\0\0", "dfc: error: a build context on standard input is not supported"),
}
"""Dockerfile, and what its message says: the beginning, then parts."""


@pytest.mark.parametrize("name", BODY)
def test_a_bad_dockerfile(name: str, output: Path) -> None:
    dockerfile, wanted = BODY[name]
    lines = refused(dockerfile, output)
    opening, *parts = wanted.split("|")
    assert lines[0].startswith(opening)
    assert all(part in lines[0] for part in parts)
    if opening.count(":") > 3:  # it has a column
        gutter, caret = lines[1].partition(" | ")[0], lines[2].partition(" | ")[2]
        assert gutter.strip() == opening.split(":")[1]
        assert set(caret) <= {" ", "^"}
        assert caret.index("^") == int(opening.split(":")[2]) - 1


def test_an_unknown_target(output: Path) -> None:
    lines = refused(b"FROM scratch AS build\n", output, "--target", "biuld")
    assert 'target stage "biuld" could not be found (did you mean build?)' in lines[0]


LARGE = {
    "100,000 instructions": b"FROM scratch\n" + b"ENV A=1\n" * 100_000,
    "100,000 comments": b"FROM scratch\n" + b"# a\n" * 100_000,
    "a line continued 100,000 times": b"FROM scratch\nRUN a" + b" \\\n b" * 100_000 + b"\n",
    "deep nesting": b'FROM scratch\nENV A="' + NESTED + b"x" + b"}" * 10_000 + b'"\n',
    "10,000 stages": b"FROM scratch AS s0\n" + b"".join(b"FROM s%d AS s%d\n" % (n, n + 1) for n in range(10_000)),
    "5,000 heredocs": b"FROM scratch\nCOPY %s /x/\n%s"
    % (b" ".join(b"<<E%d" % n for n in range(5000)), b"".join(b"E%d\n" % n for n in range(5000))),
    "patterns that backtrack": b"FROM scratch\nENV A=" + b"a" * 50_000 + b"\nENV B=${A//*a*a*a*a*b/c}\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_dockerfile_compiles_within_bounds(name: str, output: Path) -> None:
    done = dfc("compile", "-", "--offline", "-q", "-o", output, stdin=LARGE[name])
    assert (done.returncode, done.stderr) == (0, b"")
    assert output.read_bytes() != OLD


Make = Callable[[Path], None]
PLACES: Mapping[str, tuple[Make, str]] = {
    "folder": (Path.mkdir, "is a folder, not a file"),
    "pipe": (os.mkfifo, "is a pipe or device"),
    "link out of the context": (lambda path: path.symlink_to("/etc/hostname"), "symbolic link out of the build context"),
    "link to an endless device": (lambda path: path.symlink_to("/dev/zero"), "symbolic link out of the build context"),
    "link to itself": (lambda path: path.symlink_to(path.name), "symbolic link"),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_stands_in_place_of_the_dockerfile(name: str, output: Path) -> None:
    context = output.parent / "context"
    context.mkdir()
    make, said = PLACES[name]
    make(context / "Dockerfile")
    done = dfc("compile", context, "-o", output)
    assert (done.returncode, done.stdout, output.read_bytes()) == (1, b"", OLD)
    assert said in one_message(done)[0]


PACKED, LLB = encode(GRAPH, "msgpack"), encode(GRAPH, "llb")
HOSTILE = {
    "empty map": b"\x80",
    "half a msgpack": PACKED[: len(PACKED) // 2],
    "half an LLB": LLB[: len(LLB) // 2],
    "msgpack that promises 4 G entries": PACKED[:8] + b"\xad" + b"dockerfile-ir" + b"\xa3ops\xdd\xff\xff\xff\xff",
    "LLB that promises 2 GB": b"\x0a\xff\xff\xff\xff\x07",
    "deep msgpack": b"\x82\xa6format" + b"\x91" * 1_000_000,
    "deep JSON": b'{"format":' + b"[" * 1_000_000,
    "an op of another kind of value": msgpack.packb({"format": "dockerfile-ir", "version": [1, 0], "ops": [7]}),
    "a newer major version": msgpack.packb({"format": "dockerfile-ir", "version": [2, 0], "ops": []}),
    "endless varint": b"\x0a" + b"\xff" * 1_000_000,
    "text": b"%0 = exec {" + b"a={" * 100_000,
    "noise": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("command", ["show", "diff"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_graph(name: str, command: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(LLB)
    bad.write_bytes(HOSTILE[name])
    done = dfc(command, bad) if command == "show" else dfc(command, good, bad)
    assert done.returncode in (1, 2)
    assert done.stdout == b""
    said = one_message(done)[0]
    assert said.startswith((f"dfc: error: {bad}: ", f"{bad}:"))  # dfc diff takes what is no graph for a Dockerfile


CONTEXTS = {
    "a file": ("{}/graph", "graph"),
    "nothing": ("", "NAME=VALUE"),
    "no layout": ("oci-layout://{}/nowhere", "nowhere"),
    "a scheme nobody knows": ("ftp://example.com/a", "ftp://example.com/a"),
    "a bad reference": ("docker-image://UPPER//", "invalid reference format"),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_bad_named_context(name: str, output: Path) -> None:
    value, said = CONTEXTS[name]
    flags = ("--build-context", f"x={value.format(output.parent)}")
    done = dfc("compile", "-", "--offline", "-o", output, *flags, stdin=b"FROM x\n")
    assert done.returncode in (1, 2)
    assert (done.stdout, output.read_bytes()) == (b"", OLD)
    assert said in one_message(done)[0]


def test_an_argument_that_is_not_utf8(output: Path) -> None:
    lines = refused(b"FROM scratch\nARG A\nRUN a\n", output, "--build-arg", "A=\udce9")
    assert lines == ["stdin: error: option build-arg:A is not UTF-8 [option]"]
