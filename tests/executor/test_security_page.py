"""docs/security.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
FOLDER = re.compile(r"^\|.*tests in `([\w/]+)/` \|$", re.MULTILINE)
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def named() -> list[tuple[str, str]]:
    """Each named test with its file, after the folder in its table's head."""
    found = []
    folder = ""
    for line in PAGE.splitlines():
        if head := FOLDER.match(line):
            folder = head[1]
        found += [(f"{folder}/{file}", name) for file, name in NAMED.findall(line)]
    return found


@pytest.mark.parametrize(("file", "name"), named())
def test_a_named_test_exists(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize(
    "file",
    [
        "tests/cli/test_remote.py",
        "tests/executor/blobs/test_content.py",
        "tests/executor/exec/test_hostile.py",
        "tests/executor/files/test_attacks.py",
        "tests/executor/layers/test_attacks.py",
        "tests/executor/runtime/test_attacks.py",
        "tests/executor/sources/test_git_attacks.py",
        "tests/executor/sources/test_image_faults.py",
        "tests/executor/sources/test_image_registry.py",
    ],
)
def test_every_attack_test_is_on_the_page(file: str) -> None:
    names = re.findall(r"^def (test_cve_\w+)\(", (ROOT / file).read_text(), re.MULTILINE)
    assert set(names) - {name for _, name in named()} == set()
