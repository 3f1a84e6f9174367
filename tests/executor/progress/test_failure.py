"""What is shown of a step that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend import CompileOptions, Recorded, compile_dockerfile
from dockerfile_frontend.executor.progress.failure import WHOLE_LOG, excerpt, failure_lines
from dockerfile_frontend.executor.progress.logs import StepLogs
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError
from ir_schema import Definition
from ir_schema.ops import ExecOp, FileOp

DOCKERFILE = b"""\
FROM scratch AS a
COPY x /x
WORKDIR /w

RUN make && \\
    make install
# the end
"""


@pytest.fixture(scope="module")
def definition() -> Definition:
    return compile_dockerfile(DOCKERFILE, CompileOptions(), Recorded()).target.definition


def digest_of(definition: Definition, kind: type) -> str:
    return next(d for d, vertex in definition.vertices.items() if isinstance(vertex.op.body, kind))


def test_the_source_is_quoted_as_the_reference_quotes_it(definition: Definition) -> None:
    assert list(excerpt(definition, digest_of(definition, ExecOp))) == [
        "Dockerfile:5",
        "--------------------",
        "   4 |     ",
        "   5 | >>> RUN make && \\",
        "   6 | >>>     make install",
        "   7 |     # the end",
        "--------------------",
    ]
    assert list(excerpt(definition, digest_of(definition, FileOp)))[:4] == [
        "Dockerfile:2",
        "--------------------",
        "   1 |     FROM scratch AS a",
        "   2 | >>> COPY x /x",
    ]


def test_a_graph_without_a_source_map_is_not_quoted(definition: Definition) -> None:
    assert list(excerpt(Definition(definition.vertices, definition.output), digest_of(definition, ExecOp))) == []


def test_the_whole_log_of_a_failed_step(definition: Definition, tmp_path: Path) -> None:
    digest = digest_of(definition, ExecOp)
    logs = StepLogs(tmp_path, "1")
    logs.write(digest, b"".join(b"line %d\n" % n for n in range(100)) + b"\x1b[31mlast")
    error = StepError(digest, "[3/3] RUN make", ExecutorError("exit code: 1"))
    whole = list(failure_lines(error, [definition], logs, whole=True))
    assert whole[:3] == ["------", " > [3/3] RUN make:", "line 0"]
    assert whole[101:105] == ["line 99", "last", "------", "Dockerfile:5"]
    short = list(failure_lines(error, [definition], logs, whole=False))
    assert short[2:13] == [*(f"line {n}" for n in range(91, 100)), "last", "------"]


def test_of_an_endless_log_the_end_is_shown(definition: Definition, tmp_path: Path) -> None:
    digest = digest_of(definition, ExecOp)
    logs = StepLogs(tmp_path, "1")
    logs.write(digest, b"first\n" + b"x\n" * WHOLE_LOG + b"last\n")
    shown = list(failure_lines(StepError(digest, "RUN", ExecutorError("no")), [definition], logs, whole=True))
    assert str(logs.path(digest)) in shown[2]
    assert "first" not in shown
    assert shown[shown.index("------", 2) - 1] == "last"


def test_a_step_that_said_nothing_in_a_graph_nobody_has(tmp_path: Path) -> None:
    error = StepError("sha256:x", "RUN \x1b[2J", ExecutorError("no"))
    assert list(failure_lines(error, [], StepLogs(tmp_path, "1"), whole=True)) == ["------", " > RUN :", "------"]
