"""`dfc build`: compile a Dockerfile and run its graph here, without a daemon."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.compiling import compile_inputs
from dockerfile_frontend.cli.contexts import MAIN, parse_contexts
from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.options import BUILD_FLAGS, CONTEXT_FLAGS, DOCKERFILE_FLAGS, flags
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockerfile_frontend.compiler.result import CompiledTarget
    from dockerfile_frontend.executor.build import Target
    from dockerfile_frontend.executor.session import Secret, Session
    from dockerfile_frontend.executor.solver.events import Events

RUN_FLAGS = (
    click.option("-o", "--output", "outputs", metavar="SPEC", multiple=True, help="type=oci,dest=FILE and the like."),
    click.option("-t", "--tag", "names", metavar="NAME", multiple=True, help="Name of the image."),
    click.option("--secret", "secrets", metavar="id=ID[,src=FILE|,env=NAME]", multiple=True, help="Secret for steps that ask."),
    click.option("--allow", metavar="ENTITLEMENT", multiple=True, help="network.host or security.insecure."),
    click.option("--jobs", type=click.IntRange(1), default=None, help="Steps at once  [default: one a core]"),
    click.option("--root", metavar="DIR", help="Where layers and caches are kept."),
    click.option("-q", "--quiet", is_flag=True, help="No warnings, no progress."),
)


@click.command("build")
@click.argument("context", metavar="PATH|-", default=".")
@flags(*DOCKERFILE_FLAGS, *RUN_FLAGS, *CONTEXT_FLAGS, *BUILD_FLAGS, *RESOLVER_FLAGS)
def command(context: str, **given: Any) -> None:  # noqa: ANN401  the flags
    """Build an image from a Dockerfile."""
    from dockerfile_frontend.executor.build import BuildJob, build  # noqa: PLC0415  `--help` needs no executor
    from dockerfile_frontend.executor.exporters.outputs import BuildFacts, parse_output  # noqa: PLC0415  the same
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  the same

    try:
        outputs = tuple(parse_output(text) for text in given["outputs"])
        result = compile_inputs(context, given)
        facts = BuildFacts(names=given["names"], source_date_epoch=result.target.epoch)
        job = BuildJob(
            root=given["root"] or default_root(),
            targets=tuple(target_of(each) for each in result.targets),
            session=session(context, given),
            outputs=outputs,
            facts=facts,
            jobs=given["jobs"] or 0,
        )
        build(job, lambda: display("quiet" if given["quiet"] else "auto"))
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint) from error


def default_root() -> str:
    """Root's store is the machine's, another user's is their own."""
    if os.geteuid() == 0:
        return "/var/lib/dockerfile-frontend"
    return os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "dockerfile-frontend")


def target_of(compiled: CompiledTarget) -> Target:
    from dockerfile_frontend.executor.build import Target  # noqa: PLC0415  loaded by the command
    from ir_schema.ops import Platform  # noqa: PLC0415  the same

    where = compiled.platform
    platform = Platform(where.architecture, where.os, where.variant, where.os_version, where.os_features)
    return Target(compiled.definition, platform, compiled.config, compiled.base_config or b"")


def session(context: str, given: Mapping[str, Any]) -> Session:
    from pathlib import Path  # noqa: PLC0415  costs 5 ms

    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  loaded by the command
    from dockerfile_frontend.resolvers.make import connect  # noqa: PLC0415  the same

    contexts = parse_contexts(given["build_context"])
    folders = {name: Path(folder) for name, folder in contexts.folders.items()}
    if context != "-":
        folders[MAIN] = Path(context).absolute()
    hosts = Path(given["registries"]) if given["registries"] else None
    return Session(
        contexts=folders,
        layouts=contexts.stores,
        images=tuple(map(Path, given["images"])),
        secrets=dict(map(parse_secret, given["secrets"])),
        allow=frozenset(given["allow"]),
        connect=None if given["offline"] else lambda: connect(hosts, os.environ),
    )


def parse_secret(text: str) -> tuple[str, Secret]:
    from pathlib import Path  # noqa: PLC0415  costs 5 ms

    from dockerfile_frontend.executor.session import Secret  # noqa: PLC0415  loaded by the command

    values = dict(field.partition("=")[::2] for field in text.split(","))
    name = values.get("id", "")
    source = values.get("src") or values.get("source")
    if source:
        return name, Secret(path=Path(source))
    return name, Secret(variable=values.get("env") or name)


@contextlib.contextmanager
def display(mode: str) -> Iterator[Events]:
    from dockerfile_frontend.executor.progress import MODES, open_display, settle_mode  # noqa: PLC0415  loaded by the command

    chosen = next(each for each in MODES if each == mode)
    shown = open_display(settle_mode(chosen, sys.stderr), sys.stderr)
    try:
        yield shown
    finally:
        shown.close()
