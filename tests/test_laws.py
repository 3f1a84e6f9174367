"""Laws of `dfc compile` as a whole: the bytes it writes depend on its input and on nothing around it."""

from __future__ import annotations

import pytest

from dockerfile_frontend.cli.definitions import FORMATS
from tests.running import ROOT, dfc

FIXTURES = ROOT / "fixtures"
INPUTS = {
    "site": (FIXTURES / "site", "--recorded", FIXTURES / "site.images.json"),
    "several contexts": (FIXTURES / "site", "--recorded", FIXTURES / "site.images.json", "--build-context", f"docs={ROOT}"),
    "heredoc": (FIXTURES, "-f", FIXTURES / "bytes" / "heredoc-crlf.Dockerfile"),
    "blanks": (FIXTURES, "-f", FIXTURES / "bytes" / "unicode-blanks.Dockerfile"),
    "latin1": (FIXTURES, "-f", FIXTURES / "bytes" / "latin1.Dockerfile"),
}
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"},
    {"PYTHONHASHSEED": "4294967295", "TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "77", "TZ": "", "LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1", "PYTHONCOERCECLOCALE": "0"},
)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", INPUTS)
def test_same_bytes_under_every_hash_seed_time_zone_and_locale(name: str, form: str) -> None:
    call = ("compile", *INPUTS[name], "--offline", "-q", "--format", form)
    here = dfc(*call, env={"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert (here.returncode, here.stderr) == (0, b"")
    for surroundings in SURROUNDINGS:
        there = dfc(*call, env=surroundings)
        assert (there.returncode, there.stderr) == (0, b"")
        assert there.stdout == here.stdout
