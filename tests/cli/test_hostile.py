"""Large and hostile inputs, each in a process whose memory is bounded: a result or one message, never a traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import DFC, ROOT

MEMORY = 1 << 20
"""KiB of address space a process may take: 1 GiB."""


def bounded(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["sh", "-c", f'ulimit -v {MEMORY}; exec "$@"', "sh", *DFC, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)


COMPILES: dict[str, Callable[[], bytes]] = {
    "100,000 lines": lambda: b"FROM scratch\n" + b"".join(b"LABEL a%d=b\n" % i for i in range(100_000)),
    "10,000 COPYs": lambda: b"FROM scratch\n" + b"".join(b"COPY a%d /b\n" % i for i in range(10_000)),
    "a RUN of 100,000 lines": lambda: b"FROM scratch\nRUN a" + b" \\\n b" * 100_000 + b"\n",
    "1,000 stages, each on the one before": lambda: (
        b"FROM scratch AS s0\n" + b"".join(b"FROM s%d AS s%d\nCOPY a /a%d\n" % (i - 1, i, i) for i in range(1, 1000))
    ),
    "2,000 heredocs": lambda: (
        b"FROM scratch\nCOPY "
        + b" ".join(b"<<E%d" % i for i in range(2000))
        + b" /d/\n"
        + b"".join(b"x\nE%d\n" % i for i in range(2000))
    ),
    "variables in variables in variables": lambda: b"FROM scratch\nLABEL x=" + b"${a:-" * 5000 + b"x" + b"}" * 5000,
    "a pattern that backtracks": lambda: (
        b"FROM scratch\nARG A=" + b"a" * 5000 + b"\nLABEL x=${A//" + b"*a" * 30 + b"b/y}"
    ),
}

REFUSED: dict[str, Callable[[], bytes]] = {
    "ARGs that double": lambda: (
        b"FROM scratch\nARG A0=xxxx\n" + b"".join(b"ARG A%d=$A%d$A%d\n" % (i, i - 1, i - 1) for i in range(1, 60))
    ),
    "a line of 8 MB": lambda: b"FROM scratch\nCOPPY " + b"a" * 8_000_000,
    "JSON of 60 kB": lambda: b"FROM scratch\nSHELL " + b"[" * 60_000,
    "ONBUILDs in a row": lambda: b"FROM scratch\n" + b"ONBUILD " * 8000 + b"RUN x\n",
    "100 MB": lambda: b"# x\n" * (25 << 20),
    "binary": lambda: bytes(range(256)) * 4000,
}


@pytest.mark.parametrize("name", COMPILES)
def test_what_is_large_compiles(name: str) -> None:
    done = bounded("compile", "-", "-q", stdin=COMPILES[name]())
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"dockerfile-ir" in done.stdout[:64]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_hostile_is_refused_in_few_words(name: str) -> None:
    done = bounded("compile", "-", stdin=REFUSED[name]())
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"error: ") == 1
    assert len(done.stderr) < 2000
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize("form", ["llb", "msgpack", "json", "text"])
def test_a_graph_cut_anywhere_is_one_message(form: str, tmp_path: Path) -> None:
    site = str(ROOT / "fixtures" / "site")
    recorded = str(ROOT / "fixtures" / "site.images.json")
    whole = bounded("compile", site, "--offline", "--recorded", recorded, "--format", form).stdout
    for part in (0.3, 0.7, 0.999):
        done = bounded("show", "-", stdin=whole[: int(len(whole) * part)])
        assert done.returncode in {0, 1}, "text that ends between two statements is whole"
        if done.returncode:
            assert done.stderr.startswith(b"dfc: error: stdin: ")
        assert b"Traceback" not in done.stderr
        assert b"internal error" not in done.stderr
