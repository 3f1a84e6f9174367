"""The Dockerfile, compiled.

    from dockerfile_frontend import CompileOptions, compile_dockerfile

    result = compile_dockerfile(b"FROM scratch\nCOPY hello.txt /", CompileOptions())
    result.definition  # the graph of build operations: ir_schema.Definition

Names load when first used, so that importing the package costs nothing: `dfc --help` must feel instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockerfile_frontend.diagnostics import Diagnostic, DockerfileError, InternalError
    from dockerfile_frontend.source import Span

__version__ = "0.1.0"

__all__ = ["Diagnostic", "DockerfileError", "InternalError", "Span", "__version__"]

_HOME = {
    "Diagnostic": "dockerfile_frontend.diagnostics",
    "DockerfileError": "dockerfile_frontend.diagnostics",
    "InternalError": "dockerfile_frontend.diagnostics",
    "Span": "dockerfile_frontend.source",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  any public name may be asked for
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
