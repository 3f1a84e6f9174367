"""Flags of a run and what they ask for: `-o --push --load --metadata-file --provenance --progress -q …`.

    -t app:1 --push               outputs (image, pushed), named app:1
    -o type=oci,dest=app.tar      outputs (oci archive)
    -t app:1                      outputs (nothing but the cache): as docker buildx has it, with a word on what to do about it

`dfc build` and `dfc exec` share them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from dockerfile_frontend.cli.backends import is_remote
from dockerfile_frontend.cli.errors import EXIT_USAGE, Fault
from dockerfile_frontend.cli.flag import option
from dockerfile_frontend.cli.output import STANDARD, check_output, write_output
from dockerfile_frontend.cli.stores import ROOT_FLAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.executor.cache.spec import CacheSpec
    from dockerfile_frontend.executor.exporters.attest import Attest
    from dockerfile_frontend.executor.exporters.spec import Output
    from dockerfile_frontend.executor.progress import Mode


class OutputSpecs(Protocol):
    """Who reads outputs."""

    def parse_output(self, text: str) -> Output:
        """Raises ExecutorError."""

    def check_output(self, output: Output) -> Output:
        """The same output. Raises ExecutorError."""


PROGRESS: tuple[Mode, ...] = ("auto", "tty", "plain", "rawjson", "quiet")

RUN_FLAGS = (
    option("-t", "--tag", metavar="NAME[:TAG]", multiple=True, help="Name of the image."),
    option("-o", "--output", metavar="type=…,dest=…", multiple=True, help="What to give out, and where to."),
    option("--push", is_flag=True, help="Push the image to its registry: -o type=registry."),
    option("--load", is_flag=True, help="Load the image into docker or podman."),
    option("--annotation", metavar="[TYPE:]KEY=VALUE", multiple=True, help="Annotation of the image."),
    option("--attest", metavar="type=…", multiple=True, help="Attestation of the image: type=provenance,mode=max"),
    option("--provenance", metavar="BOOL|mode=…", help="The same as --attest type=provenance."),
    option("--sbom", metavar="BOOL|generator=…", help="The same as --attest type=sbom."),
    option("--cache-from", metavar="type=…,src=…", multiple=True, help="Cache outside the store to take steps from."),
    option("--cache-to", metavar="type=…,dest=…", multiple=True, help="Where to write this build's cache as well."),
    option("--metadata-file", metavar="FILE", help="Write what was made, as JSON, there."),
    option("--iidfile", metavar="FILE", help="Write the image's id there."),
    option("--progress", choices=PROGRESS, help="What to show.  [default: $BUILDKIT_PROGRESS, else auto]"),
    option("-q", "--quiet", is_flag=True, help="Print nothing but the image's id."),
    option("--jobs", metavar="N", between=(0, 1024), default=0, help="Steps at once  [default: by cores]"),
    option("--keep-storage", metavar="SIZE", help="What the store may take after the build: 10GB, 20%, unlimited."),
    option("--shell-on-error", is_flag=True, help="Open a shell in the step that failed."),
    ROOT_FLAG,
)


def outputs_of(given: Mapping[str, Any]) -> tuple[Output, ...]:
    """All outputs, checked as far as that is possible before a build. Raises Fault."""
    from dockerfile_frontend.executor.exporters.outputs import check_outputs  # noqa: PLC0415  `--help` needs it not
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  the same

    specs = output_specs(given)
    parse_output = specs.parse_output

    try:
        outputs = [parse_output(text) for text in given["output"]]
        if given["push"]:
            outputs = pushed(outputs, specs)
        if given["load"]:
            if any(output.dest == STANDARD for output in outputs):
                raise Fault("--load has its own use for standard output, so no output can go there", code=EXIT_USAGE)
            outputs.append(parse_output("type=docker,dest=-"))
        if not outputs:
            wants_id = given["quiet"] or given["iidfile"] or given["metadata_file"] or given["annotation"]
            outputs = [parse_output("type=image" if wants_id else "type=cacheonly")]
        outputs = annotated(outputs, given["annotation"], specs)
        check_outputs([output for output in outputs if not (given["load"] and output.dest == STANDARD)], given["tag"])
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from error
    return tuple(outputs)


def output_specs(given: Mapping[str, Any]) -> OutputSpecs:
    """Who reads `-o`: what the executor does not know, a daemon may."""
    if is_remote(given):
        from dockerfile_frontend.backends.buildkit import specs  # noqa: PLC0415  of such builds

        return specs
    from dockerfile_frontend.executor.exporters import spec  # noqa: PLC0415  `--help` needs it not

    return spec


def attests_of(given: Mapping[str, Any], outputs: Sequence[Output]) -> tuple[Attest, ...]:
    """What is to be said of the image; nothing where no output would take it. Raises Fault."""
    asked = given["attest"] or given["provenance"] or given["sbom"]
    takes = any(output.flag("push") or output.attrs.get("attestation-inline") for output in outputs)
    if not (asked or takes or given["metadata_file"]):
        return ()
    from dockerfile_frontend.executor.exporters.attest import settle_attests  # noqa: PLC0415  of such a build
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  the same

    try:
        return settle_attests(given["attest"], given["provenance"] or "", given["sbom"] or "")
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from error


def caches_of(given: Mapping[str, Any], *, inline: bool = False) -> tuple[tuple[CacheSpec, ...], tuple[CacheSpec, ...]]:
    """Caches outside the store, to read and to write; `inline` adds the image as its own. Raises Fault."""
    wanted = [*given["cache_to"], *(["type=inline"] if inline else [])]
    if not given["cache_from"] and not wanted:
        return (), ()
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  of such a build

    if is_remote(given):
        from dockerfile_frontend.backends.buildkit.specs import parse_cache_from, parse_cache_to  # noqa: PLC0415  the same
    else:
        from dockerfile_frontend.executor.cache.spec import parse_cache_from, parse_cache_to  # noqa: PLC0415  the same

    try:
        return tuple(map(parse_cache_from, given["cache_from"])), tuple(map(parse_cache_to, wanted))
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from error


def pushed(outputs: Sequence[Output], specs: OutputSpecs) -> list[Output]:
    """--push: the images among the outputs are pushed; without one there is one more output."""
    if not any(output.kind == "image" for output in outputs):
        return [*outputs, specs.parse_output("type=registry")]
    return [
        replace(output, attrs={**output.attrs, "push": "true"}) if output.kind == "image" else output for output in outputs
    ]


def annotated(outputs: Sequence[Output], annotations: Sequence[str], specs: OutputSpecs) -> list[Output]:
    """--annotation TYPE,TYPE:KEY=VALUE as attributes of every output that is an image."""
    attrs: dict[str, str] = {}
    for text in annotations:
        key, equals, value = text.partition("=")
        kinds, colon, name = key.rpartition(":")
        if not equals or not name:
            raise Fault(f"--annotation takes [TYPE:]KEY=VALUE, not {text}", code=EXIT_USAGE)
        for kind in kinds.split(",") if colon else ("",):
            attrs[f"annotation-{kind}.{name}" if kind else f"annotation.{name}"] = value
    if attrs and not any(output.is_image for output in outputs):
        raise Fault("--annotation: no output is an image", hint="-o type=oci,dest=FILE, for example", code=EXIT_USAGE)
    return [specs.check_output(replace(output, attrs={**output.attrs, **attrs})) if output.is_image else output for output in outputs]


def check_places(given: Mapping[str, Any]) -> None:
    """Raise Fault for files that could not be written at the end, and for a shell without a terminal."""
    for name in ("metadata_file", "iidfile"):
        if given[name]:
            check_output(given[name], text=True)
    if given["shell_on_error"] and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Fault("--shell-on-error needs a terminal", code=EXIT_USAGE)


def kept_bytes(given: Mapping[str, Any], root: str) -> int | None:
    """What --keep-storage lets the store take. Raises Fault."""
    if not given["keep_storage"]:
        return None
    from dockerfile_frontend.cli.cache_prune import size  # noqa: PLC0415  for this flag alone

    limit = size(given["keep_storage"], root)
    return sys.maxsize if limit is None else limit


def progress_mode(given: Mapping[str, Any]) -> Mode:
    """Raises Fault for a tree without a terminal."""
    from dockerfile_frontend.executor.progress import settle_mode  # noqa: PLC0415  `--help` needs it not
    from dockerfile_frontend.executor.solver.model import ExecutorError  # noqa: PLC0415  the same

    if given["quiet"]:
        if given["progress"] not in (None, "auto", "quiet"):
            raise Fault(f"-q and --progress={given['progress']} exclude each other", code=EXIT_USAGE)
        return "quiet"
    wanted = given["progress"] or os.environ.get("BUILDKIT_PROGRESS") or "auto"
    if wanted not in PROGRESS:
        raise Fault(f"BUILDKIT_PROGRESS is {', '.join(PROGRESS)}, not {wanted}", code=EXIT_USAGE)
    try:
        return settle_mode(wanted, sys.stderr)
    except ExecutorError as error:
        raise Fault(str(error), hint=error.hint, code=EXIT_USAGE) from error


def results_stream(given: Mapping[str, Any]) -> TextIO:
    """Where -q prints to. With --load only a fork of this process returns, and goes on. Raises Fault."""
    if not given["load"]:
        return sys.stdout
    from dockerfile_frontend.cli.loading import find_loader, split  # noqa: PLC0415  for this flag alone

    return split(find_loader(), quiet=given["quiet"])


def write_results(given: Mapping[str, Any], metadata: Mapping[str, object], results: TextIO) -> None:
    """--iidfile, --metadata-file, and the id that -q prints."""
    from dockerfile_frontend.executor.exporters.outputs import image_id  # noqa: PLC0415  loaded already

    found = image_id(metadata)
    if given["metadata_file"]:
        import json  # noqa: PLC0415  for this flag alone

        write_output(given["metadata_file"], json.dumps(metadata, indent=2).encode() + b"\n", text=True)
    if given["iidfile"]:
        if not found:
            raise Fault("--iidfile: no output is an image, so there is no id")
        write_output(given["iidfile"], found.encode(), text=True)
    if given["quiet"] and found:
        print(found, file=results, flush=True)


def closing_words(outputs: Sequence[Output], names: Sequence[str], place: str) -> str:
    """What to do with a build that was given nowhere; empty for one that was. `place` is where it is."""
    if any(output.kind != "cacheonly" for output in outputs):
        return ""
    name = f" {names[0]}" if names else ""
    return f"""\
built{name}; it is in the build cache of {place} only. To have it:
  -o type=oci,dest=FILE       an archive for podman load -i FILE, skopeo copy oci-archive:FILE …
  -o type=docker,dest=FILE    an archive for docker load -i FILE
  -o DIR                      the files
  --load                      in docker or podman on this machine
  --push                      in its registry, with -t REGISTRY/NAME"""
