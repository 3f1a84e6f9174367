"""Random Dockerfiles are such, and the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from random import Random

from dockerfile_frontend import parse
from tests.fuzz.dockerfiles import STAMP, dockerfile, write_context


def test_each_is_a_dockerfile() -> None:
    for seed in range(100):
        text = dockerfile(Random(seed))
        assert text == dockerfile(Random(seed))
        parse(text.encode())


def test_the_context_is_as_old_as_it_says(tmp_path: Path) -> None:
    write_context(tmp_path / "context", STAMP)
    found = {path.lstat().st_mtime for path in (tmp_path / "context").rglob("*")}
    assert found == {STAMP}
