"""A software bill of materials, made by somebody else's scanner, as BuildKit calls it.

    generator=docker/scout-sbom-indexer    an image, run as a step of the build: its result is cached, its isolation that of any step
    generator=/usr/bin/my-scanner --fast   a program of this machine, which gets no more than the paths

    BUILDKIT_SCAN_SOURCE=/run/src/core/sbom        the file system to look at
    BUILDKIT_SCAN_SOURCE_EXTRAS=/run/src/extras    where others are, sbom-NAME each: what BUILDKIT_SBOM_SCAN_… args add
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
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from dockerfile_frontend.executor.files.source import TreeSource, open_file
from dockerfile_frontend.executor.solver.model import ExecutorError, Tree
from ir_schema.definition import Definition, Vertex
from ir_schema.ops import (
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Meta,
    Mount,
    MountType,
    Op,
    OpMetadata,
    Platform,
    SourceOp,
)
from ir_schema.record import Record

from .annotations import format_platform
from .attest import Attest, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockerfile_frontend.executor.files.walk import Visit
    from dockerfile_frontend.executor.machine import Machine

    from .records import Image, Scans

DEFAULT_GENERATOR = "docker/buildkit-syft-scanner:stable-1"
SPDX = "https://spdx.dev/Document"
CORE = "sbom"
SOURCE, EXTRAS, DESTINATION = f"/run/src/core/{CORE}", "/run/src/extras", "/run/out/"
MOST_BYTES = 80 << 20
"""Of one statement, as BuildKit limits it."""
MOST_FILES = 100


def sbom_statements(attest: Attest, image: Image, definition: Definition | None, scans: Scans, machine: Machine) -> list[Statement]:
    """What the generator says of an image. Raises ExecutorError."""
    generator = attest.attrs.get("generator") or DEFAULT_GENERATOR
    parameters = {key: value for key, value in attest.attrs.items() if key != "generator"}
    if generator.startswith(("/", "./", "../")):
        return _by_program(shlex.split(generator), parameters, image, scans, machine)
    scan = scan_graph(_scanner(generator, machine), parameters, definition or Definition(), scans, f"[{format_platform(image.platform)}]")
    (result,) = _solve([scan], machine)
    with machine.store.view(result.layers) as view, TreeSource(view.fd) as source:
        return read_statements(source.walk("/"), generator)


def _solve(definitions: list[Definition], machine: Machine) -> list[Tree]:
    from dockerfile_frontend.executor.solve import solve

    results = solve(definitions, machine)
    assert all(isinstance(result, Tree) for result in results)  # noqa: S101 - what has files
    return cast("list[Tree]", results)


class Scanner(Record):
    """An image that scans."""

    name: str
    source: Vertex
    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    user: str


def _scanner(generator: str, machine: Machine) -> Scanner:
    from dockerfile_frontend.executor.sources.image import parse_source
    from dockerfile_frontend.executor.sources.manifests import config_of

    from .names import normalized_name

    scanner = Vertex.of(Op((), SourceOp(f"docker-image://{normalized_name(generator)}"), platform=_native()))
    config = json.loads(config_of(parse_source(scanner.op, machine), machine)).get("config") or {}
    args = (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))
    if not args:
        raise ExecutorError(f"scanner {generator} does not have cmd")
    env = tuple(config.get("Env") or ())
    return Scanner(generator, scanner, args, env, config.get("WorkingDir") or "/", config.get("User") or "")


def scan_graph(scanner: Scanner, parameters: dict[str, str], definition: Definition, scans: Scans, title: str) -> Definition:
    """The build's graph, those of the extras, and a step that looks at what they give."""
    inputs, scanned = [Input(scanner.source.digest)], []
    for dest, graph in _places(definition, scans).items():
        output = graph.output if graph else None
        scanned.append(Mount(len(inputs) if output else -1, dest=dest, output=-1, readonly=True))
        inputs += [output] if output else []
    mounts = (
        Mount(0, dest="/", output=-1),
        Mount(-1, dest="/tmp", output=-1, type=MountType.TMPFS),  # noqa: S108 - of the container
        *scanned,
        Mount(-1, dest=DESTINATION.rstrip("/"), output=0),
    )
    env = _environment(SOURCE, EXTRAS if scans.extras else "", DESTINATION, parameters)
    meta = Meta(scanner.args, (*scanner.env, *(f"{key}={value}" for key, value in env.items())), scanner.cwd, scanner.user)
    scan = Vertex.of(Op(tuple(inputs), ExecOp(meta, mounts), platform=_native()))
    shown = OpMetadata(ignore_cache=scans.no_cache, description={"llb.customname": f"{title} generating sbom using {scanner.name}"})
    vertices: dict[str, Vertex] = {scanner.source.digest: scanner.source, scan.digest: scan}
    metadata: dict[str, OpMetadata] = {scan.digest: shown}
    for graph in (definition, *scans.extras.values()):
        if graph:
            vertices, metadata = {**graph.vertices, **vertices}, {**graph.metadata, **metadata}
    return Definition(vertices, Input(scan.digest), metadata)


def _places(definition: Definition, scans: Scans) -> dict[str, Definition | None]:
    """Where what is scanned is seen."""
    extras = {f"{EXTRAS}/{CORE}-{name}": graph for name, graph in sorted(scans.extras.items())}
    return {SOURCE: definition, **extras}


def _by_program(
    command: list[str], parameters: dict[str, str], image: Image, scans: Scans, machine: Machine
) -> list[Statement]:
    with _folder(machine) as folder, _folder(machine) as extras, machine.store.view(image.layers) as view, ExitStack() as stack:
        graphs = {name: _with_files(graph) for name, graph in scans.extras.items() if graph}
        for name, tree in zip(graphs, _solve(list(graphs.values()), machine) if graphs else (), strict=True):
            seen = stack.enter_context(machine.store.view(tree.layers))
            os.symlink(seen.path, f"{extras}/{CORE}-{name}")
        places = _environment(view.path, extras if scans.extras else "", f"{folder}/", parameters)
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, **places}
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


def _with_files(graph: Definition) -> Definition:
    """The graph, or if it gives a client's directory one that gives a copy of it, as steps see it."""
    output = graph.output
    body = graph.vertices[output.digest].op.body if output else None
    if not (output and isinstance(body, SourceOp) and body.identifier.startswith("local://")):
        return graph
    everything = Copy("/", "/", mode=-1, dir_copy_contents=True)
    copied = Vertex.of(Op((output,), FileOp((FileAction(-1, 0, 0, everything),))))
    return Definition({**graph.vertices, copied.digest: copied}, Input(copied.digest), graph.metadata)


@contextlib.contextmanager
def _folder(machine: Machine) -> Iterator[str]:
    made = tempfile.mkdtemp(prefix="sbom-", dir=os.path.join(machine.store.path, "ingest"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _environment(source: str, extras: str, destination: str, parameters: dict[str, str]) -> dict[str, str]:
    more = {f"BUILDKIT_SCAN_{key}": value for key, value in parameters.items()}
    beside = {"BUILDKIT_SCAN_SOURCE_EXTRAS": extras} if extras else {}
    return {"BUILDKIT_SCAN_DESTINATION": destination, "BUILDKIT_SCAN_SOURCE": source, **beside, **more}


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
