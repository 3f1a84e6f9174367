"""A software bill of materials, made by somebody else's scanner, as BuildKit calls it.

    generator=docker/scout-sbom-indexer    an image, run as a step of the build: its result is cached, its isolation that of any step
    generator=/usr/bin/my-scanner --fast   a program of this machine, which gets no more than the paths

    BUILDKIT_SCAN_SOURCE=/run/src/core/sbom        the file system to look at
    BUILDKIT_SCAN_DESTINATION=/run/out/            where in-toto statements of SPDX go: NAME.spdx.json

What a scanner has written is believed to be SPDX; that it is a statement, of bounded size, is checked.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.files.source import TreeSource, open_file
from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.definition import Definition, Vertex
from ir_schema.ops import ExecOp, Input, Meta, Mount, MountType, Op, OpMetadata, Platform, SourceOp

from .annotations import format_platform
from .attest import Attest, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.executor.files.walk import Visit
    from dockerfile_frontend.executor.machine import Machine

    from .records import Image

DEFAULT_GENERATOR = "docker/buildkit-syft-scanner:stable-1"
SPDX = "https://spdx.dev/Document"
CORE = "sbom"
SOURCE, DESTINATION = f"/run/src/core/{CORE}", "/run/out/"
MOST_BYTES = 80 << 20
"""Of one statement, as BuildKit limits it."""
MOST_FILES = 100


def sbom_statements(attest: Attest, image: Image, definition: Definition | None, machine: Machine) -> list[Statement]:
    """What the generator says of an image. Raises ExecutorError."""
    generator = attest.attrs.get("generator") or DEFAULT_GENERATOR
    parameters = {key: value for key, value in attest.attrs.items() if key != "generator"}
    if generator.startswith(("/", "./", "../")):
        return _by_program(shlex.split(generator), parameters, image, machine)
    return _by_image(generator, parameters, image, definition or Definition(), machine)


def _by_image(generator: str, parameters: dict[str, str], image: Image, definition: Definition, machine: Machine) -> list[Statement]:
    from dockerfile_frontend.executor.solve import solve

    (result,) = solve([scan_graph(generator, parameters, image, definition, machine)], machine)
    assert isinstance(result, Tree)  # noqa: S101 - what an exec op gives
    with machine.store.view(result.layers) as view, TreeSource(view.fd) as source:
        return read_statements(source.walk("/"), generator)


def scan_graph(generator: str, parameters: dict[str, str], image: Image, definition: Definition, machine: Machine) -> Definition:
    """The build's graph, and a step that looks at what it gives."""
    from dockerfile_frontend.executor.sources.image import parse_source
    from dockerfile_frontend.executor.sources.manifests import config_of

    from .names import normalized_name

    scanner = Vertex.of(Op((), SourceOp(f"docker-image://{normalized_name(generator)}"), platform=_native()))
    config = json.loads(config_of(parse_source(scanner.op, machine), machine)).get("config") or {}
    args = (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))
    if not args:
        raise ExecutorError(f"scanner {generator} does not have cmd")
    env = [*(config.get("Env") or ()), *(f"{key}={value}" for key, value in _environment(SOURCE, DESTINATION, parameters).items())]
    scanned = definition.output
    mounts = (
        Mount(0, dest="/", output=-1),
        Mount(-1, dest="/tmp", output=-1, type=MountType.TMPFS),  # noqa: S108 - of the container
        Mount(1 if scanned else -1, dest=SOURCE, output=-1, readonly=True),
        Mount(-1, dest=DESTINATION.rstrip("/"), output=0),
    )
    inputs = (Input(scanner.digest), scanned) if scanned else (Input(scanner.digest),)
    meta = Meta(args, tuple(env), config.get("WorkingDir") or "/", config.get("User") or "")
    scan = Vertex.of(Op(inputs, ExecOp(meta, mounts), platform=_native()))
    title = f"[{format_platform(image.platform)}] generating sbom using {generator}"
    vertices = {**definition.vertices, scanner.digest: scanner, scan.digest: scan}
    metadata = {**definition.metadata, scan.digest: OpMetadata(description={"llb.customname": title})}
    return Definition(vertices, Input(scan.digest), metadata)


def _by_program(command: list[str], parameters: dict[str, str], image: Image, machine: Machine) -> list[Statement]:
    with _folder(machine) as folder, machine.store.view(image.layers) as view:
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, **_environment(view.path, f"{folder}/", parameters)}
        code, _, said = machine.run_program(command, env=env)
        if code:
            last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise ExecutorError(f"SBOM generator {command[0]} failed with exit code {code}: {last[:400]}")
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with TreeSource(fd) as source:
                return read_statements(source.walk("/"), command[0])
        finally:
            os.close(fd)


@contextlib.contextmanager
def _folder(machine: Machine) -> Iterator[str]:
    made = tempfile.mkdtemp(prefix="sbom-", dir=os.path.join(machine.store.path, "ingest"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _environment(source: str, destination: str, parameters: dict[str, str]) -> dict[str, str]:
    more = {f"BUILDKIT_SCAN_{key}": value for key, value in parameters.items()}
    return {"BUILDKIT_SCAN_DESTINATION": destination, "BUILDKIT_SCAN_SOURCE": source, **more}


def read_statements(visits: Iterable[Visit], generator: str) -> list[Statement]:
    """The statements among the files that a generator has written, the one on the image itself first. Raises ExecutorError."""
    found: dict[str, Statement] = {}
    for visit in visits:
        if not stat.S_ISREG(visit.stat.st_mode) or "/" in visit.path:
            raise ExecutorError(f"SBOM generator {generator} has written {visit.path}, which is no file")
        if len(found) == MOST_FILES:
            raise ExecutorError(f"SBOM generator {generator} has written more than {MOST_FILES} files")
        with os.fdopen(open_file(visit), "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ExecutorError(f"{visit.path} of SBOM generator {generator} exceeds {MOST_BYTES} bytes")
        found[visit.path] = _statement(visit.path, data, generator)
    if not found:
        raise ExecutorError(f"SBOM generator {generator} has written nothing")
    return [found[name] for name in sorted(found, key=lambda name: (name.partition(".")[0] != CORE, name))]


def _statement(name: str, data: bytes, generator: str) -> Statement:
    try:
        document: Any = json.loads(data)
        predicate_type, predicate, subjects = document["predicateType"], document["predicate"], document.get("subject") or []
        good = isinstance(subjects, list) and all(isinstance(each, dict) for each in subjects)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise ExecutorError(f"{name} of SBOM generator {generator} is no in-toto statement")
    if predicate_type != SPDX:
        raise ExecutorError(f"bundle entry {predicate_type} does not match required predicate type {SPDX}")
    return Statement(name, SPDX, predicate, tuple(subjects))


def _native() -> Platform:
    from dockerfile_frontend.executor.architectures import NATIVE

    return Platform(NATIVE.get(os.uname().machine, ""), "linux")
