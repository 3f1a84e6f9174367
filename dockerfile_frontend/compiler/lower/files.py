"""File ops from their parts: copies on top of a root, files made from text, owners.

copy_node(root, [Copying(build context, "/src", "/dst", owner=None, …)], …)  →  %2 = file %1, %0 : copy /src -> /dst
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.metadata import FILE_CAPS, described, internal
from dockerfile_frontend.gostd.paths import clean, join
from dockerfile_frontend.semantics.ownership import parse_owner
from ir_schema.ops import Chown, Copy, FileAction, FileOp, MkFile, NamedUser, User
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.instructions.model import Lines
    from ir_schema.ops import OpMetadata

ANY_TIME = -1
"""As timestamp: the solver leaves the file's own, or takes the time of the build."""


class Copying(Record):
    """One copy of a file op; the owner is put in when it is known what the op has for inputs."""

    source: Edge | None
    """None is an empty file system."""
    action: Copy
    owner: str = ""


def copy_node(
    root: Edge | None, copies: Sequence[Copying], metadata: OpMetadata, lines: Lines | tuple[()] | None
) -> Node:
    """The copies, one after the other, on top of `root`."""
    inputs = dict.fromkeys(edge for edge in (root, *(copying.source for copying in copies)) if edge is not None)
    places = {edge: place for place, edge in enumerate(inputs)}
    base = places[root] if root is not None else -1
    actions = []
    for number, copying in enumerate(copies):
        action = copying.action
        if copying.owner:
            action = replace(action, owner=chown(copying.owner, base))
        on = base if number == 0 else len(inputs) + number - 1
        source = -1 if copying.source is None else places[copying.source]
        actions.append(FileAction(on, source, 0 if number == len(copies) - 1 else -1, action))
    # the reference lists what an op needs from its last action to its first
    visit = dict.fromkeys(edge for edge in (root, *(c.source for c in reversed(copies))) if edge is not None)
    return Node(FileOp(tuple(actions)), tuple(inputs), metadata, lines=lines, visit=tuple(visit))


def chown(owner: str, base: int) -> Chown:
    """user[:group] as an op holds it; names are looked up in the input `base`."""
    parsed = parse_owner(owner)
    return Chown(_user(parsed.user, base), _user(parsed.group, base))


def known_owner(text: str, ctx: Context) -> str:
    """Without a group that is left out: newer references take that for a user alone, older ones for root's group."""
    user, colon, group = text.partition(":")
    return user or "0" if colon and not group and ctx.build.options.recent else text


def _user(who: int | str | None, base: int) -> User | None:
    if who is None:
        return None
    if isinstance(who, str) and who:
        return User(by_name=NamedUser(who, base))
    return User(by_id=int(who or 0) & 0xFFFFFFFF)  # an empty name is root


def text_file(name: str, data: str, mode: int) -> Edge:
    """A file system with one file in it, of a heredoc's text."""
    path = clean(name) if name.startswith("/") else join("/", name)
    made = MkFile(path, mode, data.encode("utf-8", "surrogateescape"), timestamp=ANY_TIME)
    return Edge(
        Node(FileOp((FileAction(-1, -1, 0, made),)), (), described(internal("preparing inline document"), FILE_CAPS))
    )
