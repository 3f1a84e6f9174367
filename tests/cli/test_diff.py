"""`dfc diff` of Dockerfiles, folders and git revisions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.cli.definitions import FORMATS
from tests.components import require
from tests.running import dfc

OLD = "FROM scratch AS a\nCOPY x /x\nFROM scratch\nCOPY --from=a /x /y\n"
NEW = OLD.replace("x /x", "x /z", 1)
CHANGE = "    file.actions[0].action.dest: '/x' → '/z'"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """OLD in its commit, NEW in the folder."""
    git = str(require("git"))
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_text(OLD)
    (tmp_path / "app/.dockerignore").write_text("*.o\n")
    names = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "-A"), (*names, "commit", "-q", "-m", "old")):
        subprocess.run([git, *command], cwd=tmp_path, check=True)
    (tmp_path / "app/Dockerfile").write_text(NEW)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HEAD:app/Dockerfile", "app/Dockerfile"),
        ("HEAD:app", "app"),
        ("HEAD:app/", "app/Dockerfile"),
    ],
)
def test_revisions_files_and_folders(repository: Path, old: str, new: str) -> None:
    done = dfc("diff", old, new, cwd=repository)
    assert (done.returncode, done.stderr) == (1, b"")
    assert CHANGE in done.stdout.decode().splitlines()
    assert dfc("diff", old, old, cwd=repository).returncode == 0


def test_the_ignore_file_is_that_of_the_revision(repository: Path) -> None:
    (repository / "app/Dockerfile").write_text(OLD)
    assert dfc("diff", "HEAD:app", "app", cwd=repository).returncode == 0
    (repository / "app/.dockerignore").write_text("*.a\n")
    done = dfc("diff", "HEAD:app", "app", cwd=repository)
    assert done.returncode == 1
    assert """'["*.o"]' → '["*.a"]'""" in done.stdout.decode()


@pytest.mark.parametrize("form", FORMATS)
def test_a_graph_and_a_dockerfile(repository: Path, form: str) -> None:
    graph = repository / "graph"
    assert dfc("compile", "app", "--format", form, "-o", graph, cwd=repository).returncode == 0
    assert dfc("diff", graph, "app", cwd=repository).returncode == 0
    steps = dfc("diff", "HEAD:app", graph, "--steps", cwd=repository).stdout.decode().splitlines()
    assert [line.split()[0] for line in steps[-3:]] == ["keeps", "runs", "perhaps"]


def test_a_dockerfile_that_begins_with_a_comment_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("# a comment\nFROM scratch\nCOPY a /\n")
    assert dfc("diff", "Dockerfile", ".", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("HEAD:none", "dfc: error: HEAD:none: path 'none' does not exist in 'HEAD'\n"),
        ("none:app", "dfc: error: none:app: invalid object name 'none'.\n"),
        ("none", "dfc: error: cannot read none: No such file or directory\n"),
        ("HEAD:app/.dockerignore", "HEAD:app/.dockerignore:1:1: error: dockerfile parse error on line 1: unknown instruction: *.o"),
    ],
)
def test_what_is_not_there_is_one_message(repository: Path, word: str, message: str) -> None:
    done = dfc("diff", word, "app", cwd=repository)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(message)
