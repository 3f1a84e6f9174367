"""Warnings that need nothing but the text: names, the case of keywords, descriptions, empty continuations.

    From alpine    ──▶  ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)

Dockerfile reference: "Build checks". The rules stand in the order in which the reference reports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.instructions.model import Arg, From, Instruction, Lines, Maintainer
from dockerfile_frontend.instructions.plugins import KINDS
from dockerfile_frontend.instructions.stages import parse_instruction
from dockerfile_frontend.semantics.args import resolve_global_args
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from dockerfile_frontend.semantics.stages import SCRATCH
from dockerfile_frontend.syntax.words import WordError, expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.instructions.model import ParsedDockerfile
    from dockerfile_frontend.semantics.findings import Findings
    from dockerfile_frontend.semantics.layered import Layered
    from dockerfile_frontend.syntax.tree import Node, Tree

_BLANK = "Empty continuation line"
_MAINTAINER = "Maintainer instruction is deprecated in favor of using label"
_FROM_AS_NAME = 3
_RESERVED = ("context", SCRATCH)


def check_conventions(parsed: ParsedDockerfile, findings: Findings) -> None:
    for first, last in parsed.blank_continuations:
        findings.warn_lines("NoEmptyContinuation", _BLANK, Lines(first, last))
    for arg in parsed.meta_args:
        _check_instruction(arg, findings)
    for instruction in _instructions(parsed):
        _check_instruction(instruction, findings)
    _check_names(parsed, findings)
    _check_casing(parsed, findings)


def check_up_to_fault(tree: Tree, findings: Findings) -> None:
    """The warnings about the lines of a Dockerfile, and about its instructions as far as they can be read."""
    for node in tree.nodes:
        if node.line.blank_inside:
            findings.warn_lines("NoEmptyContinuation", _BLANK, Lines(node.line.end, node.line.end))
    begun = False
    for node in tree.nodes:
        try:
            instruction = parse_instruction(node)
        except DockerfileError:
            _check_faulty(node, findings)
            return
        _check_instruction(instruction, findings)
        begun = begun or isinstance(instruction, From)
        if not begun and not isinstance(instruction, Arg):  # without a stage, which is the fault
            return


def _check_faulty(node: Node, findings: Findings) -> None:
    """What the reference looks at before it reads an instruction that turns out to be faulty."""
    keyword, lines = node.keyword, Lines(node.start, node.end)
    if keyword.lower() == "maintainer":
        findings.warn_lines("MaintainerDeprecated", _MAINTAINER, lines)
    if keyword.lower() == "from" and len(node.args) == _FROM_AS_NAME:
        _, word, name = node.args
        if name != name.lower():
            findings.warn_lines("StageNameCasing", f"Stage name '{name}' should be lowercase", lines)
        if not _same_case(keyword, word):
            findings.warn_lines("FromAsCasing", f"'{word}' and '{keyword}' keywords' casing do not match", lines)


def _instructions(parsed: ParsedDockerfile) -> Iterator[Instruction]:
    for stage in parsed.stages:
        yield stage.from_
        yield from stage.instructions


def _check_instruction(instruction: Instruction, findings: Findings) -> None:
    if isinstance(instruction, From):
        _check_from(instruction, findings)
    elif isinstance(instruction, Arg):
        _check_description("ARG", [arg.key for arg in instruction.args], instruction, findings)
    elif isinstance(instruction, Maintainer):
        findings.warn("MaintainerDeprecated", _MAINTAINER, instruction)
    elif type(instruction) in KINDS:
        for rule, message in (KINDS[type(instruction)].check or _nothing)(instruction):
            findings.warn(rule, message, instruction)


def _nothing(_instruction: Instruction) -> tuple[tuple[str, str], ...]:
    return ()


def _check_from(start: From, findings: Findings) -> None:
    if start.name_word != start.name:
        findings.warn("StageNameCasing", f"Stage name '{start.name_word}' should be lowercase", start)
    if start.name and not _same_case(start.keyword, start.as_word):
        findings.warn("FromAsCasing", f"'{start.as_word}' and '{start.keyword}' keywords' casing do not match", start)
    if start.name:
        _check_description("FROM", [start.name], start, findings)


def _same_case(keyword: str, word: str) -> bool:
    """Whether AS is written as FROM is; a FROM in mixed case is another finding's business."""
    if keyword == keyword.lower():
        return word == word.lower()
    return keyword != keyword.upper() or word == word.upper()


def _check_description(keyword: str, names: list[str], instruction: Instruction, findings: Findings) -> None:
    """A comment right above describes what is declared, if it begins with its name."""
    if not instruction.comments or instruction.comments[-1].partition(" ")[0] in names:
        return
    name = names[0] if len(names) == 1 else "<arg_key>"
    message = f"Comment for {keyword} should follow the format: `# {name} <description>`"
    findings.warn("InvalidDefinitionDescription", message, instruction)


def _check_names(parsed: ParsedDockerfile, findings: Findings) -> None:
    seen: set[str] = set()
    for stage in parsed.stages:
        name, start = stage.from_.name, stage.from_
        if name in _RESERVED:
            message = f"Stage name should not use the same name as reserved stage {quote(name)}"
            findings.warn("ReservedStageName", message, start, ())
        if name and name in seen:
            message = f"Duplicate stage name {quote(name)}, stage names should be unique"
            findings.warn("DuplicateStageName", message, start, ())
        seen.add(name)


def _check_casing(parsed: ParsedDockerfile, findings: Findings) -> None:
    """Keywords of one case, and that of the majority; upper case where there is none."""
    keywords = [instruction.keyword for instruction in _instructions(parsed)]
    lower = sum(keyword == keyword.lower() for keyword in keywords)
    upper = sum(keyword == keyword.upper() != keyword.lower() for keyword in keywords)
    if lower == 0 and upper == len(keywords):
        return
    wanted, change = ("lowercase", str.lower) if lower > upper else ("uppercase", str.upper)
    for instruction in _instructions(parsed):
        if change(instruction.keyword) != instruction.keyword:
            message = f"Command '{instruction.keyword}' should match the case of the command majority ({wanted})"
            findings.warn("ConsistentInstructionCasing", message, instruction, ())


def check_base_defaults(parsed: ParsedDockerfile, values: Layered, findings: Findings) -> None:
    """Bases that are no image references when no build arg is given."""
    try:
        args = resolve_global_args(parsed.meta_args, values, {}, parsed.escape).values
        for start in _froms(parsed):
            base = expand(start.base, args, parsed.escape).result
            if not _is_reference(base):
                message = f"Default value for ARG {start.base} results in empty or invalid base image name"
                findings.warn("InvalidDefaultArgInFrom", message, start, ())
    except (DockerfileError, WordError):
        return  # it will be refused when its turn comes


def _froms(parsed: ParsedDockerfile) -> Iterable[From]:
    return (stage.from_ for stage in parsed.stages)


def _is_reference(text: str) -> bool:
    try:
        parse_reference(text)
    except InvalidReferenceError:
        return False
    return True
