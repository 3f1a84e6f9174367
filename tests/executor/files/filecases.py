r"""File ops as lines of text.

    mkdir /app 0755 parents chown=5:6        mkfile /app/x "text\n" 0600        symlink x /app/l
    rm /app/* wildcard missing-ok            copy /src/*.c /app/ wildcard make chown=app:grp chmod=u+x include=**/*.py

`copy` reads the context, with `from=base` the tree that the op begins with, with `from=N` the result of the op's line N, from 1.
What is made gets the time 5 (seconds since 1970); what is copied keeps its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from dockerfile_frontend.executor.files.digest import content_digest
from dockerfile_frontend.executor.files.hashes import FileHashes
from dockerfile_frontend.executor.files.local import Filters, LocalSource, LocalTree
from dockerfile_frontend.executor.files.run import Input, LocalInput, TreeInput, run_file_op
from dockerfile_frontend.executor.files.wildcards import has_wildcards
from dockerfile_frontend.executor.solver.model import ExecutorError, Selection
from dockerfile_frontend.executor.store import Store
from ir_schema.ops import Action, Chown, Copy, FileAction, FileOp, MkDir, MkFile, NamedUser, Rm, Symlink, User
from tests.executor.trees import list_tree

SECOND = 1_000_000_000
BASE, CONTEXT = 0, 1
"""Inputs of every op."""

FLAGS = {
    "contents": "dir_copy_contents",
    "empty-wildcard": "allow_empty_wildcard",
    "follow": "follow_symlink",
    "make": "create_dest_path",
    "replace": "always_replace_existing_dest_paths",
    "unpack": "attempt_unpack",
    "wildcard": "allow_wildcard",
}
PATTERNS = {"include": "include_patterns", "exclude": "exclude_patterns", "required": "required_paths"}


def read_op(text: str, *, inputs: bool = True) -> FileOp:
    """The op of some lines; its output is what the last line leaves. Without inputs it begins with nothing."""
    lines = [line for line in text.splitlines() if line.strip()]
    actions = []
    for at, line in enumerate(lines):
        action, source = _action(_words(line))
        before = at - 1 if not inputs else BASE if at == 0 else CONTEXT + at
        actions.append(FileAction(before, source, 0 if at == len(lines) - 1 else -1, action))
    return FileOp(tuple(actions))


def run_lines(
    store: Store, text: str, base: str = "", context: LocalTree | None = None, *, below: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Layers of what the lines make, on top of `below`, or of what the lines of `base` make. Looks up content first, as a build does."""
    below = run_file_op(store, read_op(base, inputs=False), ())[0] if base else below
    op = read_op(text)
    inputs: tuple[Input, Input] = (TreeInput(below), LocalInput(context) if context is not None else TreeInput())
    for selection in _selections(op):
        if context is not None:
            with LocalSource(context) as source:
                content_digest(source, selection)
    return run_file_op(store, op, inputs)[0]


def result(store: Store, text: str, base: str = "", context: LocalTree | None = None) -> str:
    """The tree that comes of it, or the fault."""
    try:
        layers = run_lines(store, text, base, context)
    except ExecutorError as error:
        return f"error: {error}"
    with store.view(layers) as view:
        return list_tree(view.fd)


def local_tree(store: Store, path: object, filters: Filters | None = None) -> LocalTree:
    return LocalTree(str(path), filters or Filters(), FileHashes(store.db, str(path)))


def _selections(op: FileOp) -> Iterator[Selection]:
    for step in op.actions:
        copy = step.action
        if isinstance(copy, Copy) and step.secondary_input == CONTEXT:
            wildcard = copy.allow_wildcard and has_wildcards(copy.src)
            yield Selection(
                copy.src,
                wildcard,
                copy.follow_symlink,
                copy.include_patterns,
                copy.exclude_patterns,
                copy.required_paths,
            )


def _words(line: str) -> list[str]:
    return [json.loads(word) if word.startswith('"') else word for word in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', line)]


def _action(words: list[str]) -> tuple[Action, int]:
    """The action of a line, and what it reads."""
    verb, *rest = words
    paths = [
        word
        for word in rest
        if not re.fullmatch(r"[0-7]{4}|[a-z]+=.*", word) and word not in {*FLAGS, "parents", "missing-ok"}
    ]
    mode = next((int(word, 8) for word in rest if re.fullmatch(r"[0-7]{4}", word)), None)
    options = dict(word.split("=", 1) for word in rest if re.fullmatch(r"[a-z]+=.*", word))
    owner = _owner(options.get("chown", ""))
    made = int(options.get("time", 5)) * SECOND
    match verb:
        case "copy":
            return _copy(paths, rest, options, owner), _source(options.get("from", ""))
        case "mkfile":
            return MkFile(paths[0], mode if mode is not None else 0o644, paths[1].encode(), owner, made), -1
        case "mkdir":
            return MkDir(paths[0], mode if mode is not None else 0o755, "parents" in rest, owner, made), -1
        case "rm":
            return Rm(paths[0], "missing-ok" in rest, "wildcard" in rest), -1
        case "symlink":
            return Symlink(paths[0], paths[1], owner, made), -1
        case _:
            raise ValueError(verb)


def _copy(paths: list[str], rest: list[str], options: dict[str, str], owner: Chown | None) -> Copy:
    chmod = options.get("chmod", "")
    octal = chmod.isdigit()
    flags = {field: True for word, field in FLAGS.items() if word in rest}
    patterns = {field: tuple(options[word].split(",")) for word, field in PATTERNS.items() if word in options}
    return Copy(
        paths[0], paths[1], owner,
        int(chmod, 8) if octal else -1,
        timestamp=int(options["time"]) * SECOND if "time" in options else -1,
        mode_str="" if octal else chmod,
        **flags, **patterns,  # type: ignore[arg-type]  # fields by their names
    )  # fmt: skip


def _source(text: str) -> int:
    return CONTEXT if not text else BASE if text == "base" else CONTEXT + int(text)


def _owner(text: str) -> Chown | None:
    if not text:
        return None
    user, _, group = text.partition(":")
    return Chown(_who(user), _who(group))


def _who(text: str) -> User | None:
    if not text:
        return None
    return User(by_id=int(text)) if text.isdigit() else User(by_name=NamedUser(text, BASE))
