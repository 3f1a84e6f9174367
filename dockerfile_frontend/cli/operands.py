"""What `dfc diff` compares: graphs as files, Dockerfiles, folders with one, and either in a git revision.

old.msgpack        a graph of any frontend
ci/Dockerfile      compiled, with the ignore file beside it
app                app/Dockerfile
main~2:Dockerfile  as `git show` has it, with the ignore file of that revision
main~2             the Dockerfile of this folder in that revision
"""

from __future__ import annotations

import os
import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.cli.compiling import Call, ask
from dockerfile_frontend.cli.context_files import folder_files, revision_files
from dockerfile_frontend.cli.contexts import parse_contexts
from dockerfile_frontend.cli.definitions import LARGEST, decode, read_definition
from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.inputs import DEFAULT_NAME, STANDARD, Inputs, read_inputs, read_regular
from dockerfile_frontend.cli.inputs import LARGEST as LARGEST_DOCKERFILE
from dockerfile_frontend.cli.options import frontend_options
from dockerfile_frontend.cli.resolving import resolving
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.cli.context_files import File
    from ir_schema.definition import Definition

COMPARED = "what is compared: a graph, a Dockerfile, a folder, REV:PATH in git (REV:./PATH from this folder), or a REV"
IGNORE = ".dockerignore"


class Operand(Record):
    """A graph, and the files of its build context when it has one here."""

    definition: Definition
    files: Callable[[Callable[[str], bool]], dict[str, File]] | None = None
    """What is left of them when those that a function tells are out."""
    folder: str = ""
    """Where they are."""


def read_operand(word: str, given: Mapping[str, Any]) -> Operand:
    """What a word stands for. Raises Fault and Refused."""
    if word == STANDARD:
        return Operand(read_definition(word))
    if not os.path.lexists(word):
        if ":" in word:
            return _revised(word, given)
        return _revised(f"{word}:./", given) if _is_revision(word) else Operand(read_definition(word))
    if os.path.isdir(word):
        return _in_folder(word, read_inputs(word, None), given)
    if _is_dockerfile(read_regular(word, LARGEST, "definition")):
        folder = os.path.dirname(word) or "."
        return _in_folder(folder, read_inputs(folder, word), given)
    return Operand(read_definition(word))


def _in_folder(folder: str, inputs: Inputs, given: Mapping[str, Any]) -> Operand:
    return Operand(_compiled(inputs, given), partial(folder_files, folder), os.path.realpath(folder))


def _revised(word: str, given: Mapping[str, Any]) -> Operand:
    inputs = _read_revision(word)
    folder = os.path.dirname(inputs.name.partition(":")[2])
    revision = inputs.name.partition(":")[0]
    name = f"{revision}:{folder}"

    def files(ignored: Callable[[str], bool]) -> dict[str, File]:
        return revision_files(_git("ls-tree", "--full-tree", "-r", "-l", "-z", name), ignored)

    return Operand(_compiled(inputs, given), files, name)


def _is_dockerfile(data: bytes) -> bool:
    """Whether it is text that is no graph."""
    from ir_schema.errors import FormatError  # noqa: PLC0415  `--help` needs no graphs

    if b"\0" in data or data.lstrip()[:1] in (b"{", b"%"):
        return False
    try:
        data.decode()
        decode(data)
    except UnicodeDecodeError:
        return False
    except FormatError:
        return True
    return False


def _compiled(inputs: Inputs, given: Mapping[str, Any]) -> Definition:
    from dockerfile_frontend.compiler.driver import compile_dockerfile  # noqa: PLC0415  `--help` needs no compiler

    contexts = parse_contexts(given["build_context"])
    call = Call(given, inputs, contexts, {"filename": inputs.filename, **contexts.options, **frontend_options(given)})
    with resolving(given, contexts.stores) as resolver:
        return ask(call, resolver, compile_dockerfile).target.definition


def _read_revision(word: str) -> Inputs:
    revision, _, path = word.partition(":")
    path = _from_top(path)
    kind = _git("cat-file", "-t", f"{revision}:{path}").strip()
    if kind == b"tree":
        path = f"{path.rstrip('/')}/{DEFAULT_NAME}".lstrip("/")
    name = f"{revision}:{path}"
    dockerfile = _git("cat-file", "blob", name)
    for ignore in (f"{path}{IGNORE}", os.path.join(os.path.dirname(path), IGNORE)):
        found = _optional(f"{revision}:{ignore}")
        if found is not None:
            return Inputs(dockerfile, name, os.path.basename(path), None, found, f"{revision}:{ignore}")
    return Inputs(dockerfile, name, os.path.basename(path), None, None, "")


def _from_top(path: str) -> str:
    """A path in a revision as git has it; one that begins with a dot is seen from this folder."""
    if path.partition("/")[0] not in (".", ".."):
        return path
    prefix = os.fsdecode(_git("rev-parse", "--show-prefix").rstrip(b"\n"))
    found = posixpath.normpath(posixpath.join(prefix, path))
    return "" if found == "." else found


def _is_revision(word: str) -> bool:
    try:
        _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}")
    except Fault:
        return False
    return True


def _optional(name: str) -> bytes | None:
    try:
        return _git("cat-file", "blob", name)
    except Fault:
        return None


def _git(*arguments: str) -> bytes:
    """What git prints. Raises Fault with its first line. It reads objects that are here, and runs and fetches nothing for that."""
    import subprocess  # noqa: PLC0415  for revisions alone

    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        with subprocess.Popen(  # noqa: S603  the arguments are names of objects
            ["git", *arguments],  # noqa: S607  the user's own
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        ) as git:
            assert git.stdout is not None  # noqa: S101  asked for
            assert git.stderr is not None  # noqa: S101  the same
            found = git.stdout.read(LARGEST_DOCKERFILE + 1)
            if len(found) > LARGEST_DOCKERFILE:
                git.kill()
                raise Fault(f"{arguments[-1]} is larger than {LARGEST_DOCKERFILE >> 20} MiB")
            told = git.stderr.read(1 << 16).decode("utf-8", "replace").strip()
    except OSError as error:
        raise Fault(f"cannot run git: {error.strerror}", hint="REV:PATH is read by git") from error
    if git.returncode:
        first = told.splitlines()[0].removeprefix("fatal: ") if told else "git failed"
        raise Fault(
            f"{arguments[-1]}: {first}", hint=COMPARED
        )
    return found
