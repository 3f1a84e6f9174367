from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import components
from tests.components import COMPONENTS, Debian, MissingError, find, require


@pytest.fixture
def nothing_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without rights on a machine without the program."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setitem(COMPONENTS, "no-such", Debian("no-such-package", "no-such-program"))


def test_a_program_on_path_is_found() -> None:
    assert require("git").name == "git"


@pytest.mark.usefixtures("nothing_to_be_had")
def test_a_missing_component_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install no-such-package"):
        require("no-such")


@pytest.mark.usefixtures("nothing_to_be_had")
def test_a_missing_component_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install no-such-package"):
        require("no-such")


def test_a_program_of_go_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def pretend(command: list[str], where: Path, environment: dict[str, str]) -> None:
        commands.append(command)
        if "-o" in command:
            Path(command[command.index("-o") + 1]).touch()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(COMPONENTS, "go", Debian("git", "git"))
    monkeypatch.setattr(components, "run", pretend)
    find.cache_clear()
    try:
        program = find("buildctl")
        find.cache_clear()
        assert find("buildctl") == program
    finally:
        find.cache_clear()
    assert program.exists()
    assert [command[1] for command in commands] == ["get", "build"]


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="no Debian here")
def test_a_package_that_would_be_too_old_is_not_installed() -> None:
    with pytest.raises(MissingError, match=r"Debian's bash is \d.*, 999 is needed"):
        components.check_candidate(Debian("bash", "bash", at_least=(999,)))


def test_a_failing_command_says_why(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"sh -c .* failed: no luck"):
        components.run(["sh", "-c", "echo no luck >&2; exit 3"], tmp_path, {})
