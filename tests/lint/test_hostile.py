"""`dfc lint` as a process on what nobody should give it: one line each, bounded, and nothing written half."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.running import DFC, ROOT, dfc

MANY = "FROM a:1\n" + "".join(f"ENV K{number} v\n" for number in range(10_000))


def test_a_folder_of_odd_files_is_linted_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "binary.Dockerfile").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "bytes.Dockerfile").write_bytes(b"FROM a:1\n\xff\xfe\x1b[2J\n")
    with (tmp_path / "huge.Dockerfile").open("wb") as file:
        file.truncate(100 << 20)
    (tmp_path / "loop.Dockerfile").symlink_to("loop.Dockerfile")
    os.mkfifo(tmp_path / "pipe.Dockerfile")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..")
    (tmp_path / "good.Dockerfile").write_text("FROM a\n")
    done = dfc("lint", "--format", "gnu", "-q", cwd=tmp_path)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert done.stderr == b""
    assert {line.partition(":")[0]: line.partition("error: ")[2] for line in lines if "[DFC000]" in line} == {
        "binary.Dockerfile": "is no text file [DFC000]",
        "bytes.Dockerfile": "dockerfile parse error on line 2: unknown instruction: \\udcff\\udcfe\\x1b[2J [DFC000]",
        "huge.Dockerfile": "is larger than 16 MiB, which no Dockerfile is [DFC000]",
        "loop.Dockerfile": "cannot be read: Too many levels of symbolic links [DFC000]",
        "pipe.Dockerfile": "is a pipe or device; for standard input the name is - [DFC000]",
    }
    assert any(line.startswith("good.Dockerfile:1:6: warning: ") for line in lines)


def test_ten_thousand_findings_are_all_reported(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(MANY)
    done = dfc("lint", "--select", "LegacyKeyValueFormat", "--format", "json", cwd=tmp_path)
    assert len(json.loads(done.stdout)) == 10_000


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(MANY)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*DFC, "lint", "-q"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(MANY)
    with Path("/dev/full").open("wb") as full:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [*DFC, "lint", "-q"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"dfc: error: [Errno 28] No space left on device\n"


def test_colours_are_for_terminals(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    assert b"\x1b[" not in dfc("lint", cwd=tmp_path).stdout
    assert b"\x1b[" in dfc("lint", "--color", "always", cwd=tmp_path).stdout
    assert b"\x1b[" not in dfc("lint", "--color", "always", "--format", "json", cwd=tmp_path).stdout
