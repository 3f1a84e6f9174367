"""An SBOM by a generator that is an image: found in a registry, run as a step of the build, its result cached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.store import Store
from tests.components import require
from tests.registry.servers import OPEN, client, debian_registry

from .conftest import AMD64, add_layer
from .reading import ReadImage
from .test_attestations import statements

pytestmark = pytest.mark.e2e

SCAN = """#!/bin/sh
set -e
[ "$MY_OWN" = 1 ] && [ "$(ls $BUILDKIT_SCAN_SOURCE_EXTRAS)" = "sbom-empty
sbom-tools" ] && [ -e $BUILDKIT_SCAN_SOURCE_EXTRAS/sbom-tools/tool ] && [ "$PWD" = /work ] && [ ! -e /run/src/core/sbom/bin ]
if echo >/run/src/core/sbom/x; then exit 7; fi
printf '{"predicateType":"https://spdx.dev/Document","predicate":{"found":"%s %s"}}' "$(ls $BUILDKIT_SCAN_SOURCE)" "$BUILDKIT_SCAN_LEVEL" \\
    >${BUILDKIT_SCAN_DESTINATION}sbom.spdx.json
"""

PROGRAM = """
import sys, contextlib, time
from pathlib import Path
from dockerfile_frontend import CompileOptions, Recorded, compile_dockerfile
from dockerfile_frontend.executor.build import build
from dockerfile_frontend.executor.job import BuildJob, Target
from dockerfile_frontend.executor.exporters.attest import settle_attests
from dockerfile_frontend.executor.exporters.outputs import BuildFacts, parse_output
from dockerfile_frontend.executor.exporters.records import Scans
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.events import Silent
from dockerfile_frontend.registry.client import Client
from ir_schema.ops import Platform

root, context, sbom, text = sys.argv[1:]

class Told(Silent):
    def completed(self, vertex, *, cached=False, error=""):
        if "sbom" in vertex.name:
            print(vertex.name, "cached" if cached else "ran")

target = compile_dockerfile(b"FROM scratch\\nCOPY . /\\n", CompileOptions(), Recorded()).target
tools = compile_dockerfile(b"FROM scratch\\nCOPY app.txt /tool\\n", CompileOptions(), Recorded()).target.definition
scans = (Scans({"empty": None, "tools": tools}),)
attests = settle_attests(sbom=sbom, provenance="false")
facts = BuildFacts(scans=scans, definitions=(target.definition,), attests=attests, started=time.time())
job = BuildJob(root, (Target(target.definition, Platform("amd64", "linux"), target.config),),
    Session(contexts={"context": Path(context)}, connect=Client), (parse_output(text),), facts)

@contextlib.contextmanager
def display():
    yield Told()

build(job, display)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="one level is enough: steps are tried rootless elsewhere")
def test_a_generator_that_is_an_image(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "app.txt").write_text("app")
    (tmp_path / "registry").mkdir()
    with debian_registry(tmp_path / "registry") as host:
        push_scanner(host, tmp_path)
        for number, outcome in enumerate(("ran", "cached")):
            path = tmp_path / f"{number}.tar"
            arguments: list[str | Path] = [tmp_path / "store", context, f"generator={host}/scan:1,LEVEL=deep", f"type=oci,dest={path}"]
            done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == f"[linux/amd64] generating sbom using {host}/scan:1 {outcome}\n"
            (statement,) = statements(ReadImage(path))
            assert statement["predicate"] == {"found": "app.txt deep"}


def push_scanner(host: str, tmp_path: Path) -> None:
    busybox = require("busybox-static")

    def fill(root: Path) -> None:
        for name in ("bin", "work", "tmp"):
            (root / name).mkdir()
        shutil.copy(busybox, root / "bin/busybox")
        for name in ("sh", "ls", "printf"):
            (root / "bin" / name).symlink_to("busybox")
        (root / "scan").write_text(SCAN)
        (root / "scan").chmod(0o755)

    settings = {"Entrypoint": ["/bin/sh"], "Cmd": ["/scan"], "Env": ["PATH=/bin", "MY_OWN=1"], "WorkingDir": "/work"}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": settings}).encode()
    with Store.open(tmp_path / "scanner") as store, Machine(store, Session(connect=client)) as machine:
        image = Image(AMD64, add_layer(store, (), fill), config)
        export([parse_output(f"type=registry,name={host}/scan:1")], [image], machine, BuildFacts())
    while OPEN:
        OPEN.pop().close()
