"""Pages whose examples are run: what a reader pastes must print what the page says.

    ```dockerfile            written to ./Dockerfile (```dockerfile app/Dockerfile to another place)
    ```console               `$ command` lines are run by sh, one after the other; what follows is what they print
    ```pycon                 a doctest

Times of steps and digests differ from run to run; what a page says of them stands as an example.

All blocks of a page share one folder, which starts with the checkout's fixtures/ in it. A block marked `e2e` is run where
a BuildKit daemon is at hand. `pytest --update` writes what was printed into the page.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.running import DFC, ROOT

BLOCK = re.compile(r"^```([a-z]+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = {"dockerfile", "console", "pycon"}
SHOWN_ONLY = {"sh", "text", "json", "toml", "yaml"}
"""Blocks that are not run; a block of any other kind is a mistake."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what it is, its mark, its text and where that stands in the page."""

    kind: str
    mark: str
    text: str
    start: int
    end: int


def blocks_of(page: str) -> Iterator[Block]:
    for found in BLOCK.finditer(page):
        kind, mark = found[1], found[2] or ""
        if kind not in RUN | SHOWN_ONLY:
            raise ValueError(f"a block of kind {kind} is neither run nor known to be for show")
        yield Block(kind, mark, found[3], found.start(3), found.end(3))


def prepare(folder: Path) -> dict[str, str]:
    """A folder as a page's reader has it, and the environment to run in."""
    shutil.copytree(ROOT / "fixtures", folder / "fixtures")
    tools = folder / ".bin"
    tools.mkdir()
    (tools / "dfc").write_text(f'#!/bin/sh\nexec {" ".join(DFC)} "$@"\n')
    (tools / "python").write_text(f'#!/bin/sh\nexec {DFC[0]} "$@"\n')
    for program in ("dfc", "python"):
        (tools / program).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "DFC_ROOT": str(folder / ".store")}


def run_page(page: str, folder: Path, environment: dict[str, str], *, e2e: bool = False) -> str:
    """The page as it should read: each block that was run with what it printed."""
    pieces, done = [], 0
    for block in blocks_of(page):
        if ("e2e" in block.mark.split()) > e2e:
            continue
        pieces += [page[done : block.start], run_block(block, folder, environment)]
        done = block.end
    return "".join([*pieces, page[done:]])


def run_block(block: Block, folder: Path, environment: dict[str, str]) -> str:
    if block.kind == "dockerfile":
        file = folder / (block.mark or "Dockerfile")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
    elif block.kind == "pycon":
        check_doctest(block.text, folder)
    elif block.kind == "console":
        printed = "".join(run_command(command, folder, environment) for command in commands_of(block.text))
        return block.text if lasting(printed) == lasting(block.text) else printed
    return block.text


def lasting(text: str) -> str:
    """What of an example's output is the same each time."""
    text = re.sub(r"(?m)^(#\d+) \d+\.\d+ ", r"\1 T ", text)
    text = re.sub(r"(?m)^#\d+ (?!DONE)[^\n]* \d+\.\ds\n", "", text)  # of a transfer that takes its time
    text = re.sub(r"(?m)^(#\d+ .*?|DONE) \d+\.\ds( done)?$", r"\1\2", text)
    return re.sub(r"sha256:[0-9a-f]{12,64}", "sha256:D", text)


def commands_of(text: str) -> Iterator[str]:
    """Lines from `$ ` on, with those that a backslash continues."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            yield command


def run_command(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    printed = done.stdout + done.stderr
    return f"$ {command}\n{printed}"


def check_doctest(text: str, folder: Path) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, "page", "page", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    report: list[str] = []
    here = Path.cwd()
    os.chdir(folder)
    try:
        failed = runner.run(test, out=report.append).failed
    finally:
        os.chdir(here)
    assert not failed, "".join(report)
