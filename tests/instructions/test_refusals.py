"""What a person is shown when a Dockerfile is refused: place, message, excerpt, caret."""

from __future__ import annotations

import pytest

from dockerfile_frontend.diagnostics import DockerfileError, render
from dockerfile_frontend.instructions.model import Run
from dockerfile_frontend.instructions.mounts import parse_mount
from dockerfile_frontend.instructions.stages import parse
from dockerfile_frontend.source import SourceFile
from tests.casefiles import Case, Expect, case_files


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_refusal(case: Case, expect: Expect) -> None:
    text = case.sections["Dockerfile"]
    with pytest.raises(DockerfileError) as caught:
        understand(text.encode())
    expect(case, shown=render(caught.value.diagnostic, SourceFile("Dockerfile", text)) + "\n")


def understand(data: bytes) -> None:
    """Parse all there is: the options of mounts are looked at when variables in them are expanded."""
    for stage in parse(data).stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Run):
                for mount, spans in zip(instruction.mounts, instruction.mount_spans, strict=True):
                    parse_mount(mount, lambda word: word, spans)
