"""ARG: a build arg for the rest of the stage. The caller's value comes first, then the default, then that of the same ARG before FROM.

    ARG V=1     ──▶  environment with V=1, or what --build-arg V says; the image's config does not have it

Dockerfile reference: ARG, "Scope".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.lower.env import warn_secret
from dockerfile_frontend.semantics.args import NOT_IN_ENVIRONMENT, DeclaredArg
from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Arg, ArgDeclaration


class UsedArg(Record):
    """A build arg that a stage declares, for the outline."""

    declared: DeclaredArg | None
    """None where it is the global one that is meant."""
    name: str


def lower_arg(inst: Arg, at: StageState, ctx: Context) -> StageState:
    words = []
    for declaration in inst.args:
        warn_secret("ARG", declaration.key, inst, ctx)
        value, inherited = _value_of(declaration, inst, at, ctx)
        at = _with_arg(declaration, value, at)
        declared = None
        if not inherited:
            declared = DeclaredArg(declaration.key, value or "", declaration.description, inst.lines)
        at = at._replace(captured=at.captured.then(UsedArg(declared, declaration.key)))
        words.append(declaration.key if value is None else f"{declaration.key}={value}")
    return at._replace(image=at.committed(f"ARG {' '.join(words)}", ctx.build.created))


def _value_of(arg: ArgDeclaration, inst: Arg, at: StageState, ctx: Context) -> tuple[str | None, bool]:
    """The arg's value, None without one, and whether it comes from before FROM. A default that is not used may be faulty."""
    given = ctx.build.build_args.get(arg.key)
    if given is not None:
        return given, False
    if arg.value is not None:
        return ctx.expand(arg.value, at, inst), False
    inherited = ctx.build.global_args.get(arg.key)
    return inherited, inherited is not None


def _with_arg(arg: ArgDeclaration, value: str | None, at: StageState) -> StageState:
    args = at.args.with_item(arg.key, value or "", keep=True)
    if value is None or arg.key in NOT_IN_ENVIRONMENT:
        return at._replace(args=args)
    return at._replace(args=args, env=at.env.with_item(arg.key, value))
