"""What a user reads when something is wrong: one message, never a traceback.

dfc: error: there is no folder app
Dockerfile:4:6: error: COPY has no flag --form [unknown-flag]
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from dockerfile_frontend.cli.inputs import Inputs

EXIT_FAULT = 1
EXIT_USAGE = 2


class Fault(Exception):  # noqa: N818  it is a fault of what was given, not of the program
    """Something outside the Dockerfile that stops a command; `str(fault)` is one line."""

    def __init__(self, message: str, *, hint: str = "", code: int = EXIT_FAULT) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


class Refused(Exception):  # noqa: N818  the Dockerfile is at fault
    """A finding that is rendered already, with its excerpt."""


def plain(message: str, hint: str = "") -> str:
    return f"dfc: error: {message}" + (f"\n  hint: {hint}" if hint else "")


def describe(error: Exception) -> str:
    """A sentence for what no command foresaw. DFC_TRACEBACK=1 adds where it came from, for whoever mends it."""
    if isinstance(error, RecursionError | MemoryError):
        return plain("the input nests too deeply or is too large")
    if isinstance(error, OSError):
        return plain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    where = "DFC_TRACEBACK=1 shows where; please report it with the Dockerfile"
    if os.environ.get("DFC_TRACEBACK"):
        where = "".join(import_module("traceback").format_exception(error))
    return plain(f"internal error: {type(error).__name__}: {error}", where)


def exit_code(action: Callable[[], object]) -> int:
    """What `action` returns, if that is a number; whatever is wrong becomes a message. Raises nothing but an interrupt."""
    try:
        code = action()
        sys.stdout.flush()
    except Refused as refused:
        print(refused, file=sys.stderr)
        return EXIT_FAULT
    except Fault as fault:
        print(plain(str(fault), fault.hint), file=sys.stderr)
        return fault.code
    except BrokenPipeError:
        silence(sys.stdout)
        return EXIT_FAULT
    except Exception as error:  # noqa: BLE001  the last line of defence: a user sees a sentence, never a traceback
        print(describe(error), file=sys.stderr)
        return EXIT_FAULT
    return code if isinstance(code, int) else 0


def silence(stream: TextIO) -> None:
    """Point a stream whose reader has gone at nothing, so that the interpreter's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def refusals(inputs: Inputs) -> Iterator[None]:
    """Errors about the Dockerfile quote from it."""
    from dockerfile_frontend.diagnostics import DockerfileError, render  # noqa: PLC0415  `dfc --help` needs neither
    from dockerfile_frontend.source import SourceFile  # noqa: PLC0415  the same

    try:
        yield
    except DockerfileError as error:
        text = inputs.dockerfile.decode("utf-8", "replace")
        raise Refused(render(error.diagnostic, SourceFile(inputs.name, text))) from error
