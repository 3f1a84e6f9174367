"""A tree to stages: every node becomes an instruction, every FROM begins a stage.

ARG V=3 · FROM alpine:$V AS a · RUN x · FROM a      ParsedDockerfile(meta_args (V), stages (a: RUN x; "": nothing))
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.text import lower, upper
from dockerfile_frontend.instructions.model import Arg, From, Instruction, Lines, ParsedDockerfile, Stage
from dockerfile_frontend.instructions.plugins import KINDS, find_plugin, placed
from dockerfile_frontend.instructions.table import TABLE
from dockerfile_frontend.syntax.parser import parse_tree

if TYPE_CHECKING:
    from dockerfile_frontend.instructions.plugins import Plugin
    from dockerfile_frontend.instructions.table import Row
    from dockerfile_frontend.source import Span
    from dockerfile_frontend.syntax.tree import Node, Tree


def parse(data: bytes) -> ParsedDockerfile:
    """A Dockerfile's stages. Raises DockerfileError."""
    return parse_stages(parse_tree(data))


def parse_stages(tree: Tree) -> ParsedDockerfile:
    """Stages of a tree. Raises DockerfileError, which names the line as the reference does."""
    meta_args: list[Arg] = []
    stages: list[tuple[From, list[Instruction]]] = []
    for node in tree.nodes:
        try:
            instruction = parse_instruction(node)
        except DockerfileError as error:
            raise DockerfileError(
                f"dockerfile parse error on line {node.start}: {error.message}",
                error.span,
                code=error.code,
                hint=error.hint,
            ) from None
        if isinstance(instruction, From):
            stages.append((instruction, []))
        elif stages:
            stages[-1][1].append(instruction)
            if type(instruction) in KINDS:
                stages[-1][1].extend(expand_plugin(instruction))
        elif isinstance(instruction, Arg):
            meta_args.append(instruction)
        else:
            raise DockerfileError(
                "no build stage in current context",
                instruction.span,
                code="no-stage",
                hint="a Dockerfile begins with FROM",
            )
    blank = tuple((n.line.end, n.line.end) for n in tree.nodes if n.line.blank_inside)
    made = tuple(Stage(start, tuple(rest)) for start, rest in stages)
    return ParsedDockerfile(tuple(meta_args), made, tree.escape, tree.directives, blank)


def parse_instruction(node: Node) -> Instruction:
    """One instruction. Raises DockerfileError at its place."""
    row: Row | Plugin | None = TABLE.get(lower(node.keyword))
    try:
        row = row or find_plugin(node.keyword)
        if row is None:
            raise _unknown(node)
        return row.parse(node, row.flags)
    except DockerfileError as error:
        raise error.at(node.line.span) from None


def _unknown(node: Node) -> DockerfileError:
    names = [name.upper() for name in TABLE]
    message = suggested(f"unknown instruction: {node.keyword}", node.keyword, names, match_case=False)
    return DockerfileError(message, node.keyword_span, code="unknown-instruction")


def expand_plugin(instruction: Instruction) -> list[Instruction]:
    """The instructions that a plug-in's stands for, at its place. Raises DockerfileError."""
    expand = KINDS[type(instruction)].expand
    if expand is None:
        return []
    keyword = upper(instruction.keyword)
    try:
        nodes = parse_tree(expand(instruction).encode("utf-8", "surrogateescape")).nodes
        found = [parse_instruction(node) for node in nodes]
    except DockerfileError as error:
        raise DockerfileError(f"{keyword}: {error.message}", instruction.span, code=error.code, hint=error.hint) from None
    for each in found:
        if isinstance(each, From) or type(each) in KINDS:
            message = f"{keyword}: {upper(each.keyword)} cannot stand in what another instruction stands for"
            raise DockerfileError(message, instruction.span, code="plug-in")
    return [placed(each, instruction) for each in found]


def parse_trigger(text: str, lines: Lines, span: Span) -> Instruction:
    """The instruction of an ONBUILD trigger of a base image, placed at the FROM that took it over. Raises DockerfileError."""
    tree = parse_tree(text.encode("utf-8", "surrogateescape"))
    if len(tree.nodes) != 1:
        raise DockerfileError("onbuild trigger should be a single expression", span, code="onbuild")
    try:
        found = parse_instruction(tree.nodes[0])
    except DockerfileError as error:
        raise DockerfileError(error.message, span, code=error.code, hint=error.hint) from None
    if isinstance(found, From):
        raise DockerfileError("*instructions.Stage is not a command type", span, code="onbuild")
    return replace(found, lines=lines, span=span)
