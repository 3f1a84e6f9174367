"""The very bytes that BuildKit makes: where times are fixed and nothing is compressed, digests must be equal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerfile_frontend import CompileOptions, Recorded, compile_dockerfile
from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.model import Tree
from dockerfile_frontend.executor.store import Store

from .conftest import AMD64, STAMP

DOCKERFILE = b"""FROM scratch AS a
COPY hello.txt /x/
FROM scratch
LABEL a=b
ENV X="a && b <c>"
COPY --from=a /x /y
COPY hello.txt /z/
ARG K=1
WORKDIR /w
CMD ["/y"]
"""

MANIFEST = "sha256:5e519a163c3a3eb40bf561066e2f12fa247855d5bb1160315ffa2ced41370edc"
CONFIG = "sha256:558cfb1daaf687df51848e4843188ad505724ba87261cf7f0ac7aa9c49080ad2"
"""Of BuildKit v0.34.2: --output type=oci,rewrite-timestamp=true,compression=uncompressed with these build args."""


@pytest.mark.skipif(os.geteuid() != 0, reason="files belong to root")
def test_digests(store: Store, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "hello.txt").write_text("hi\n")
    (context / "hello.txt").chmod(0o644)
    os.utime(context / "hello.txt", (STAMP, STAMP))
    options = CompileOptions(build_args={"K": "2", "SOURCE_DATE_EPOCH": "1700000000"})
    target = compile_dockerfile(DOCKERFILE, options, Recorded()).target
    with Machine(store, Session(contexts={"context": context}), jobs=2) as machine:
        (tree,) = solve([target.definition], machine)
        assert isinstance(tree, Tree)
        image = Image(AMD64, tree.layers, target.config)
        output = parse_output(f"type=oci,dest={tmp_path}/app.tar,rewrite-timestamp=true,compression=uncompressed")
        metadata = export([output], [image], machine, BuildFacts(source_date_epoch=target.epoch))
    assert metadata["containerimage.config.digest"] == CONFIG
    assert metadata["containerimage.digest"] == MANIFEST
