"""WORKDIR: make the directory, then start every later op there.

WORKDIR /app    ──▶  %2 = file %1 : mkdir /app 0755 parents
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge, Node
from dockerfile_frontend.compiler.lower.files import chown, known_owner
from dockerfile_frontend.compiler.metadata import FILE_CAPS, described
from dockerfile_frontend.compiler.naming import expanded_name, step_name
from dockerfile_frontend.gostd.paths import clean
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.paths import is_absolute, normalize_workdir, to_slash
from ir_schema.ops import FileAction, FileOp, MkDir

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Workdir

_MODE = 0o755


def lower_workdir(inst: Workdir, at: StageState, ctx: Context) -> StageState:
    os = at.platform.os
    if not at.workdir_set and not is_absolute(inst.path, os):
        message = f"Relative workdir {quote(inst.path)} can have unexpected results if the base image changes"
        ctx.build.findings.warn("WorkdirRelativePath", message, inst)
    at = enter(inst.path, at)._replace(workdir_set=True)
    if at.cwd == "/":
        return at._replace(image=at.committed("WORKDIR /", ctx.build.created))
    base = () if at.root is None else (at.root,)
    owner = chown(known_owner(at.image.user, ctx), len(base) - 1) if at.image.user else None
    mkdir = MkDir(clean(at.cwd), _MODE, make_parents=True, owner=owner, timestamp=ctx.build.timestamp)
    name = step_name(expanded_name(inst.code, at, ctx), at, ctx, at.platform)
    node = Node(FileOp((FileAction(len(base) - 1, -1, 0, mkdir),)), base, described(name, FILE_CAPS), lines=inst.lines)
    image = at.committed(f"WORKDIR {at.cwd}", ctx.build.created, layer=True)
    return at._replace(root=Edge(node), image=image, counted=at.counted + (ctx.stage.total > 0))


def enter(path: str, at: StageState) -> StageState:
    """The state in this directory, which is not made: what a base image's config says exists already."""
    working_dir = normalize_workdir(at.image.working_dir, path, at.platform.os)
    cwd = to_slash(working_dir, at.platform.os)
    return at._replace(cwd=cwd, image=at.image._replace(working_dir=working_dir))
