"""`dfc show` and `dfc diff`, run as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.cli.definitions import FORMATS, decode, encode
from tests.inspect.graphs import define, image, run
from tests.running import dfc

GRAPH = define(("[1/2] FROM", 1, image("alpine"), ()), ("[2/2] RUN", 2, run("make"), (0,)))
OTHER = define(("[1/2] FROM", 1, image("alpine"), ()), ("[2/2] RUN", 2, run("make all"), (0,)))
SHOWN = """stage
  %1  image  docker.io/library/alpine:latest  (Dockerfile:1)
  %2  run    make  (on %1 · Dockerfile:2)
output %2
"""


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_known_by_its_bytes(form: str) -> None:
    assert decode(encode(GRAPH, form)).vertices == GRAPH.vertices


@pytest.mark.parametrize("length", [0x22, 0x23, 0x25, 0x7B])
def test_llb_is_known_though_its_first_bytes_are_those_of_text(length: int) -> None:
    """A line end, and the length of the first op: 0x23 is "#", 0x25 "%", 0x7B "{"."""
    for size in range(100):
        graph = encode(define(("", 0, run("x" * size), ())), "llb")
        if graph[:2] == bytes([0x0A, length]):
            assert len(decode(graph).vertices) == 1
            return
    pytest.fail("no graph of this length was tried")


@pytest.mark.parametrize("form", FORMATS)
def test_show_reads_each_format_from_file_and_standard_input(tmp_path: Path, form: str) -> None:
    file = tmp_path / "graph"
    file.write_bytes(encode(GRAPH, form))
    for done in (dfc("show", file), dfc("show", "-", stdin=file.read_bytes())):
        assert (done.returncode, done.stdout.decode(), done.stderr) == (0, SHOWN, b"")


def test_diff_says_by_its_exit_code_whether_graphs_are_equal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(encode(GRAPH, "llb"))
    (tmp_path / "b").write_bytes(encode(OTHER, "msgpack"))
    equal = dfc("diff", "a", "a", cwd=tmp_path)
    assert (equal.returncode, equal.stdout) == (0, b"equal: 2 ops\n")
    other = dfc("diff", "a", "b", cwd=tmp_path)
    assert other.returncode == 1
    assert "~ command: make → make all" in other.stdout.decode()


@pytest.mark.parametrize(
    "data", [b"\x0a\xff\xff\xff\xff\x0f", b"\x84\xa6format\xa1x", b"{", b"{}", b"%0 = ", b"\x00", b"[" * 100_000]
)
def test_what_is_no_graph_is_one_message(data: bytes) -> None:
    done = dfc("show", "-", stdin=data)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"dfc: error: stdin: ")
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr


def test_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "g").write_bytes(encode(define(("", 0, run("echo \x1b[31m\x07"), ())), "llb"))
    assert b"\x1b" not in dfc("show", tmp_path / "g").stdout
