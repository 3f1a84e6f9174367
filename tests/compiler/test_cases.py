"""Dockerfile and graph, side by side: each section that a case has is held against what the compiler gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from dockerfile_frontend.compiler.result import CompiledTarget, CompileResult
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.inspect.words import describe_op
from dockerfile_frontend.semantics.platforms import format_whole_platform
from ir_schema.ops import ExecOp, Op
from tests.casefiles import Case, Expect, case_files
from tests.compiler.compiling import Images, compile_text

GIVEN = ("Dockerfile", "options", "images", "times", "ignored", "src ignored")


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_case(case: Case, expect: Expect) -> None:
    try:
        result = compile_case(case)
    except DockerfileError as error:
        line = error.span.line if error.span is not None else 0
        expect(case, error=f"line {line}: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))
        return
    wanted = [name for name in case.sections if name not in GIVEN]
    expect(case, **{name: show(name, result) for name in wanted})


def compile_case(case: Case) -> CompileResult:
    sections = case.sections
    options = dict(line.split("=", 1) for line in sections.get("options", "").splitlines())
    configs = json.loads(sections.get("images", "{}"))
    times = {name: int(time) for name, time in (line.rsplit(" ", 1) for line in sections.get("times", "").splitlines())}
    ignored = {"context": sections.get("ignored", ""), "src": sections.get("src ignored", "")}
    unsupported = frozenset(filter(None, options.pop("unsupported", "").split(",")))
    images = Images({f"docker.io/library/{name}:latest": config for name, config in configs.items()}, times=times)
    session = options.pop("session", "")
    return compile_text(sections["Dockerfile"], options, images, ignored, unsupported=unsupported, session=session)


def show(section: str, result: CompileResult) -> str:
    """A section's text; "graph linux/arm64" is that of one of several platforms."""
    name, _, platform = section.partition(" ")
    target = next(t for t in result.targets if not platform or format_whole_platform(t.platform) == platform)
    if name == "warnings":
        return "".join(f"{w.span.line if w.span else 0}: {w.message} [{w.code}]\n" for w in result.warnings)
    return SHOWN[name](target)


def show_graph(target: CompiledTarget) -> str:
    """A vertex a line, in the words of `dfc show`, and below it what else is set; without digests, which have a test of their own."""
    definition = target.definition
    numbers = {digest: f"%{number}" for number, digest in enumerate(definition.vertices)}
    lines = []
    for digest, vertex in definition.vertices.items():
        edges = [numbers[edge.digest] for edge in vertex.op.inputs]
        words = describe_op(vertex.op, lambda place, edges=edges: edges[place] if place >= 0 else "scratch")  # type: ignore[misc]
        first, *more = words.does or ("",)
        inputs = f" on {', '.join(edges)}" if edges else ""
        lines.append(f"{numbers[digest]} = {words.kind}{inputs}: {first}")
        lines += [f"     {line}" for line in (*more, *words.options, *show_rest(vertex.op))]
    output = definition.output
    end = f"return {numbers[output.digest]}" if output is not None else "return scratch"
    return _PINNED.sub("", "\n".join([*lines, end]))


_PINNED = re.compile(r"@sha256:[0-9a-f]{6,}…?|\n +local\.unique = \w+")


def show_rest(op: Op) -> Iterator[str]:
    """What `dfc show` leaves out because it is usual."""
    if op.platform is not None and (op.platform.os, op.platform.architecture) != ("linux", "amd64"):
        yield f"platform {'/'.join(filter(None, (op.platform.os, op.platform.architecture, op.platform.variant)))}"
    if isinstance(op.body, ExecOp) and op.body.meta is not None:
        meta = op.body.meta
        if meta.args[:2] != ("/bin/sh", "-c"):
            yield f"args {json.dumps(meta.args)}"
        if meta.env != ("PATH=/bin",):
            yield f"env {json.dumps(meta.env)}"


def show_names(target: CompiledTarget) -> str:
    """What progress calls each vertex, and its group and cache setting."""
    lines = []
    for number, digest in enumerate(target.definition.vertices):
        metadata = target.definition.metadata[digest]
        marks = [f" (group {metadata.progress_group.name})"] if metadata.progress_group else []
        marks += [" (no cache)"] if metadata.ignore_cache else []
        lines.append(f"%{number} {_PINNED.sub('', metadata.description['llb.customname'])}{''.join(marks)}")
    return "\n".join(lines)


def show_caps(target: CompiledTarget) -> str:
    definition = target.definition
    return "\n".join(f"%{n} {' '.join(sorted(definition.metadata[d].caps))}" for n, d in enumerate(definition.vertices))


SHOWN: dict[str, Callable[[CompiledTarget], str]] = {
    "caps": show_caps,
    "graph": show_graph,
    "history": lambda target: "\n".join(entry["created_by"] for entry in target.image.history),
    "image": lambda target: json.dumps(target.config_json, indent=1, ensure_ascii=False),
    "names": show_names,
}
