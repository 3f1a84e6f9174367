"""Graphs of another frontend, written with BuildKit's own client library: `dfc exec` makes of them what BuildKit makes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.components import require
from tests.e2e.builds.builders import Base, Built, Dfc, Reference, Request, run
from tests.e2e.builds.images import Tree, apply, comparable, differences
from tests.e2e.builds.peers import is_folders_time
from tests.e2e.builds.servers import STAMP
from tests.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BUILT = (
    "copy", "copy-in-op", "diff", "exec-exit-codes", "exec-mounts", "exec-network", "exec-outputs", "exec-read-only",
    "exec-settings", "git", "http", "local", "many", "merge", "mkfile", "nested", "passthrough", "required", "rm", "symlink",
    "users",
)  # fmt: skip
REFUSED = {
    "exec-exit-code-refused": "exit code: 0",
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
    command = [program, name, base.digest, places["http"], places["git"]]
    file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return file


def solve_here(ours: Dfc, graph: Path, request: Request, tar: Path) -> Built:
    command = [sys.executable, "-m", "dockerfile_frontend.cli", "exec", f"--oci-layout=base={ours.base.layout}"]
    output = [f"--local=context={request.context}", *request.options, f"--output=type=tar,dest={tar}", str(graph)]
    return run([*command, *output], request, {"PYTHONPATH": str(ROOT), "DFC_ROOT": str(ours.store)})


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
    theirs = read_tree(tmp_path / "theirs.tar")
    found = differences(comparable(read_tree(tmp_path / "ours.tar"), began), comparable(theirs, began))
    found = [line for line in found if "only" in line or theirs.get(line.split(" ")[0], {}).get("type") != "folder" or " mtime: " not in line]
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


assert is_folders_time
