"""`dfc compile`: a Dockerfile to the graph of its build operations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from dockerfile_frontend.cli.command import Command
from dockerfile_frontend.cli.compiling import compile_inputs
from dockerfile_frontend.cli.definitions import FORMATS, READABLE, encode
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.options import BUILD_FLAGS, CONTEXT_FLAGS, DOCKERFILE_FLAGS, flags
from dockerfile_frontend.cli.output import STANDARD, check_output, write_output
from dockerfile_frontend.cli.resolving import RESOLVER_FLAGS

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.result import CompiledTarget, CompileResult

OUTPUT_FLAGS = (
    click.option("-o", "--output", metavar="FILE", default=STANDARD, help="Where to  [default: standard output]"),
    click.option("--format", "form", type=click.Choice(FORMATS), default="msgpack", show_default=True, help="Form of the graph."),
    click.option("--image-config", metavar="FILE", help="Write the image config, as JSON, there."),
    click.option("-q", "--quiet", is_flag=True, help="No warnings."),
)


@click.command("compile", cls=Command)
@click.argument("context", metavar="PATH|-", default=".")
@flags(*DOCKERFILE_FLAGS, *OUTPUT_FLAGS, *CONTEXT_FLAGS, *BUILD_FLAGS, *RESOLVER_FLAGS)
def command(context: str, output: str, form: str, image_config: str | None, **given: Any) -> None:  # noqa: ANN401  the flags
    """Compile a Dockerfile to the graph that BuildKit's own frontend makes of it.

    PATH is the build context, of which only the Dockerfile and the ignore file are read; - is a Dockerfile on standard
    input without a context. The graph goes to standard output:

        dfc compile . --format llb | buildctl build --local context=. …

    With several platforms, -o names a folder for a file each, such as linux_arm64.msgpack.
    """
    several = "," in ",".join(given["platform"])
    check_outputs(output, form, image_config, several=several)
    result = compile_inputs(context, given)
    if several:
        write_folder(output, form, result, configs=image_config is not None)
        return
    if image_config:
        write_output(image_config, result.target.config, text=True)
    write_output(output, encode(result.target.definition, form), text=form in READABLE)


def check_outputs(output: str, form: str, image_config: str | None, *, several: bool) -> None:
    """Before any work: a place that cannot be written, two results for one place, many for one file."""
    if several:
        if output == STANDARD or (os.path.exists(output) and not os.path.isdir(output)):
            raise Fault("several platforms need a folder to be written to: -o FOLDER", code=EXIT_USAGE)
        return
    if image_config == output:
        raise Fault("--image-config and -o name the same place", code=EXIT_USAGE)
    check_output(output, text=form in READABLE)
    if image_config:
        check_output(image_config, text=True)


def write_folder(folder: str, form: str, result: CompileResult, *, configs: bool) -> None:
    os.makedirs(folder, exist_ok=True)
    for target in result.targets:
        name = os.path.join(folder, platform_name(target))
        if configs:
            write_output(f"{name}.config.json", target.config, text=True)
        write_output(f"{name}.{form}", encode(target.definition, form), text=form in READABLE)


def platform_name(target: CompiledTarget) -> str:
    """As BuildKit's local exporter names its folders: linux_arm64, linux_arm_v7."""
    from dockerfile_frontend.semantics.platforms import format_platform  # noqa: PLC0415  for several platforms only

    return format_platform(target.platform).replace("/", "_")
