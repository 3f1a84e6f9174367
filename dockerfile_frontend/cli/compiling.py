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
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from dockerfile_frontend.cli.contexts import Contexts
    from dockerfile_frontend.cli.inputs import Inputs
    from dockerfile_frontend.cli.remote import Remote
    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import CompileResult, OutlineFacts
    from dockerfile_frontend.diagnostics import Diagnostic
    from dockerfile_frontend.inspect.picture.model import Picture
    from dockerfile_frontend.semantics.context_files import ContextReader
    from dockerfile_frontend.semantics.resolver import Resolver

    Question: TypeAlias = Callable[[bytes, CompileOptions, Resolver, ContextReader], "Answer"]

Answer = TypeVar("Answer")


def compile_inputs(context: str, given: Mapping[str, Any]) -> CompileResult:
    """`given` is what click made of the flags. Raises Fault and Refused."""
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    call = read_call(context, given)
    with resolving(given, call.contexts.stores) as resolver:
        result = ask(call, resolver, compile_dockerfile)
    if not given["quiet"]:
        for warning in rendered(result.warnings, call.inputs):
            print(warning, file=sys.stderr)
    return result


class Call(Record):
    """What a command was asked to compile."""

    given: Mapping[str, Any]
    """What click made of the flags."""
    inputs: Inputs
    contexts: Contexts
    options: Mapping[str, str]
    """What the frontend is told."""
    remote: Remote | None = None
    """The build context, where it is no folder."""

    @property
    def reader(self) -> FolderReader:
        return FolderReader(self.inputs, self.contexts.folders)


def read_call(context: str, given: Mapping[str, Any], start: bytes = b"") -> Call:
    """Read the Dockerfile, its ignore file and the named contexts. Raises Fault. `start` was read of standard input before."""
    inputs = read_inputs(context, given["file"], start)
    contexts = parse_contexts(given["build_context"])
    return Call(given, inputs, contexts, {"filename": inputs.filename, **contexts.options, **frontend_options(given)})


def outline_call(call: Call, given: Mapping[str, Any]) -> OutlineFacts:
    """Raises Fault and Refused."""
    from dockerfile_frontend.compiler.driver import outline_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    with resolving(given, call.contexts.stores) as resolver:
        return ask(call, resolver, outline_dockerfile)


def ask(call: Call, resolver: Resolver, question: Question[Answer], **given: Any) -> Answer:  # noqa: ANN401  fields of the options
    """Raises Refused with what is wrong with the Dockerfile."""
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  loaded with the question

    with refusals(call.inputs):
        return question(call.inputs.dockerfile, parse_options(call.options, **given), resolver, call.reader)


def rendered(warnings: Iterable[Diagnostic], inputs: Inputs) -> Iterator[str]:
    """Warnings as a person reads them."""
    from dockerfile_frontend.diagnostics import render  # noqa: PLC0415  loaded with the compiler
    from dockerfile_frontend.source import SourceFile  # noqa: PLC0415  the same

    source = SourceFile(inputs.name, inputs.dockerfile.decode("utf-8", "replace"))
    return (render(warning, source) for warning in warnings)


def stages_of(call: Call) -> Picture:
    """The stages as a picture. Raises Refused."""
    from dockerfile_frontend.compiler.options import parse_options  # noqa: PLC0415  loaded with the picture
    from dockerfile_frontend.inspect.stage_graph import read_stages  # noqa: PLC0415  few commands show it

    with refusals(call.inputs):
        return read_stages(call.inputs.dockerfile, parse_options(call.options), call.inputs.filename)
