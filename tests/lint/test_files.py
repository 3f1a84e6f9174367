"""Which files are Dockerfiles, in folders, by patterns and in repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.lint.files import FolderReader, NothingFoundError, find_files, is_dockerfile, read_file
from dockerfile_frontend.lint.run import Unreadable

YES = [
    "Dockerfile",
    "dockerfile",
    "Containerfile",
    "Dockerfile.dev",
    "app.Dockerfile",
    "a.b.dockerfile",
    "Containerfile.x",
    "Dockerfile.j2",
]
NO = [
    "Dockerfiles",
    "Dockerfile.dockerignore",
    ".dockerignore",
    "app.Dockerfile.dockerignore",
    "Dockerfile.md",
    "Dockerfile~",
    "xDockerfile",
    "Dockerfile.orig",
    "dockerfile.go",
    "Containerfile.containerignore",
    "Dockerfile.",
]


@pytest.mark.parametrize("name", YES)
def test_a_dockerfile_is_known_by_its_name(name: str) -> None:
    assert is_dockerfile(name)


@pytest.mark.parametrize("name", NO)
def test_other_files_are_not_taken_for_one(name: str) -> None:
    assert not is_dockerfile(name)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "Dockerfile",
        "b/app.Dockerfile",
        ".devcontainer/Dockerfile",
        "node_modules/x/Dockerfile",
        "out/Dockerfile",
        "b/notes",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("FROM a\n")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_are_searched_hidden_ones_too(tree: Path) -> None:
    assert find_files(["."]) == [".devcontainer/Dockerfile", "Dockerfile", "b/app.Dockerfile", "out/Dockerfile"]
    assert find_files(["b", "Dockerfile", "b"]) == ["b/app.Dockerfile", "Dockerfile"]
    assert find_files([str(tree / "b")]) == [str(tree / "b" / "app.Dockerfile")]


def test_what_git_ignores_is_left_out(tree: Path) -> None:
    (tree / ".gitignore").write_text("out/\n")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "Dockerfile"], check=True)
    (tree / "gone").mkdir()
    assert find_files(["."]) == [".devcontainer/Dockerfile", "Dockerfile", "b/app.Dockerfile"]
    assert find_files(["b"]) == ["b/app.Dockerfile"]
    assert find_files(["out/Dockerfile"]) == ["out/Dockerfile"]
    (tree / "Dockerfile").unlink()
    assert find_files(["."]) == [".devcontainer/Dockerfile", "b/app.Dockerfile"]


def test_a_repository_cannot_make_the_search_run_its_programs(tree: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (tree / "spy").write_text("#!/bin/sh\ntouch ran\n")
    (tree / "spy").chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", "./spy"], check=True)
    assert "Dockerfile" in find_files(["."])
    assert not (tree / "ran").exists()


def test_patterns_name_files_and_folders(tree: Path) -> None:
    assert find_files(["**/*.Dockerfile"]) == ["b/app.Dockerfile"]
    assert find_files([f"{tree}/**/app.*"]) == [f"{tree}/b/app.Dockerfile"]
    assert find_files(["b/**"]) == ["b/app.Dockerfile"]
    assert find_files(["**/o*/**/Dockerfile"]) == ["out/Dockerfile"]
    assert find_files(["*/Dockerfile"]) == [".devcontainer/Dockerfile", "out/Dockerfile"]
    assert find_files(["[bo]*"]) == ["b/app.Dockerfile", "out/Dockerfile"]
    (tree / "[x]").write_text("FROM a\n")
    assert find_files(["[x]"]) == ["[x]"]
    with pytest.raises(NothingFoundError, match=r"no file matches \*\.nothing"):
        find_files(["*.nothing"])


def test_a_name_that_is_no_file_is_left_to_reading(tree: Path) -> None:
    assert find_files(["absent"]) == ["absent"]
    os.mkfifo("pipe")
    with pytest.raises(Unreadable, match="is a pipe or device"):
        read_file("pipe")


def test_the_ignore_file_is_the_dockerfiles_own_or_that_of_the_context(tree: Path) -> None:
    assert FolderReader("b/app.Dockerfile", None).ignore_file("context") == (".dockerignore", b"")
    (tree / ".dockerignore").write_text("one")
    assert FolderReader("Dockerfile", None).ignore_file("context") == ("./.dockerignore", b"one")
    assert FolderReader("b/app.Dockerfile", ".").ignore_file("context") == ("./.dockerignore", b"one")
    assert FolderReader("b/app.Dockerfile", ".").ignore_file("other") == (".dockerignore", b"")
    (tree / "b" / "app.Dockerfile.dockerignore").write_text("two")
    assert FolderReader("b/app.Dockerfile", ".").ignore_file("context") == ("b/app.Dockerfile.dockerignore", b"two")
