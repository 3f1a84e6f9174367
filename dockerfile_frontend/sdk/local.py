"""A frontend of one's own without a daemon: a file in, its graph as LLB out.

compile_file(build, ["Recipe", "--image-config", "c.json"], os.environ)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.diagnostics import DockerfileError, render
from dockerfile_frontend.gateway.options import host_platform
from dockerfile_frontend.resolvers.make import ResolverOptions, make_resolver
from dockerfile_frontend.sdk.request import Request, compile_with, platforms_of
from dockerfile_frontend.semantics.resolver import ResolveError
from dockerfile_frontend.source import SourceFile
from ir_schema.llb import encode_llb
from ir_schema.ops import SourceInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.compiler.result import CompiledTarget
    from dockerfile_frontend.sdk.request import Built


def compile_file(build: Callable[[Request], Built], arguments: list[str], environment: Mapping[str, str]) -> int:
    """The exit code; messages go to standard error."""
    given = _parse(arguments)
    path = Path(given.file)
    try:
        source = SourceInfo(path.name, path.read_bytes())
    except OSError as error:
        print(f"error: {path}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        target = _compile(build, source, given, environment)
        if given.image_config:
            Path(given.image_config).write_bytes(target.config)
        data = encode_llb(target.definition)
        if given.output:
            Path(given.output).write_bytes(data)
        else:
            sys.stdout.buffer.write(data)
    except DockerfileError as error:
        print(render(error.diagnostic, _shown(source)), file=sys.stderr)
        return 1
    except (OSError, ResolveError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _shown(source: SourceInfo) -> SourceFile:
    return SourceFile(source.filename, source.data.decode("utf-8", "replace"))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compile a file to a graph of build operations, as LLB.")
    parser.add_argument("file")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write the graph  [default: standard output]")
    parser.add_argument("--image-config", metavar="FILE", help="where to write the image's config")
    parser.add_argument("--platform", metavar="OS/ARCH", help="what the image is to run on")
    parser.add_argument("--build-arg", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--images", metavar="PATH", action="append", default=[], help="layout or archive with images")
    parser.add_argument("--registries", metavar="FILE", help="buildkitd.toml with mirrors, plain HTTP, certificates")
    return parser.parse_args(arguments)


def _compile(
    build: Callable[[Request], Built], source: SourceInfo, given: argparse.Namespace, environment: Mapping[str, str]
) -> CompiledTarget:
    """Raises DockerfileError, ResolveError."""
    options = {f"build-arg:{key}": value for key, _, value in (text.partition("=") for text in given.build_arg)}
    if given.platform:
        options["platform"] = given.platform
    known = parse_options(options, build_platform=host_platform(), filename=source.filename)
    hosts = Path(given.registries) if given.registries else None
    resolver = make_resolver(ResolverOptions(images=tuple(map(Path, given.images)), hosts=hosts), environment)
    request = Request(source, known, platforms_of(known)[0], resolver)
    try:
        return compile_with(build, request)
    finally:
        resolver.close()
        for warning in request.warnings:
            print(render(warning, _shown(source)), file=sys.stderr)
