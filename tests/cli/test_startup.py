"""What a start of `dfc` imports: `--help` is to feel instant, and a small compilation nearly so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.running import ROOT, dfc

HEAVY = {
    "asyncio", "concurrent", "httpcore", "httpx", "isal", "lark", "logging", "msgpack", "pathlib", "pydantic", "rich", "subprocess",
    "tempfile", "zstandard",
}  # fmt: skip


def imported(*arguments: str | Path, before: str = "", env: Mapping[str, str] | None = None) -> set[str]:
    """Modules that a run of `dfc` imports, or with `before` that statement."""
    run = f"import sys; from dockerfile_frontend.cli.start import run; run({[str(argument) for argument in arguments]!r})"
    script = f"{before or run}\nimport sys\nprint('\\nimported', *sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found = done.stderr.rpartition("\nimported ")[2].split()
    assert "sys" in found
    return set(found)


def heavy(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules} & HEAVY


START = "import sys; sys.argv[1:] = {}; import os; os._exit = lambda code: None; from dockerfile_frontend.cli import main; main()"


def test_inspect_waits_until_it_is_used() -> None:
    modules = imported(before=START.format(["graph", "--version"]))
    assert "click" in modules
    assert not modules & {"ast", "dis", "tokenize"}
    uses = "import inspect, dataclasses; assert inspect.isfunction(inspect.cleandoc); assert inspect.cleandoc(' a\\n  b\\n') == 'a\\nb'"
    again = "import sys; assert sys.modules['inspect'] is not inspect; from inspect import Signature; assert Signature is inspect.Signature"
    start = "from dockerfile_frontend.postponed import postpone_inspect; postpone_inspect()"
    assert {"ast", "inspect"} <= imported(before=f"{start}; {uses}; {again}; postpone_inspect()")


def test_nothing_heavy_is_imported() -> None:
    assert not heavy(imported(before="import dockerfile_frontend"))
    assert not heavy(imported("--help"))


def test_a_cached_build_imports_no_compiler_and_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /a\nLABEL a=b\n")
    build = ("build", "-t", "app", "-o", f"type=oci,dest={tmp_path / 'app.tar'}", tmp_path)
    environment = {"DFC_ROOT": str(tmp_path / "store")}
    assert dfc(*build, env=environment).returncode == 0
    modules = imported(*build, env=environment)
    assert not heavy(modules)
    assert "click" not in modules
    for package in ("compiler", "syntax", "instructions", "registry", "executor.runtime", "executor.layers.pack"):
        assert f"dockerfile_frontend.{package}" not in modules


def test_a_build_in_which_a_file_has_changed_imports_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /a\n")
    build = ("build", "-o", f"type=oci,dest={tmp_path / 'app.tar'}", tmp_path)
    environment = {"DFC_ROOT": str(tmp_path / "store")}
    for text in ("one", "two"):
        (tmp_path / "file").write_text(text)
        modules = imported(*build, env=environment)
    assert heavy(modules) <= {"isal"}
    assert "dockerfile_frontend.executor.files.run" in modules
    for package in ("compiler", "syntax", "instructions"):
        assert f"dockerfile_frontend.{package}" not in modules


def test_the_public_names_exist_and_are_listed() -> None:
    import dockerfile_frontend as api  # noqa: PLC0415  only this test needs it

    assert dir(api) == sorted(api.__all__)
    assert all(getattr(api, name) is not None for name in api.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = api.no_such_name
