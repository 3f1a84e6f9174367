"""attest:sbom: an image that looks at the result and writes down what is in it, for exporters to attach.

    {"attest:sbom": "generator=scanner:1,select=all"}  ──▶  Generator("docker.io/library/scanner:1", {"select": "all"})

The scan is a graph of the compiler's, solved when somebody wants its result. BuildKit: frontend/attestations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.image import read_image
from dockerfile_frontend.compiler.scans import Scanner, scan_graph
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.errors import refused
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.instructions.mounts import split_options
from dockerfile_frontend.semantics.references import InvalidReferenceError, parse_reference
from dockerfile_frontend.semantics.resolver import ResolveError
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockerfile_frontend.compiler.options import CompileOptions
    from dockerfile_frontend.compiler.result import CompiledTarget
    from dockerfile_frontend.gateway.bridge import Bridge
    from dockerfile_frontend.semantics.resolver import Resolver

_GENERATOR = "docker/buildkit-syft-scanner:stable-1"
_OPTION, _ARG = "attest:", "build-arg:BUILDKIT_ATTEST_"
_KINDS = ("sbom", "provenance")
_BUNDLE = 1
_SPDX = "https://spdx.dev/Document"


class Generator(Record):
    """The scanner that is asked for."""

    ref: str
    parameters: Mapping[str, str]


def read_generator(options: Mapping[str, str]) -> Generator | None:
    """What the options say of an SBOM; provenance is the daemon's own. Raises RpcError."""
    texts = {}
    for key, text in options.items():
        for prefix in (_OPTION, _ARG):
            if key.startswith(prefix):
                texts[key.removeprefix(prefix).lower()] = text
    parsed = {kind: _attributes(kind, text) for kind, text in texts.items()}
    for kind in parsed:
        if kind not in _KINDS:
            raise refused(f"unknown attestation type {quote(kind)}")
    if "sbom" not in parsed:
        return None
    parameters = {"generator": _GENERATOR, **parsed["sbom"]}
    name = parameters.pop("generator")
    try:
        return Generator(str(parse_reference(name).tagged), parameters)
    except InvalidReferenceError as error:
        raise refused(f"failed to parse sbom scanner {name}: {error}") from None


def _attributes(kind: str, text: str) -> dict[str, str]:
    try:
        fields = split_options(text) if text else []
    except DockerfileError as error:
        raise refused(f"failed to parse {kind}: {error.message.removeprefix('failed to parse csv mounts: ')}") from None
    return {key: value for key, _, value in (field.partition("=") for field in fields)}


def find_scanner(generator: Generator, resolver: Resolver, options: CompileOptions) -> Scanner:
    """The scanner's image, for the platform that builds run on. Raises DockerfileError."""
    platform = options.build_platform
    try:
        found = resolver.resolve_image(generator.ref, platform, options.resolve_mode)
    except ResolveError as error:
        raise DockerfileError(error.message, code="scanner", hint=error.hint) from None
    scanner = Scanner(found.ref, platform, read_image(found.config))
    if not scanner.image.entrypoint and not scanner.image.cmd:
        raise DockerfileError(f"scanner {found.ref} does not have cmd", code="scanner")
    return scanner


def scan(
    bridge: Bridge, targets: Sequence[CompiledTarget], names: Sequence[str], scanner: Scanner, generator: Generator
) -> dict[str, m.Attestations]:
    """What is attested, by platform. Raises RpcError."""
    found: dict[str, m.Attestations] = {}
    for target, name in zip(targets, names, strict=True):
        assert target.scans is not None  # noqa: S101  the options asked for it
        graph = scan_graph(target.scans, scanner, name, generator.parameters)
        ref = bridge.solve(graph).only()
        metadata = {"reason": b"sbom", "sbom-core": b"sbom"}
        statement = m.Attestation(_BUNDLE, metadata, ref, "", _SPDX)
        found[name] = m.Attestations((statement,))
    return found
