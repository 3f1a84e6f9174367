"""`dfc diff` of Dockerfiles, folders and git revisions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.cli.definitions import FORMATS
from tests.components import require
from tests.running import dfc

OLD = "FROM scratch AS a\nCOPY x /x\nFROM scratch\nCOPY --from=a /x /y\n"
NEW = OLD.replace("x /x", "x /z", 1)
CHANGE = "    + copy /x → /z"


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
    "words", [("HEAD",), ("HEAD", "."), ("HEAD:./",), ("HEAD:./Dockerfile", "Dockerfile"), ("HEAD:app", "../app"), ("HEAD:../app/",)]
)
def test_a_revision_alone_and_paths_from_the_folder(repository: Path, words: tuple[str, ...]) -> None:
    (repository / "app/x").write_text("x")
    done = dfc("diff", *words, cwd=repository / "app")
    assert (done.returncode, done.stderr) == (1, b"")
    assert CHANGE in done.stdout.decode().splitlines()
    assert "files of the context: + x" in done.stdout.decode()
    assert dfc("diff", "HEAD", "HEAD", cwd=repository / "app").returncode == 0
    missing = dfc("diff", "HEAD", cwd=repository)
    assert missing.stderr.startswith(b"dfc: error: HEAD:Dockerfile: path 'Dockerfile' does not exist in 'HEAD'")


def test_files_of_a_revision_are_found_from_any_folder(repository: Path) -> None:
    git = str(require("git"))
    (repository / "app/x").write_text("x")
    subprocess.run([git, "add", "-A"], cwd=repository, check=True)
    names = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run([git, *names, "commit", "-q", "-m", "new"], cwd=repository, check=True)
    for folder, word in ((repository / "app", "."), (repository, "app")):
        assert dfc("diff", "HEAD:app", word, cwd=folder).stdout.startswith(b"equal: ")


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
    assert "    - without *.o\n    + without *.a\n" in done.stdout.decode()


@pytest.fixture
def contexts(repository: Path) -> Path:
    """Files that the same Dockerfile reads, changed since the commit."""
    app = repository / "app"
    (app / "Dockerfile").write_text(
        "FROM scratch AS a\nCOPY src/*.c /a/\nFROM scratch\nCOPY lib /lib\nCOPY --from=a /a /a\n"
    )
    for path in ("src/a.c", "src/b.c", "src/h.o", "lib/deep/x", "unread"):
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(path)
    git = str(require("git"))
    for command in (
        ("add", "-A"),
        ("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "files"),
    ):
        subprocess.run([git, *command], cwd=repository, check=True)
    return repository


def test_files_of_the_context_that_steps_read(contexts: Path) -> None:
    assert dfc("diff", "HEAD:app", "app", cwd=contexts).returncode == 0
    (contexts / "app/src/b.c").write_text("other")
    (contexts / "app/src/h.o").write_text("ignored")
    (contexts / "app/unread").write_text("unread")
    done = dfc("diff", "HEAD:app", "app", "--steps", cwd=contexts)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode().splitlines() == [
        "~ file   copy %1 /src/*.c → /a/  (a · Dockerfile:2)",
        "    files of the context: ~ src/b.c",
        "4 ops are equal",
        "",
        "keeps    local  context  (inputs)",
        "keeps    file   copy %1 /lib → /lib  (stage-1 · Dockerfile:4)",
        "runs     file   copy %1 /src/*.c → /a/  (a · Dockerfile:2)",
        "perhaps  file   copy %3 /a → /a  (stage-1 · Dockerfile:5)",
    ]


def test_new_and_gone_files_modes_and_links(contexts: Path) -> None:
    copy = contexts / "copy"
    shutil.copytree(contexts / "app", copy)
    (copy / "lib/deep/x").chmod(0o755)
    (copy / "lib/new").symlink_to("nowhere")
    (copy / "src/a.c").unlink()
    done = dfc("diff", "app", "copy", cwd=contexts)
    assert [line for line in done.stdout.decode().splitlines() if "context" in line] == [
        "    files of the context: ~ lib/deep/x, + lib/new",
        "    files of the context: - src/a.c",
    ]
    assert dfc("diff", "app", "app", cwd=contexts).returncode == 0


def test_a_diff_for_programs(contexts: Path) -> None:
    (contexts / "app/lib/deep/x").write_text("other")
    told = json.loads(dfc("diff", "HEAD:app", "app", "--format", "json", cwd=contexts).stdout)
    assert list(told["files"].values()) == [[{"sign": "~", "path": "lib/deep/x"}]]
    assert sorted(told["steps"].values()) == ["keeps", "keeps", "runs", "runs"]
    assert (told["equal"], told["changed"], told["new"], told["gone"]) == (4, [], [], [])
    changed = json.loads(dfc("diff", "HEAD~1:app", "app", "--format", "json", cwd=contexts).stdout)["changed"]
    assert {"path": "file.actions[0].action.dest", "old": "'/x'", "new": "'/a/'"} in changed[-1]["fields"]


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
        (
            "HEAD:app/.dockerignore",
            "HEAD:app/.dockerignore:1:1: error: dockerfile parse error on line 1: unknown instruction: *.o",
        ),
    ],
)
def test_what_is_not_there_is_one_message(repository: Path, word: str, message: str) -> None:
    done = dfc("diff", word, "app", cwd=repository)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(message)
