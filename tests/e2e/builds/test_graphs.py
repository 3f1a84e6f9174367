"""Graphs of another frontend, written with BuildKit's own client library: `dfc exec` makes of them what BuildKit makes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.components import require
from tests.e2e.builds.builders import Base, Built, Dfc, Reference, Request, run
from tests.e2e.builds.images import Tree, apply, comparable, differences
from tests.e2e.builds.servers import STAMP
from tests.running import DFC, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BUILT = (
    "copy", "copy-in-op", "diff", "exec-exit-codes", "exec-mounts", "exec-network", "exec-outputs", "exec-read-only",
    "exec-settings", "git", "http", "local", "many", "merge", "mkfile", "nested", "passthrough", "required", "rm", "symlink",
    "users",
)  # fmt: skip
REFUSED = {
    "exec-exit-code-refused": "exit code: 0",
    "required-missing": '"/tree/none": not found',
    "rm-refused": "none",
}
"""Graphs that fail, and what our message contains."""


@pytest.fixture(scope="session")
def program() -> Path:
    return require("graphs")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "tree" / "sub").mkdir(parents=True)
    for name in ("a.txt", "b.md", "sub/b.txt", "sub/c.md"):
        (folder / "tree" / name).write_text(f"{name}\n")
    (folder / "tree" / "b.md").chmod(0o640)
    (folder / "tree" / "link").symlink_to("a.txt")
    subprocess.run(["tar", "--sort=name", "--owner=u:11", "--group=g:22", "-czf", "a.tar.gz", "tree"], cwd=folder, check=True)
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (STAMP, STAMP), follow_symlinks=False)
    return folder


def write_graph(program: Path, name: str, base: Base, places: dict[str, str], file: Path) -> Path:
    command: list[str | Path] = [program, name, base.digest, places["http"], places["git"]]
    file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return file


def solve_here(ours: Dfc, graph: Path, request: Request, tar: Path) -> Built:
    command: list[str | Path] = [*DFC, "exec", f"--oci-layout=base={ours.base.layout}"]
    command += [f"--local=context={request.context}", *request.options, f"--output=type=tar,dest={tar}", graph]
    return run(command, request, {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(ours.store)})


def solve_there(reference: Reference, graph: Path, request: Request, tar: Path) -> Built:
    daemon = reference.buildkit
    places = [f"--oci-layout=base={reference.base.layout}", f"--local=context={request.context}"]
    arguments = (*places, *request.options, f"--output=type=tar,dest={tar}")
    done = daemon.build(*arguments, definition=graph.read_bytes(), cwd=request.context)
    return Built(done.returncode, done.stderr.decode(errors="replace"))


def read_tree(tar: Path) -> Tree:
    tree: Tree = {}
    apply(tree, tar.read_bytes())
    return tree


def is_known(line: str, theirs: Tree) -> bool:
    """BuildKit keeps what overlayfs notes for itself in a difference that stands alone; times of folders: see `peers`.

    What is made without a time of its own has the second in which it was made, here and there.
    """
    seconds = re.search(r" mtime: ours (\d+), theirs (\d+)$", line)
    if seconds and min(int(second) for second in seconds.groups()) > STAMP + 1000 and abs(int(seconds[1]) - int(seconds[2])) < 60:
        return True
    name = line.split(" ", maxsplit=1)[0]
    return "trusted.overlay." in line or (" mtime: " in line and theirs[name]["type"] == "folder" and "'now'" in line)


@pytest.mark.parametrize("name", BUILT)
def test_a_graph_of_another_frontend_gives_the_same_tree(  # noqa: PLR0913, PLR0917  fixtures
    name: str, program: Path, context: Path, base: Base, places: dict[str, str], ours: Dfc, reference: Reference, tmp_path: Path
) -> None:
    began = time.time() - 5
    (tmp_path / "key").write_text("a secret")
    request = Request(context, [f"--secret=id=key,src={tmp_path / 'key'}"])
    graph = write_graph(program, name, base, places, tmp_path / "graph")
    here = solve_here(ours, graph, request, tmp_path / "ours.tar")
    there = solve_there(reference, graph, request, tmp_path / "theirs.tar")
    assert (here.status, there.status) == (0, 0), here.log + there.log
    mine, theirs = read_tree(tmp_path / "ours.tar"), read_tree(tmp_path / "theirs.tar")
    found = [line for line in differences(comparable(mine, began), comparable(theirs, began)) if not is_known(line, theirs)]
    assert not found, "\n".join(["not as BuildKit's:", *found])


@pytest.mark.parametrize("name", REFUSED)
def test_a_graph_that_fails_there_fails_here(  # noqa: PLR0913, PLR0917  fixtures
    name: str, program: Path, context: Path, base: Base, places: dict[str, str], ours: Dfc, reference: Reference, tmp_path: Path
) -> None:
    graph = write_graph(program, name, base, places, tmp_path / "graph")
    here = solve_here(ours, graph, Request(context), tmp_path / "ours.tar")
    assert here.status == 1
    assert REFUSED[name] in here.log
    assert solve_there(reference, graph, Request(context), tmp_path / "theirs.tar").status != 0


def test_every_graph_of_the_program_is_tried(program: Path) -> None:
    names = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    assert sorted(names) == sorted([*BUILT, *REFUSED])
