r"""The Dockerfile, compiled.

    from dockerfile_frontend import CompileOptions, Recorded, compile_dockerfile

    result = compile_dockerfile(b"FROM scratch\nCOPY hello.txt /", CompileOptions(), Recorded())
    result.target.definition  # the graph of build operations: ir_schema.Definition

Names load when first used, so that importing the package costs nothing: `dfc --help` must feel instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.driver import (
        CheckResult,
        check_dockerfile,
        compile_dockerfile,
        outline_dockerfile,
    )
    from dockerfile_frontend.compiler.options import CompileOptions, parse_options
    from dockerfile_frontend.compiler.result import CompiledTarget, CompileResult, OutlineFacts
    from dockerfile_frontend.diagnostics import Diagnostic, DockerfileError, InternalError, render
    from dockerfile_frontend.inspect.outline import outline_json
    from dockerfile_frontend.inspect.targets import list_targets
    from dockerfile_frontend.instructions.model import ParsedDockerfile
    from dockerfile_frontend.instructions.stages import parse
    from dockerfile_frontend.resolvers.make import ResolverOptions, make_resolver
    from dockerfile_frontend.resolvers.recorded import Recorded, Recorder
    from dockerfile_frontend.semantics.context_files import ContextReader, NoContext
    from dockerfile_frontend.semantics.ignore import IgnoreMatcher, parse_ignore
    from dockerfile_frontend.semantics.platforms import Platform, parse_platform
    from dockerfile_frontend.semantics.resolver import ResolvedImage, ResolveError, ResolveMode, Resolver
    from dockerfile_frontend.source import SourceFile, Span
    from dockerfile_frontend.syntax.words import expand

__version__ = "0.1.0"

_HOME = {
    "CheckResult": "compiler.driver",
    "CompileOptions": "compiler.options",
    "CompileResult": "compiler.result",
    "CompiledTarget": "compiler.result",
    "ContextReader": "semantics.context_files",
    "Diagnostic": "diagnostics",
    "DockerfileError": "diagnostics",
    "IgnoreMatcher": "semantics.ignore",
    "InternalError": "diagnostics",
    "NoContext": "semantics.context_files",
    "OutlineFacts": "compiler.result",
    "ParsedDockerfile": "instructions.model",
    "Platform": "semantics.platforms",
    "Recorded": "resolvers.recorded",
    "Recorder": "resolvers.recorded",
    "ResolveError": "semantics.resolver",
    "ResolveMode": "semantics.resolver",
    "ResolvedImage": "semantics.resolver",
    "Resolver": "semantics.resolver",
    "ResolverOptions": "resolvers.make",
    "SourceFile": "source",
    "Span": "source",
    "check_dockerfile": "compiler.driver",
    "compile_dockerfile": "compiler.driver",
    "expand": "syntax.words",
    "list_targets": "inspect.targets",
    "make_resolver": "resolvers.make",
    "outline_dockerfile": "compiler.driver",
    "outline_json": "inspect.outline",
    "parse": "instructions.stages",
    "parse_ignore": "semantics.ignore",
    "parse_options": "compiler.options",
    "parse_platform": "semantics.platforms",
    "render": "diagnostics",
}
"""Where each public name lives. The imports above say the same to type checkers; a test compares the two."""

__all__ = [
    "CheckResult",
    "CompileOptions",
    "CompileResult",
    "CompiledTarget",
    "ContextReader",
    "Diagnostic",
    "DockerfileError",
    "IgnoreMatcher",
    "InternalError",
    "NoContext",
    "OutlineFacts",
    "ParsedDockerfile",
    "Platform",
    "Recorded",
    "Recorder",
    "ResolveError",
    "ResolveMode",
    "ResolvedImage",
    "Resolver",
    "ResolverOptions",
    "SourceFile",
    "Span",
    "__version__",
    "check_dockerfile",
    "compile_dockerfile",
    "expand",
    "list_targets",
    "make_resolver",
    "outline_dockerfile",
    "outline_json",
    "parse",
    "parse_ignore",
    "parse_options",
    "parse_platform",
    "render",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  any public name may be asked for
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  the package itself is to cost nothing

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
