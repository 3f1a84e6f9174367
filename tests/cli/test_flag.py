"""What is read without click is what click would have read."""

from __future__ import annotations

from typing import Any

import click
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.cli.build import command
from dockerfile_frontend.cli.flag import read_words
from dockerfile_frontend.cli.here import FLAGS

NAMES = [name for flag in FLAGS for name in flag.names]
VALUES = ["a", "", "-", "--", "-a", "--tag", "=", "a=b", "plain", "tty", "3", "-1", "1025", "٣", "local", "é\udc80"]
WORDS = st.one_of(
    st.sampled_from([*NAMES, *VALUES, "-h", "--help", "--hlep", "-qt", "-tapp"]),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.sampled_from(VALUES)),
)


def read_by_click(words: list[str]) -> dict[str, Any]:
    """Raises what click raises."""
    context = command.make_context("build", list(words))
    return dict(context.params)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=5))
def test_whatever_is_read_click_reads_in_the_same_way(words: list[str]) -> None:
    found = read_words(words, FLAGS, {})
    if found is None:
        return
    arguments, values = found
    if len(arguments) > 1:
        return
    assert read_by_click(words) == {"context": arguments[0] if arguments else ".", **values}


def test_usual_words_are_read() -> None:
    words = ["-t", "app:1", "--build-arg=A=b", "--build-arg", "C", "--jobs", "8", "--progress=plain", "-q", "-o", "-", "folder"]
    found = read_words(words, FLAGS, {})
    assert found
    arguments, values = found
    assert arguments == ("folder",)
    expected = {
        "tag": ("app:1",), "build_arg": ("A=b", "C"), "jobs": 8, "progress": "plain", "quiet": True, "output": ("-",),
        "backend": "local",
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected


def test_what_is_wrong_or_odd_is_left_to_click() -> None:
    for words in (["--help"], ["--hlep"], ["-tapp"], ["-t"], ["--quiet=1"], ["--progress=loud"], ["--jobs=many"], ["--"], ["-f", "-x"]):
        assert read_words(words, FLAGS, {}) is None
    assert read_words([], FLAGS, {"DFC_BACKEND": "buildkit"}) is None


def test_each_flag_is_the_parameter_that_click_makes_of_it() -> None:
    parameters = {parameter.name: parameter for parameter in command.params if isinstance(parameter, click.Option)}
    assert [flag.name for flag in FLAGS] == list(parameters)
    for flag in FLAGS:
        parameter = parameters[flag.name]
        assert tuple(parameter.opts) == flag.names
        assert (parameter.multiple, parameter.is_flag) == (flag.multiple, flag.is_flag)
