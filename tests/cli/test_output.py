from __future__ import annotations

import errno
import io
import os
import stat
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.output import check_output, write_output


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "graph"
    target.write_bytes(b"old")
    target.chmod(0o640)
    write_output(str(target), b"new", text=False)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["graph"]


def test_a_link_stays_and_its_file_changes(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_output(str(tmp_path / "link"), b"new", text=False)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "graph"
    target.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Fault, match=r"cannot write .*graph: No space left on device"):
        write_output(str(target), b"new", text=False)
    assert target.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["graph"]


def test_a_device_is_written_into() -> None:
    write_output(os.devnull, b"gone", text=False)
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize(
    ("name", "complaint"), [("", "is a folder"), ("no/graph", "is no folder"), ("file/graph", "is no folder")]
)
def test_an_impossible_output_is_refused_before_any_work(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Fault, match=complaint):
        check_output(str(tmp_path / name), text=False)


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_bytes_never_go_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    below = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(below))
    with pytest.raises(Fault, match="not for a terminal"):
        write_output("-", b"\0", text=False)
    write_output("-", b"shown\n", text=True)
    assert below.getvalue() == b"shown\n"


def test_a_binary_standard_output_is_untouched_by_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    below = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(below, newline="\r\n"))
    write_output("-", b"a\n\0\xff", text=False)
    assert below.getvalue() == b"a\n\0\xff"
