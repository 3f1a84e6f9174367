"""What a start of `dfc` imports: `--help` is to feel instant, and a small compilation nearly so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running import ROOT

HEAVY = {"asyncio", "httpcore", "httpx", "lark", "logging", "msgpack", "pydantic", "rich", "subprocess", "tempfile"}


def imported(statement: str) -> set[str]:
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import dockerfile_frontend",
        "import dockerfile_frontend.cli; sys.argv = ['dfc', '--help']; dockerfile_frontend.cli.main()",
    ],
)
def test_nothing_heavy_is_imported(statement: str) -> None:
    assert not imported(statement) & HEAVY


def test_the_public_names_exist_and_are_listed() -> None:
    import dockerfile_frontend as api  # noqa: PLC0415  only this test needs it

    assert dir(api) == sorted(api.__all__)
    assert all(getattr(api, name) is not None for name in api.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = api.no_such_name
