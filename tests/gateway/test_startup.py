"""What the frontend imports before it says anything, and before it has a graph: BuildKit starts it for every build."""

from __future__ import annotations

import subprocess
import sys

from tests.running import ROOT

HEAVY = {
    "asyncio",
    "click",
    "concurrent",
    "google",
    "h2",
    "grpc",
    "httpcore",
    "lark",
    "msgpack",
    "pydantic",
    "rich",
    "ssl",
    "zstandard",
}
SCRIPT = """
import sys
import dockerfile_frontend.gateway.process
first = set(sys.modules)
from tests.gateway.buildkit import FakeBuildKit
b = FakeBuildKit({"dockerfile": {"Dockerfile": b"FROM alpine\\nRUN a\\nCOPY a /\\n"}, "context": {}})
before = {name.partition(".")[0] for name in sys.modules}
assert b.run() == 0
after = {name.partition(".")[0] for name in sys.modules}
print(*sorted({name.partition(".")[0] for name in first}))
print(*sorted(after - before))
print(*sorted(name for name in first if name.startswith("dockerfile_frontend.compiler")), "-")
"""


def test_nothing_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    first, later, compiler = done.stdout.splitlines()
    assert "dockerfile_frontend" in first.split()
    assert not HEAVY & set(first.split())
    assert not HEAVY & set(later.split())
    assert compiler == "-", "the compiler is loaded while the daemon answers"


def test_inspect_waits_until_it_is_used() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "dockerfile_frontend.gateway"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = done.stderr.decode()
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    assert "the frontend has lost its daemon" in said
    assert "dockerfile_frontend.gateway.channel" in imported
    assert not {"inspect", "ast", "tokenize"} & imported
