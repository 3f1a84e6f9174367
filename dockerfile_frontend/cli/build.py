"""`dfc build`: a Dockerfile to an image, here, without a daemon."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.compiling import Compiled, compile_for_build
from dockerfile_frontend.cli.contexts import MAIN
from dockerfile_frontend.cli.options import BUILD_FLAGS, CONTEXT_FLAGS, DOCKERFILE_FLAGS, flags
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS, connector, image_files
from dockerfile_frontend.cli.running import RUN_FLAGS, check_files, outputs_of, progress_mode, write_results
from dockerfile_frontend.cli.session import SESSION_FLAGS, agents, parse_allowed, parse_secrets, parse_ssh
from dockerfile_frontend.cli.stores import store_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.compiler.result import CompiledTarget
    from dockerfile_frontend.executor.build import BuildJob, Target
    from dockerfile_frontend.executor.exporters.spec import Output
    from dockerfile_frontend.executor.session import Session


@click.command("build")
@click.argument("context", metavar="PATH|-", default=".")
@flags(*DOCKERFILE_FLAGS, *RUN_FLAGS, *CONTEXT_FLAGS, *BUILD_FLAGS, *SESSION_FLAGS, *RESOLVER_FLAGS)
def command(context: str, **given: Any) -> None:  # noqa: ANN401  the flags
    r"""Build an image from a Dockerfile, on this machine, without a daemon.

    PATH is the build context; - is a Dockerfile on standard input without a context. What the build makes goes where -o says:

    \b
        dfc build -t app -o type=oci,dest=app.tar .      an OCI archive, for skopeo, podman load, …
        dfc build -t app -o type=docker,dest=app.tar .   one that docker load takes
        dfc build -o out .                               the files, in a folder
        dfc build -t registry.example/app --push .       to a registry
    """
    outputs = outputs_of(given)
    check_files(given)
    mode = progress_mode(given)
    compiled = compile_for_build(context, given, silent=mode == "quiet")
    from dockerfile_frontend.cli.building import carry_out  # noqa: PLC0415  a Dockerfile that is refused needs no executor

    with agents(parse_ssh(given["ssh"])) as ssh:
        built = carry_out(job_of(compiled, outputs, ssh, given), mode)
    write_results(given, built.metadata)


def job_of(compiled: Compiled, outputs: tuple[Output, ...], ssh: Mapping[str, str], given: Mapping[str, Any]) -> BuildJob:
    from dockerfile_frontend.executor.build import BuildJob  # noqa: PLC0415  loaded after the compiler
    from dockerfile_frontend.executor.exporters.records import BuildFacts  # noqa: PLC0415  the same

    targets = compiled.result.targets
    facts = BuildFacts(
        names=given["tag"],
        source_date_epoch=targets[0].epoch,
        definitions=tuple(target.definition for target in targets),
        options=compiled.options,
        started=time.time(),
    )
    root = store_place(given["root"])
    session = session_of(compiled, root, ssh, given)
    return BuildJob(root, tuple(map(target_of, targets)), session, outputs, facts, given["jobs"])


def session_of(compiled: Compiled, root: str, ssh: Mapping[str, str], given: Mapping[str, Any]) -> Session:
    from dockerfile_frontend.executor.session import Session  # noqa: PLC0415  loaded with the executor

    return Session(
        contexts={MAIN: compiled.inputs.context or os.path.join(root, "empty"), **compiled.contexts.folders},
        layouts=compiled.contexts.stores,
        images=image_files(given),
        secrets=parse_secrets(given["secret"]),
        ssh=ssh,
        allow=parse_allowed(given["allow"]),
        connect=connector(given),
    )


def target_of(compiled: CompiledTarget) -> Target:
    from dockerfile_frontend.executor.build import Target  # noqa: PLC0415  loaded with the executor
    from ir_schema.ops import Platform  # noqa: PLC0415  the same

    where = compiled.platform
    platform = Platform(where.architecture, where.os, where.variant, where.os_version, where.os_features)
    return Target(compiled.definition, platform, compiled.config, compiled.base_config or b"")
