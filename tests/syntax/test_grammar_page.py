"""The examples in grammar/README.md are what the parser makes of them."""

from __future__ import annotations

import re

import pytest

from dockerfile_frontend.instructions.mounts import read_options
from dockerfile_frontend.syntax.parser import parse_tree
from tests.running import ROOT

PAGE = (ROOT / "grammar" / "README.md").read_text()
ROW = re.compile(r"^\|[^`]*\| `([^`]+)` \| ((?:`[^`]+`|\*nothing\*)(?: (?:`[^`]+`|\*nothing\*))*) \|$", re.MULTILINE)
BLOCK = re.compile(r"^```dockerfile\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("example", "arguments"), ROW.findall(PAGE))
def test_each_form(example: str, arguments: str) -> None:
    (node,) = parse_tree(example.encode()).nodes
    wanted = re.findall(r"`([^`]+)`|\*nothing\*", arguments)
    assert list(node.args) == wanted


def test_there_is_an_example_for_each_form() -> None:
    grammar = (ROOT / "grammar" / "dockerfile.lark").read_text()
    forms = set(re.findall(r"[|:] ([A-Z]+) +FLAG\*", grammar))
    described = {name for row in re.findall(r"^\| ([A-Z, ]+) \|", PAGE, re.MULTILINE) for name in row.split(", ")}
    assert forms == described


def test_blocks() -> None:
    continued, flags, heredocs = BLOCK.findall(PAGE)
    assert [node.line.text for node in parse_tree(continued.encode()).nodes] == [
        "RUN apt-get update     && apt-get install -y curl",
        "COPY . /src",
    ]
    (node,) = parse_tree(flags.encode()).nodes
    assert [flag.text for flag in node.flags] == ["--network=none", "--mount=type=bind,source=a b,target=/x"]
    assert node.args == ("--odd-program",)
    (node,) = parse_tree(heredocs.encode()).nodes
    assert [(h.name, h.expand, h.chomp) for h in node.heredocs] == [
        ("index.html", True, False),
        ("nginx.conf", False, True),
    ]


@pytest.mark.parametrize(
    "text", re.findall(r"^: \*\*(?:setting|switch|quoted|other)\*\*[^`]*(.*)$", PAGE, re.MULTILINE)
)
def test_mount_options(text: str) -> None:
    for example in re.findall(r"`([^`]+)`", text):
        (option,) = read_options(example)
        assert option.text == (example[1:-1].replace('""', '"') if example.startswith('"') else example)
