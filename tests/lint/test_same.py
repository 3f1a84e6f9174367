"""Lint sees what the compiler sees: the same state, the same findings on the same lines."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from dockerfile_frontend import CompileOptions, DockerfileError, compile_dockerfile
from dockerfile_frontend.lint.facts import LintFile
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.source import SourceFile
from tests.conformance_adapter import EveryImage, ask, lint
from tests.lint.linting import lint_text
from tests.running import ROOT

SMALL = ROOT.parent / "shared" / "conformance" / "cases-small.jsonl.gz"

TEXTS = [
    'FROM alpine\nUSER a:b\nWORKDIR /a\nWORKDIR b/../c\nENV A=1 B=$A\nENV B=${A}2\nLABEL x=$B y=z\nSHELL ["/bin/a", "-c"]\n',
    "ARG V=1\nFROM alpine AS base\nARG V\nENV W=$V\nONBUILD USER joe\nONBUILD ENV X=1\nFROM base\nLABEL w=$W x=$X\n",
    "FROM scratch\nWORKDIR a\nENV PATH=/x:$PATH\nENV A=1\nENV PATH=/y A=2\n",
    'FROM scratch AS a\nSHELL ["sh"]\nFROM alpine\nENV A 1 2\nFROM a\nUSER 1\n',
    "# escape=`\nFROM alpine\nARG D=x\nWORKDIR /$D`\n/y\nENV Q='$D' R=\"${D:-z}\" S=${N:-none}\n",
]


def cases() -> Iterator[tuple[bytes, CompileOptions]]:
    for text in TEXTS:
        yield text.encode(), ask()
    if SMALL.exists():
        with gzip.open(SMALL, "rt") as lines:
            for line in lines:
                case = json.loads(line)
                if case["kind"] == "convert" and not case["options"]:
                    given = {name: case[name] for name in ("target", "build_args", "platform")}
                    yield base64.b64decode(case["dockerfile"]), ask(**given)


def of_compiler(data: bytes, options: CompileOptions) -> dict[str, Any]:
    config = json.loads(compile_dockerfile(data, options, EveryImage()).target.config)["config"]
    env = dict(entry.split("=", 1) for entry in config.get("Env", []))
    return {
        "user": config.get("User", ""),
        "workdir": config.get("WorkingDir", ""),
        "shell": tuple(config.get("Shell", ())),
        "onbuild": tuple(config.get("OnBuild", ())),
        "labels": config.get("Labels", {}),
        "image_env": env,
    }


def of_lint(data: bytes, options: CompileOptions) -> dict[str, Any]:
    source = SourceFile("Dockerfile", data.decode("utf-8", "replace"))
    file = LintFile(source, data, options, Images(EveryImage()))
    (end,) = [stage.end for stage in file.stages if stage.final]
    named = {name: getattr(end, name) for name in ("user", "workdir", "shell", "onbuild")}
    return {**named, "labels": dict(end.labels), "image_env": dict(end.image_env)}


def test_the_last_stage_ends_as_with_the_compiler() -> None:
    """A variable without a value is left as it is written here, so what holds one is not compared."""
    compared = 0
    for data, options in cases():
        try:
            wanted = of_compiler(data, options)
        except DockerfileError:
            continue
        found = of_lint(data, options)
        for name, value in found.items():
            if "$" not in str(value):
                assert value == wanted[name], (name, data.decode("utf-8", "replace"))
                compared += 1
    assert compared >= 5 * len(TEXTS)


FAULTY = [
    b"",
    b"FROM alpine AS A\nCOPPY x y\n",
    b"FROM alpine AS A\nCOPY --from=A x y\n",
    b"FROM a AS b\nMAINTAINER x\nENV A 1\\\n  B\\\n\n  C\nCMD x\nCMD y\n",
    b"FROM a\nENV A=1 \\\n    MY_TOKEN=2 \\\n    B=$C\nEXPOSE 1:2/TCP\n",
    b"# check=skip=JSONArgsRecommended\nFROM a\nCMD x\n# check=skip=all\nENV A $B\n",
]


@pytest.mark.parametrize("data", FAULTY)
def test_findings_are_those_of_the_compiler(data: bytes) -> None:
    wanted = lint(data)
    found = lint_text(data, "REFERENCE", options=ask())
    rows = [(f.rule, f.span.line if f.span else 0, f.message) for f in found.findings if f.rule != "DFC000"]
    assert sorted(rows) == sorted((row["rule"], row["line"], row["message"]) for row in wanted["warnings"])
    assert [f.message for f in found.findings if f.rule == "DFC000"] == ([wanted["error"]] if wanted["error"] else [])
