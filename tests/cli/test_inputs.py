from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.inputs import read_bytes, read_inputs


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_bytes(b"FROM scratch\n")
    (tmp_path / "outside").write_bytes(b"FROM secrets\n")
    return folder


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_the_dockerfile_of_a_folder(context: Path) -> None:
    read = read_inputs(str(context), None)
    assert (read.dockerfile, read.filename, read.ignore) == (b"FROM scratch\n", "Dockerfile", None)
    assert read.name == str(context / "Dockerfile")


def test_a_small_d_will_do(context: Path) -> None:
    (context / "Dockerfile").rename(context / "dockerfile")
    assert read_inputs(str(context), None).filename == "dockerfile"


def test_a_named_file_may_stand_outside_the_context(context: Path) -> None:
    read = read_inputs(str(context), str(context.parent / "outside"))
    assert (read.dockerfile, read.filename) == (b"FROM secrets\n", "outside")


def test_the_dockerfiles_own_ignore_file_comes_first(context: Path) -> None:
    (context / ".dockerignore").write_bytes(b"all\n")
    assert read_inputs(str(context), None).ignore == b"all\n"
    (context / "Dockerfile.dockerignore").write_bytes(b"own\n")
    assert read_inputs(str(context), None).ignore == b"own\n"


def test_a_dockerfile_on_standard_input_has_no_context(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"FROM a\n")
    read = read_inputs("-", None)
    assert (read.dockerfile, read.name, read.context) == (b"FROM a\n", "stdin", None)


def test_a_dockerfile_on_standard_input_beside_a_context(context: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (context / ".dockerignore").write_bytes(b"all\n")
    standard_input(monkeypatch, b"FROM a\n")
    read = read_inputs(str(context), "-")
    assert (read.dockerfile, read.context, read.ignore) == (b"FROM a\n", str(context), b"all\n")


@pytest.mark.parametrize(
    ("data", "kind"), [(b"\x1f\x8b\x08", "gzip"), (b"x" * 257 + b"ustar\0", "tar"), (b"\x28\xb5\x2f\xfd", "zstd")]
)
def test_an_archive_on_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch, data: bytes, kind: str) -> None:
    standard_input(monkeypatch, data)
    with pytest.raises(Fault, match=f"looks like {kind}"):
        read_inputs("-", None)


def test_standard_input_cannot_be_both(context: Path) -> None:
    with pytest.raises(Fault, match="no file to name") as caught:
        read_inputs("-", "-")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "name", ["https://example.com/a.git", "git@example.com:a/b", "github.com/a/b", "git://example.com/a"]
)
def test_a_remote_context_is_refused_by_name(name: str) -> None:
    with pytest.raises(Fault, match="remote build contexts are not supported") as caught:
        read_inputs(name, None)
    assert "clone or download" in caught.value.hint


def test_a_folder_with_a_remote_looking_name_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "github.com/a").mkdir(parents=True)
    (tmp_path / "github.com/a/Dockerfile").touch()
    monkeypatch.chdir(tmp_path)
    assert read_inputs("github.com/a", None).dockerfile == b""


Make = Callable[[Path], None]


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_link_out(path: Path) -> None:
    path.symlink_to("../outside")


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 << 20)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (make_folder, "is a folder, not a file"),
        (make_pipe, "is a pipe or device"),
        (make_device_link, "symbolic link out of the build context"),
        (make_link_out, "symbolic link out of the build context"),
        (make_loop, "symbolic link"),
        (make_large, "larger than 16 MiB"),
    ],
)
@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
def test_what_is_no_proper_file_is_refused(context: Path, name: str, make: Make, complaint: str) -> None:
    (context / name).unlink(missing_ok=True)
    make(context / name)
    with pytest.raises(Fault, match=complaint):
        read_inputs(str(context), None)


def test_a_link_within_the_context_is_followed(context: Path) -> None:
    (context / "docker").mkdir()
    (context / "Dockerfile").rename(context / "docker/real")
    (context / "Dockerfile").symlink_to("docker/real")
    assert read_inputs(str(context), None).dockerfile == b"FROM scratch\n"


def test_endless_standard_input_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"x" * 100)
    with pytest.raises(Fault, match="standard input is larger"):
        read_bytes("-", 10, "Dockerfile")


@pytest.mark.parametrize(("name", "complaint"), [("no/such", "there is no folder"), ("Dockerfile", "is a file")])
def test_a_context_that_is_no_folder(context: Path, name: str, complaint: str) -> None:
    with pytest.raises(Fault, match=complaint):
        read_inputs(str(context / name), None)


def test_a_missing_dockerfile_says_so(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"cannot read .*Dockerfile: No such file"):
        read_inputs(str(tmp_path), None)
