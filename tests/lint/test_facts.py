"""What a rule sees: state before each instruction, stages and their place among the others, spans."""

from __future__ import annotations

import pytest

from dockerfile_frontend.instructions.model import Copy, Run, User
from dockerfile_frontend.source import Span
from tests.lint.linting import KNOWN, facts

INHERITED = """\
ARG VERSION=3.20
FROM alpine:$VERSION AS Base
SHELL ["/bin/ash", "-o", "pipefail", "-c"]
ENV A=1 B=$A-x
WORKDIR /app
WORKDIR sub
USER $WHO
ONBUILD ENV SEEN=yes
FROM base
ARG A
RUN make
"""


def test_state_is_inherited_through_stages() -> None:
    (step, _run), *others = facts(INHERITED).each(Run)
    assert not others
    at = step.before
    assert at.shell == ("/bin/ash", "-o", "pipefail", "-c")
    assert at.workdir == "/app/sub"
    assert at.user == "$WHO"
    assert at.env["B"] == "$A-x"
    assert at.env["SEEN"] == "yes"
    assert at.onbuild == ()
    assert not at.base_known


def test_a_known_base_image_says_where_the_stage_begins() -> None:
    (step, _run), *_ = facts("FROM alpine\nRUN x\n", resolver=KNOWN).each(Run)
    assert step.before.base_known
    assert step.before.env["PATH"].startswith("/usr/local/sbin")


def test_a_build_arg_stands_over_a_default() -> None:
    file = facts("ARG I=a:1\nFROM $I\nARG U=joe\nUSER $U\nRUN x\n", {"build-arg:I": "b:2", "build-arg:U": "ann"})
    assert [stage.base for stage in file.stages] == ["b:2"]
    assert next(file.each(Run))[0].before.user == "ann"


def test_stages_know_who_needs_them() -> None:
    text = (
        "FROM a AS one\nFROM b AS two\nRUN x\nFROM one AS Three\nRUN --mount=type=bind,from=two,target=/m x\n"
        "COPY --from=0 a b\nCOPY --from=nginx:1 a b\nFROM c\nFROM three\n"
    )
    stages = facts(text).stages
    assert [stage.reachable for stage in stages] == [True, True, True, False, True]
    assert [stage.final for stage in stages] == [False, False, False, False, True]
    assert [stage.is_base for stage in stages] == [True, False, True, False, False]
    assert [stage.is_read for stage in stages] == [True, True, False, False, False]
    assert [(step.node.start, name) for step, name in stages[2].external] == [(7, "nginx:1")]
    assert facts(text, {"target": "two"}).stages[1].final


def test_what_is_behind_onbuild_is_a_step_of_its_own() -> None:
    file = facts("FROM a\nUSER joe\nONBUILD RUN make all\n")
    (step, run), *_ = file.each(Run)
    assert run.words == ("make all",)
    assert step.onbuild is not None
    assert step.before.user == "joe"
    assert step.arg_span(0) == Span(3, 13, 3, 21)
    assert not list(file.each(Run, onbuild=False))


def test_a_file_that_cannot_be_compiled_is_seen_as_far_as_it_can_be_read() -> None:
    file = facts("ARG BASE\nFROM $BASE AS x\nUSER joe\nCOPPY a b\nRUN --bad=1 x\nRUN y\n")
    assert file.fault is not None
    assert file.stages[0].base == "$BASE"
    assert file.stages[0].has_fault
    assert [step.before.user for step, _ in file.each(Run)] == ["joe"]


@pytest.mark.parametrize("text", ["", "\n", "# only\n", "RUN x\n", "FROM\n", "ENV \xff\n", "FROM a\nRUN <<E\n"])
def test_nothing_that_is_no_dockerfile_is_too_much(text: str) -> None:
    file = facts(text)
    assert file.fault is not None
    assert list(file.each(Run, Copy, User)) == []


def test_spans_follow_continuations_and_letters_of_several_bytes() -> None:
    file = facts('FROM a\nRUN --mount=type=cache,target=/é --mount=type=tmpfs,target=/t \\\n  echo "é" | cat\n')
    step, _ = next(file.each(Run))
    assert step.flag_span("mount") == Span(2, 5, 2, 33)
    assert step.flag_span("mount", 1) == Span(2, 34, 2, 62)
    assert step.flag_span("network") == step.span
    assert step.text_span("cat") == Span(3, 14, 3, 17)
    assert step.text_span("nowhere") == step.span
    assert step.span == Span(2, 1, 3, 17)
