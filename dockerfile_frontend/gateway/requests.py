"""Questions about a Dockerfile instead of a build: the reference's subrequests, with its result keys and texts.

    frontend.targets  ──▶  {"result.json": {"targets": […], "sources": […]}, "result.txt": "TARGET DESCRIPTION…", "version": "1.0.0"}

`docker buildx build --call=outline|targets|check` asks them. BuildKit: frontend/subrequests, frontend/dockerui/requests.go.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.gateway.bridge import Solved
from dockerfile_frontend.gateway.context import with_origin
from dockerfile_frontend.gateway.errors import places_of, ranges_json, source_json, unsupported_request
from dockerfile_frontend.gateway.rules import RULES, page
from dockerfile_frontend.gateway.warnings import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dockerfile_frontend.diagnostics import Diagnostic, DockerfileError
    from dockerfile_frontend.gateway.build import Request
    from ir_schema.ops import SourceInfo

Json = dict[str, Any]


def answer_request(name: str, request: Request, found: list[Diagnostic]) -> Solved:
    """Raises RpcError for a question that is not known, DockerfileError for a Dockerfile that does not allow an answer.

    Warnings that are no part of the answer are appended to `found`.
    """
    answer = _REQUESTS.get(name)
    if answer is None:
        raise unsupported_request(name)
    options = replace(request.options, platforms=(), multi_platform=request.options.multi())
    return Solved(metadata=answer(replace(request, options=options), found))  # as the reference asks: platforms are for builds


def _outline(request: Request, found: list[Diagnostic]) -> dict[str, bytes]:
    from dockerfile_frontend.compiler.driver import outline_dockerfile  # noqa: PLC0415  each question loads its own
    from dockerfile_frontend.inspect.outline import outline_json  # noqa: PLC0415

    data = request.entrypoint.info.data
    facts = outline_dockerfile(data, request.options, request.resolver, request.ignore_files, found)
    outline = outline_json(facts) | {"sources": [b64encode(data).decode()]}
    return _result(outline, outline_text(outline), "1.0.0")


def _targets(request: Request, _found: list[Diagnostic]) -> dict[str, bytes]:
    from dockerfile_frontend.inspect.targets import list_targets  # noqa: PLC0415

    data = request.entrypoint.info.data
    found = list_targets(data) | {"sources": [b64encode(data).decode()]}
    return _result(found, targets_text(found), "1.0.0")


def _lint(request: Request, _found: list[Diagnostic]) -> dict[str, bytes]:
    from dockerfile_frontend.compiler.driver import check_dockerfile  # noqa: PLC0415

    info = request.entrypoint.info
    checked = check_dockerfile(info.data, request.options, request.resolver, request.ignore_files)
    warnings = [_warning_json(warning) for warning in checked.warnings]
    found: Json = {"warnings": warnings or None, "sources": [source_json(info)]}
    if checked.error is not None:
        found["buildError"] = _error_json(checked.error, info)
    status = "1" if warnings or checked.error is not None else "0"
    return _result(found, lint_text(warnings, info), "1.0.0") | {"result.statuscode": status.encode()}


def _warning_json(warning: Diagnostic) -> Json:
    place = {"ranges": ranges_json(lines_of(warning))}
    found = {
        "ruleName": warning.code,
        "description": RULES.get(warning.code, ""),
        "url": page(warning.code),
        "detail": warning.message,
        "location": place,
    }
    return {key: value for key, value in found.items() if value}


def _error_json(error: DockerfileError, info: SourceInfo) -> Json:
    lines = sorted({line for found in places_of(error, info) for line in found})
    place = {"ranges": ranges_json(lines)} if lines else {}
    return {"message": str(error), "location": place}


def _convert(request: Request, found: list[Diagnostic]) -> dict[str, bytes]:
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415
    from dockerfile_frontend.gateway.pbjson import converted_json  # noqa: PLC0415

    data = request.entrypoint.info.data
    compiled = compile_dockerfile(data, request.options, request.resolver, request.ignore_files, found)
    converted = converted_json(with_origin(compiled.target.definition, request.entrypoint))
    return {"result.json": _indented(converted), "version": b"0.1.0"}


def _describe(_request: Request, _found: list[Diagnostic]) -> dict[str, bytes]:
    rows = [(one["name"].removeprefix("frontend."), one["version"], one["description"]) for one in _DESCRIBED]
    return _result(_DESCRIBED, table(("NAME", "VERSION", "DESCRIPTION"), rows, 1), "1.0.0")


def _result(found: object, text: str, version: str) -> dict[str, bytes]:
    return {"result.json": _indented(found), "result.txt": text.encode("utf-8", "replace"), "version": version.encode()}


def _indented(found: object) -> bytes:
    """As Go's json.MarshalIndent writes it."""
    import json  # noqa: PLC0415

    text = json.dumps(found, ensure_ascii=False, indent=2)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "replace")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], padding: int) -> str:
    """Columns as Go's text/tabwriter sets them: each as wide as its widest cell and the padding; the last as it is."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) + padding for column in range(len(head) - 1)]
    return "".join(
        "".join(f"{cell:<{width}}" for cell, width in zip(line[:-1], widths, strict=True)) + line[-1] + "\n"
        for line in lines
    )


def targets_text(found: Json) -> str:
    rows = []
    for target in found["targets"] or ():
        name = target.get("name", "")
        if target.get("default"):
            name = f"{name} (default)".strip()
        rows.append((name, target.get("description", "")))
    return table(("TARGET", "DESCRIPTION"), rows, 1)


def outline_text(found: Json) -> str:
    text = ""
    if found.get("name") or found.get("description"):
        rows = [("DESCRIPTION:", found["description"])] if found.get("description") else []
        text += table(("TARGET:", found.get("name") or "(default)"), rows, 1) + "\n"
    if found.get("args"):
        args = [(arg["name"], arg.get("value", ""), arg.get("description", "")) for arg in found["args"]]
        text += table(("BUILD ARG", "VALUE", "DESCRIPTION"), args, 3) + "\n"
    for key, title in (("secrets", "SECRET"), ("ssh", "SSH")):
        if found.get(key):
            rows = [(entry["name"], "true" if entry.get("required") else "") for entry in found[key]]
            text += table((title, "REQUIRED"), rows, 3) + "\n"
    return text


def lint_text(warnings: Iterable[Json], info: SourceInfo) -> str:
    """Warnings by line, each with its lines of the Dockerfile."""
    text = ""
    for warning in sorted(warnings, key=_first_line):
        url = f" - {warning['url']}" if "url" in warning else ""
        text += f"\nWARNING: {warning['ruleName']}{url}\n{warning['detail']}\n"
        text += excerpt(info, [place["start"]["line"] for place in warning["location"]["ranges"]])
    return text


def _first_line(warning: Json) -> int:
    ranges = warning["location"]["ranges"]
    return int(ranges[0]["start"]["line"]) if ranges else 0


def excerpt(info: SourceInfo, marked: Sequence[int]) -> str:
    """Lines of a file with those around them, as the reference prints them: more around a single one."""
    lines = info.data.decode("utf-8", "replace").split("\n")
    if not marked or not 1 <= min(marked) <= len(lines):
        return ""
    first = start = min(marked)
    end = min(max(marked), len(lines))
    wanted, added = (4 if start == end else 2), 0
    while added < wanted:
        if start > 1:
            start, added = start - 1, added + 1
        if end != len(lines):
            end, added = end + 1, added + 1
        added += 1
    rule = "-" * 20 + "\n"
    shown = "".join(
        f" {number:3d} | {'>>>' if number in marked else '   '} {lines[number - 1]}\n"
        for number in range(start, end + 1)
    )
    return f"{info.filename}:{first}\n{rule}{shown}{rule}"


_RESULTS: list[Json] = [{"name": "result.json", "description": ""}, {"name": "result.txt", "description": ""}]
_DESCRIBED: list[Json] = [
    {
        "name": "frontend.outline",
        "version": "1.0.0",
        "type": "rpc",
        "description": "List all parameters current build target supports",
        "opts": [{"name": "target", "description": "Target build stage"}],
        "inputs": None,
        "metadata": _RESULTS,
        "refs": None,
    },
    {
        "name": "frontend.targets",
        "version": "1.0.0",
        "type": "rpc",
        "description": "List all targets current build supports",
        "opts": [],
        "inputs": None,
        "metadata": _RESULTS,
        "refs": None,
    },
    {
        "name": "frontend.subrequests.describe",
        "version": "1.0.0",
        "type": "rpc",
        "description": "List available subrequest types",
        "opts": None,
        "inputs": None,
        "metadata": _RESULTS,
        "refs": None,
    },
]
"""The reference leaves lint and convertllb out of its list, and so is it here."""

_REQUESTS: Mapping[str, Callable[[Request, list[Diagnostic]], dict[str, bytes]]] = {
    "frontend.convertllb": _convert,
    "frontend.lint": _lint,
    "frontend.outline": _outline,
    "frontend.subrequests.describe": _describe,
    "frontend.targets": _targets,
}
