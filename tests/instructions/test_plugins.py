"""Instructions of installed packages: those of fixtures/instructions, made known as an installation does it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.compiler.driver import check_dockerfile, compile_dockerfile
from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.compiler.result import CompileResult
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions import plugins
from dockerfile_frontend.lint.table import Selection, load
from dockerfile_frontend.resolvers.recorded import Recorded
from ir_schema.ops import FileAction, FileOp, Symlink
from tests.lint.linting import facts, lint_text
from tests.running import ROOT, dfc

PACKAGE = ROOT / "fixtures" / "instructions"


def install(folder: Path, points: dict[str, str], name: str = "house-instructions") -> None:
    """What pip leaves of a package's entry points."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{keyword} = {value}" for keyword, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{plugins.GROUP}]", *lines, ""]))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is searched for packages, with nothing in it."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    forget()
    yield folder
    forget()


def forget() -> None:
    plugins.installed.cache_clear()
    plugins.load.cache_clear()
    plugins.KINDS.clear()
    load.cache_clear()


@pytest.fixture
def house(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fixture's package is installed."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    install(packages, project["entry-points"][plugins.GROUP])
    monkeypatch.syspath_prepend(str(PACKAGE))
    return packages


def compiled(text: str) -> CompileResult:
    return compile_dockerfile(text.encode(), CompileOptions(), Recorded())


def fault(text: str) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        compiled(text)
    return caught.value


@pytest.mark.usefixtures("house")
def test_an_instruction_may_stand_for_others() -> None:
    config = compiled("FROM scratch\nInclude nobody\n").target.config_json["config"]
    assert config["User"] == "65534"
    assert config["Labels"] == {"house": "ours"}
    assert "HOME=/tmp" in config["Env"]


@pytest.mark.usefixtures("house")
def test_an_instruction_may_make_ops_of_its_own() -> None:
    found = compiled("FROM scratch\nARG A=dash\nSYMLINK /bin/sh -> /bin/$A\n").target
    (vertex,) = found.definition.vertices.values()
    assert vertex.op.body == FileOp((FileAction(-1, -1, 0, Symlink("/bin/dash", "/bin/sh")),))
    assert found.config_json["history"][-1]["created_by"] == "SYMLINK /bin/sh -> /bin/$A"


@pytest.mark.usefixtures("house")
def test_an_instruction_may_have_findings() -> None:
    result = check_dockerfile(b"FROM scratch\nSYMLINK sh -> dash\n", CompileOptions(), Recorded())
    (warning,) = result.warnings
    assert (warning.code, warning.span and warning.span.line) == ("SymlinkRelativePath", 2)
    off = b"# check=skip=SymlinkRelativePath\nFROM scratch\nSYMLINK sh -> dash\n"
    assert not check_dockerfile(off, CompileOptions(), Recorded()).warnings


@pytest.mark.usefixtures("house")
def test_lint_shows_what_an_instruction_finds_and_sees_what_it_stands_for() -> None:
    text = "FROM a:1\nInclude nobody\nRUN cd /x\nSYMLINK sh -> dash\n"
    assert linted(text) == [
        (2, 1, "ConsistentInstructionCasing"),
        (3, 5, "DL3003"),
        (4, 9, "SymlinkRelativePath"),
    ]
    assert facts("FROM a:1\nINCLUDE nobody\n").stages[0].end.user == "65534"
    assert (
        linted(text, select=("SymlinkRelativePath",))
        == linted(text, select=("symlink",))
        == [(4, 9, "SymlinkRelativePath")]
    )
    assert "SymlinkRelativePath" in {rule for *_, rule in linted(text, select=("all",))}
    for without in (
        Selection(ignore=("symlink",)),
        Selection(severity=(("SymlinkRelativePath", "off"),)),
        Selection(("DL",)),
    ):
        assert "SymlinkRelativePath" not in {found.rule for found in lint_text(text, selection=without).findings}
    (found,) = lint_text(text, selection=Selection(("symlink",), severity=(("symlink", "error"),))).findings
    assert found.severity == "error"
    assert load("SymlinkRelativePath").summary == "SYMLINK of a path that does not begin at the root"


def linted(text: str, select: tuple[str, ...] = ()) -> list[tuple[int, int, str]]:
    found = lint_text(text, *select).findings
    return [(each.span.line, each.span.column, each.rule) for each in found if each.span]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    "comment", ["# check=skip=SymlinkRelativePath", "# dfc: ignore=SymlinkRelativePath", "# dfc: ignore=all"]
)
def test_comments_switch_off_what_an_instruction_finds(comment: str) -> None:
    text = f"FROM a:1\n{comment}\nSYMLINK sh -> dash\nUSER 1\n"
    assert linted(text) == []
    loud = lint_text(text, inline=False).findings
    assert [found.rule for found in loud] == ["SymlinkRelativePath"]


@pytest.mark.usefixtures("house")
def test_what_its_grammar_does_not_know_is_a_fault_at_the_character() -> None:
    error = fault("FROM scratch\nSYMLINK /a => /b\n")
    assert error.message == "dockerfile parse error on line 2: SYMLINK is not understood behind '/a '"
    assert error.span is not None
    assert (error.span.line, error.span.column) == (2, 12)
    assert "SYMLINK is not understood behind '/a'" in fault("FROM scratch\nSYMLINK /a\n").message
    assert "SYMLINK is not understood behind ''" in fault("FROM scratch\nSYMLINK\n").message
    assert "unknown flag: --x" in fault("FROM scratch\nSYMLINK --x /a -> /b\n").message


@pytest.mark.usefixtures("house")
def test_a_fault_in_what_it_stands_for_is_told_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = fault("FROM scratch\nINCLUDE nobdy\n")
    assert error.message == "INCLUDE: no fragment is called nobdy (did you mean nobody?)"
    module = sys.modules["house_instructions"]
    monkeypatch.setattr(module, "FRAGMENTS", tmp_path)
    (tmp_path / "bad").write_text("EXPOSE\n")
    (tmp_path / "stage").write_text("FROM scratch\n")
    (tmp_path / "again").write_text("INCLUDE again\n")
    for name, message in {
        "bad": "INCLUDE: EXPOSE requires at least one argument",
        "stage": "INCLUDE: FROM cannot stand in what another instruction stands for",
        "again": "INCLUDE: INCLUDE cannot stand in what another instruction stands for",
    }.items():
        error = fault(f"FROM scratch\nLABEL a=b\nINCLUDE {name}\n")
        assert (error.message, error.span and error.span.line) == (message, 3)


def test_without_a_package_the_instruction_is_unknown(packages: Path) -> None:
    assert packages.is_dir()
    assert "unknown instruction: INCLUDE" in fault("FROM scratch\nINCLUDE nobody\n").message


def test_a_package_that_cannot_be_loaded_is_named(packages: Path) -> None:
    install(packages, {"INCLUDE": "no_such_module:INCLUDE", "SYMLINK": "json:loads"})
    assert (
        "the plug-in for INCLUDE is of no use: no_such_module:INCLUDE cannot be loaded"
        in fault("FROM scratch\nINCLUDE a\n").message
    )
    assert "json:loads is no Plugin" in fault("FROM scratch\nSYMLINK a\n").message


def test_two_packages_with_one_keyword_are_named(packages: Path) -> None:
    install(packages, {"INCLUDE": "one:INCLUDE"}, "one")
    install(packages, {"include": "two:INCLUDE"}, "two")
    assert "several packages add it: one:INCLUDE, two:INCLUDE" in fault("FROM scratch\nINCLUDE a\n").message


def test_packages_are_looked_for_only_when_a_keyword_is_unknown() -> None:
    script = """
import sys
from dockerfile_frontend.instructions.stages import parse
parse(b"FROM a\\nRUN b\\nCOPY c d\\n")
print("importlib.metadata" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_command_line_knows_it(house: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nINCLUDE nobody\nSYMLINK sh -> dash\n")
    environment = {"PYTHONPATH": f"{ROOT}:{PACKAGE}:{house}"}
    checked = dfc("build", "--check", tmp_path, env=environment)
    assert b"SymlinkRelativePath" in checked.stdout + checked.stderr
    shown = dfc("compile", tmp_path, "--format", "text", env=environment)
    assert b"symlink" in shown.stdout
    assert dfc("lint", tmp_path, env=environment).returncode in (0, 1)
