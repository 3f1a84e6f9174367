from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.semantics.paths import is_absolute, normalize_path, normalize_workdir
from dockerfile_frontend.semantics.ports import parse_port
from tests.tables import rows


@pytest.mark.parametrize(("given", "wanted"), rows(__file__, "paths.txt"))
def test_paths(given: str, wanted: str) -> None:
    os, *words = given.split(" ")
    keep = words[0] == "keep"
    parent, path = words[keep:]
    try:
        got = normalize_path(parent, path, os, keep_slash=keep)
    except DockerfileError as error:
        got = f"error: {error}"
    assert got == wanted


@pytest.mark.parametrize(("given", "wanted"), rows(__file__, "ports.txt"))
def test_ports(given: str, wanted: str) -> None:
    rules: list[str] = []
    try:
        got = " ".join([*parse_port(given, lambda rule, _: rules.append(rule)), *rules])
    except DockerfileError as error:
        got = f"error: {error}"
    assert got == wanted


def test_workdir_of_windows_has_backslashes() -> None:
    assert normalize_workdir("\\app", "a/b", "windows") == "\\app\\a\\b"
    with pytest.raises(
        DockerfileError, match="normalizing workdir: normalizing working directory: removing drive letter"
    ):
        normalize_workdir("/", "D:/x", "windows")


@pytest.mark.parametrize(
    ("path", "os", "wanted"),
    [("/x", "linux", True), (r"C:\x", "linux", False), (r"C:\x", "windows", True), (r"D:\x", "windows", False)],
)
def test_absolute(path: str, os: str, *, wanted: bool) -> None:
    assert is_absolute(path, os) is wanted
