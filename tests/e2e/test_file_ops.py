"""The case files of file ops, run by a real BuildKit: what it makes is what they say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ir_schema import Definition, Vertex, encode_llb
from ir_schema.ops import Input, Op, SourceOp
from tests.casefiles import Case, case_files
from tests.e2e.conftest import BuildKit
from tests.executor.files import test_cases
from tests.executor.files.filecases import read_op
from tests.executor.trees import list_tree, make_tree

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

OTHER_WORDS = {
    "chown-passwd-is-a-directory": "open /etc/passwd: not a regular file",
    "chown-passwd-is-a-link-out": "too many links",
    "copy-through-loop": "too many links",
    "mkdir-over-file-below": "lstat /f/d: not a directory",
}
"""Faults that BuildKit tells otherwise, without the path or with less of it."""

MOUNT = re.compile(r"/\S*/cachemounts/buildkit\d+")
FOLDER_TIME = re.compile(r"(?m)^(.*/ [0-7]{4}.*?) @\d+.*$")
"""BuildKit gives directories times of its own where patterns pick, and those of the client's root; and no attributes."""


def graph(case: Case) -> bytes:
    """A graph of the case: the context, the tree below, the op."""
    context = Vertex.of(Op((), SourceOp("local://context")))
    base = Vertex.of(Op((), read_op(case.sections.get("base", "mkdir / 0755 parents"), inputs=False)))
    vertex = Vertex.of(Op((Input(base.digest), Input(context.digest)), read_op(case.sections["op"])))
    return encode_llb(Definition({each.digest: each for each in (context, base, vertex)}, Input(vertex.digest)))


@pytest.mark.parametrize("case", case_files(test_cases.__file__), ids=str)
def test_the_reference_agrees(case: Case, buildkit: BuildKit, tmp_path: Path) -> None:
    make_tree(tmp_path / "context", case.sections.get("context", ""))
    arguments = ("--no-cache", "--local", "context=context", "--output", "type=tar,dest=out.tar")
    done = buildkit.build(*arguments, definition=graph(case), cwd=tmp_path)
    want = case.sections["result"]
    if done.returncode:
        told = MOUNT.sub("", done.stderr.decode().strip().splitlines()[-1])
        assert want.startswith("error: "), told
        assert told.endswith(OTHER_WORDS.get(str(case), want.removeprefix("error: ").strip()))
        return
    (tmp_path / "out").mkdir()
    unpack = ("tar", "-xpf", "out.tar", "-C", "out", "--same-owner", "--xattrs", "--xattrs-include=*")
    subprocess.run(unpack, check=True, cwd=tmp_path)
    assert FOLDER_TIME.sub(r"\1", list_tree(tmp_path / "out")) == FOLDER_TIME.sub(r"\1", want)
