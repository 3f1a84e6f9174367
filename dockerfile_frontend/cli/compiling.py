"""The call behind `dfc compile` and `dfc outline`: flags to options, one compilation, warnings to standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from dockerfile_frontend.cli.contexts import FolderReader, parse_contexts
from dockerfile_frontend.cli.errors import refusals
from dockerfile_frontend.cli.inputs import read_inputs
from dockerfile_frontend.cli.options import frontend_options
from dockerfile_frontend.cli.resolving import resolving
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from dockerfile_frontend.cli.contexts import Contexts
    from dockerfile_frontend.cli.inputs import Inputs
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import CompileResult, OutlineFacts
    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.resolver import Resolver

    Question: TypeAlias = Callable[[bytes, CompileOptions, Resolver, ContextReader], "Answer"]

Answer = TypeVar("Answer")


def compile_inputs(context: str, given: Mapping[str, Any]) -> CompileResult:
    """`given` is what click made of the flags. Raises Fault and Refused."""
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    inputs = read_inputs(context, given["file"])
    result = ask(inputs, given, compile_dockerfile)
    if not given["quiet"]:
        warn(result.warnings, inputs)
    return result


class Compiled(Record):
    """A compilation and what it was made of."""

    inputs: Inputs
    contexts: Contexts
    options: Mapping[str, str]
    """What the frontend was told."""
    result: CompileResult


def compile_for_build(context: str, given: Mapping[str, Any], *, silent: bool) -> Compiled:
    """As `compile_inputs`, with all that a build needs to know beside it."""
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    inputs = read_inputs(context, given["file"])
    contexts = parse_contexts(given["build_context"])
    options = {"filename": inputs.filename, **contexts.options, **frontend_options(given)}
    result = answer(inputs, contexts, options, given, compile_dockerfile)
    if not silent:
        warn(result.warnings, inputs)
    return Compiled(inputs, contexts, options, result)


def outline_inputs(context: str, given: Mapping[str, Any]) -> OutlineFacts:
    """Raises Fault and Refused."""
    from dockerfile_frontend.compiler.driver import outline_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    return ask(read_inputs(context, given["file"]), given, outline_dockerfile)


def ask(inputs: Inputs, given: Mapping[str, Any], question: Question[Answer]) -> Answer:
    contexts = parse_contexts(given["build_context"])
    options = {"filename": inputs.filename, **contexts.options, **frontend_options(given)}
    return answer(inputs, contexts, options, given, question)


def answer(
    inputs: Inputs, contexts: Contexts, options: Mapping[str, str], given: Mapping[str, Any], question: Question[Answer]
) -> Answer:
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  loaded with the question

    reader = FolderReader(inputs, contexts.folders)
    with resolving(given, contexts.stores) as resolver, refusals(inputs):
        return question(inputs.dockerfile, parse_options(options), resolver, reader)


def warn(warnings: Iterable[Diagnostic], inputs: Inputs) -> None:
    from dockerfile_frontend.diagnostics import render  # noqa: PLC0415  loaded with the compiler
    from dockerfile_frontend.source import SourceFile  # noqa: PLC0415  the same

    source = SourceFile(inputs.name, inputs.dockerfile.decode("utf-8", "replace"))
    for warning in warnings:
        print(render(warning, source), file=sys.stderr)
