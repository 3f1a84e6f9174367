"""Case files: one text file a case, its input and its expectation side by side.

    A stage nobody asks for is not built.
    -- Dockerfile --
    FROM scratch
    -- graph --
    return scratch

A driver beside the files is short:

    @pytest.mark.parametrize("case", case_files(__file__), ids=str)
    def test_graph(case: Case, expect: Expect) -> None:
        expect(case, graph=dump(compile(case.sections["Dockerfile"])))

`pytest --update` rewrites the sections a driver names; the rest of the file stays byte for byte. Sections always end in
a newline, so inputs that need other bytes are plain files under `fixtures/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

_MARK = re.compile(r"^-- (\S(?:.*\S)?) --\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One case file: what it shows, and its sections by name, in order."""

    path: Path
    sentence: str
    sections: dict[str, str]

    def __str__(self) -> str:
        return self.path.stem

    def write_inputs(self, folder: Path, *, leave_out: tuple[str, ...] = ("graph",)) -> Path:
        """Put the sections as files into `folder`: the build context of the case."""
        for name, text in self.sections.items():
            if name not in leave_out:
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        return folder


def parse_case(path: Path) -> Case:
    head, *rest = _MARK.split(path.read_text(encoding="utf-8"))
    names, bodies = rest[::2], rest[1::2]
    if not head.strip():
        raise ValueError(f"{path}: a case opens with a sentence on what it shows")
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a section stands twice")
    return Case(path, head.strip(), dict(zip(names, bodies, strict=True)))


def case_files(driver: str, pattern: str = "cases/*.txt") -> list[Case]:
    """Cases that match `pattern` beside the test file `driver`, by name; an empty list is an error."""
    found = [parse_case(path) for path in sorted(Path(driver).parent.glob(pattern))]
    if not found:
        raise ValueError(f"no case file matches {pattern} beside {driver}")
    return found


@dataclass(frozen=True, slots=True)
class Expect:
    """Holds what a test got against a case's sections, or writes it there."""

    update: bool

    def __call__(self, case: Case, **got: str) -> None:
        """Each keyword is a section; what was got needs no newline at its end."""
        texts = {name: text if text.endswith("\n") or not text else f"{text}\n" for name, text in got.items()}
        if self.update:
            write_case(case, texts)
            return
        for name, text in texts.items():
            want = case.sections.get(name)
            assert want is not None, f"{case.path} has no section {name}: write it with pytest --update"
            assert text == want, f"{case.path} [{name}]: {case.sentence}"


def write_case(case: Case, texts: dict[str, str]) -> None:
    sections = {**case.sections, **texts}
    if sections == case.sections:
        return
    head = case.path.read_text(encoding="utf-8")
    opening = _MARK.split(head, maxsplit=1)[0]
    body = "".join(f"-- {name} --\n{text}" for name, text in sections.items())
    case.path.write_text(opening + body, encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expectations of case files; then read the diff")


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Expect:
    return Expect(update=bool(request.config.getoption("--update")))


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether --update was asked for: for tests that hold another generated file."""
    return bool(request.config.getoption("--update"))
