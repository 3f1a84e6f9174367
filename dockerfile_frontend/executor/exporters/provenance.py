"""SLSA provenance, version 1, of what was built, in the form that BuildKit gives it.

    predicate(Attest("provenance", {"mode": "max"}), definition, amd64, machine, facts)
    ──▶ {"buildDefinition": {"resolvedDependencies": [{"uri": "pkg:docker/alpine@3.20?…", "digest": {…}}], …}, "runDetails": {…}}

mode=min says what was built from what, mode=max also with which build args and by which steps. Credentials in URLs are struck out
wherever a text holds one; of secrets there are the ids alone.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.executor.redact import without_credentials as redact
from dockerfile_frontend.executor.solver.model import ExecutorError
from ir_schema.ops import BuildOp, ExecOp, MountType, NetMode, Platform, SourceOp
from ir_schema.record import Record

from .annotations import format_platform
from .attest import Attest, Statement
from .image_config import timestamp
from .purl import image_purl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dockerfile_frontend.executor.machine import Machine
    from dockerfile_frontend.executor.sources.pin import Pin
    from ir_schema.definition import Definition, Vertex
    from ir_schema.ops import Op

    from .records import BuildFacts

SLSA_1 = "https://slsa.dev/provenance/v1"
SLSA_02 = "https://slsa.dev/provenance/v0.2"
BUILD_TYPE_1 = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
BUILD_TYPE_02 = "https://mobyproject.org/buildkit@v1"
FILE_NAME = "provenance.json"

_HOST_ARGS = ("cgroup-parent", "image-resolve-mode", "platform", "cache-imports")
"""Options that say something of the builder and not of what is built."""


class Dependencies(Record):
    """What a graph takes from outside."""

    materials: tuple[dict[str, Any], ...]
    """Images, git commits, files, each with its digest."""
    locals: tuple[str, ...]
    """Directories of the client, by name."""
    secrets: tuple[dict[str, Any], ...]
    ssh: tuple[dict[str, Any], ...]
    network: bool
    """Whether a step could reach a network."""
    incomplete: bool
    """Whether there may be more than is listed."""


def provenance_statement(
    attest: Attest, definition: Definition, platform: Platform, machine: Machine, facts: BuildFacts
) -> Statement:
    """The statement for one image. Raises ExecutorError."""
    body = predicate(attest, definition, platform, machine, facts)
    if attest.attrs.get("version") == "v0.2":
        return Statement(attest.attrs.get("filename", FILE_NAME), SLSA_02, older(body), (), attest.flag("inline-only"))
    return Statement(attest.attrs.get("filename", FILE_NAME), SLSA_1, body, (), attest.flag("inline-only"))


def predicate(attest: Attest, definition: Definition, platform: Platform, machine: Machine, facts: BuildFacts) -> dict[str, Any]:
    """The predicate alone, of version 1."""
    vertices = reachable(definition)
    found = dependencies(vertices, machine)
    complete = not found.locals and not found.incomplete
    if attest.flag("complete-materials") and not complete:
        listed = "".join(f" {name}" for name in found.locals)
        raise ExecutorError(f"provenance materials are incomplete: the build reads local directories{listed or ' or nested builds'}")
    largest = attest.attrs.get("mode", "max") != "min"
    config_source, request = _request(facts, found, largest=largest)
    internal: dict[str, Any] = {"builderPlatform": f"linux/{_architecture()}", "targetPlatform": format_platform(platform)}
    vcs = {key.removeprefix("vcs:"): redact(value) for key, value in sorted(facts.options.items()) if key.startswith("vcs:") and value}
    metadata: dict[str, Any] = {"vcs": vcs} if vcs else {}
    if largest:
        vertices = [*vertices, *_end(definition)]
        steps = {vertex.digest: f"step{number}" for number, vertex in enumerate(vertices)}
        internal["buildConfig"] = {"digestMapping": dict(sorted(steps.items())), "llbDefinition": _steps(vertices, steps)}
        metadata |= _source(definition, steps)
    hidden = not largest and any(_is_private(key) for key in facts.options)
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE_1,
            **({"resolvedDependencies": [*found.materials]} if found.materials else {}),
            "externalParameters": {"configSource": config_source, "request": request},
            "internalParameters": internal,
        },
        "runDetails": {
            "builder": {"id": attest.attrs.get("builder-id", "")},
            "metadata": {
                "invocationId": facts.reference or os.urandom(16).hex(),
                "startedOn": timestamp(facts.started),
                "finishedOn": timestamp(facts.finished or time.time()),
                "buildkit_metadata": metadata,
                **({"buildkit_hermetic": True} if complete and not found.network else {}),
                "buildkit_completeness": {"request": bool(facts.frontend) and not hidden, "resolvedDependencies": complete},
                **({"buildkit_reproducible": True} if attest.flag("reproducible") else {}),
            },
        },
    }


def older(body: Mapping[str, Any]) -> dict[str, Any]:
    """A predicate of version 1 as version 0.2 has it."""
    definition, details = body["buildDefinition"], body["runDetails"]
    internal, external, metadata = definition["internalParameters"], definition["externalParameters"], details["metadata"]
    source = external["configSource"]
    entry = {"entryPoint": source["path"]} if "path" in source else {}
    names = {"uri": "uri", "digest": "digest"}
    found: dict[str, Any] = {
        "builder": {"id": details["builder"]["id"]},
        "buildType": BUILD_TYPE_02,
        "materials": definition.get("resolvedDependencies", []),
        "invocation": {
            "configSource": {**{new: source[old] for old, new in names.items() if old in source}, **entry},
            "parameters": external["request"],
            "environment": {"platform": internal["builderPlatform"]},
        },
    }
    if "buildConfig" in internal:
        found["buildConfig"] = internal["buildConfig"]
    completeness = metadata["buildkit_completeness"]
    found["metadata"] = {
        "buildInvocationID": metadata["invocationId"],
        "buildStartedOn": metadata["startedOn"],
        "buildFinishedOn": metadata["finishedOn"],
        "completeness": {
            "parameters": completeness["request"], "environment": True, "materials": completeness["resolvedDependencies"],
        },
        "reproducible": metadata.get("buildkit_reproducible", False),
        "https://mobyproject.org/buildkit@v1#hermetic": metadata.get("buildkit_hermetic", False),
        "https://mobyproject.org/buildkit@v1#metadata": metadata["buildkit_metadata"],
    }  # fmt: skip
    return found


def reachable(definition: Definition) -> list[Vertex]:
    """The vertices that the output needs, each after its inputs."""
    if definition.output is None:
        return []
    wanted = {definition.output.digest}
    for digest in reversed([*definition.vertices]):
        if digest in wanted:
            wanted.update(each.digest for each in definition.vertices[digest].op.inputs)
    return [vertex for digest, vertex in definition.vertices.items() if digest in wanted]


def dependencies(vertices: Sequence[Vertex], machine: Machine) -> Dependencies:
    """All that the ops of a graph name."""
    materials: dict[str, dict[str, Any]] = {}
    local: set[str] = set()
    secrets: dict[str, bool] = {}
    ssh: dict[str, bool] = {}
    network = incomplete = False
    for vertex in vertices:
        body = vertex.op.body
        if isinstance(body, SourceOp):
            pin = machine.sources.pin(vertex.digest)
            if body.identifier.startswith("local://"):
                local.add(body.identifier.removeprefix("local://"))
            else:
                material = _material(body, vertex.op, pin)
                materials.setdefault(material["uri"], material)
                incomplete = incomplete or "digest" not in material
            _add(ssh, [(body.attrs["git.mountsshsock"], True)] if "git.mountsshsock" in body.attrs else ())
            _add(secrets, [(body.attrs[key], True) for key in ("git.authtokensecret", "git.authheadersecret") if key in body.attrs])
        elif isinstance(body, ExecOp):
            network = network or body.network != NetMode.NONE
            _add(secrets, _secrets(body))
            _add(ssh, [(m.ssh.id or "default", m.ssh.optional) for m in body.mounts if m.type == MountType.SSH and m.ssh])
        elif isinstance(body, BuildOp):
            incomplete = True
    order = sorted(materials.values(), key=lambda each: (_rank(each["uri"]), each["uri"]))
    return Dependencies(tuple(order), tuple(sorted(local)), _by_id(secrets), _by_id(ssh), network, incomplete)


def _secrets(body: ExecOp) -> list[tuple[str, bool]]:
    mounts = [(m.secret.id, m.secret.optional) for m in body.mounts if m.type == MountType.SECRET and m.secret]
    return [*mounts, *((each.id, each.optional) for each in body.secretenv)]


def _add(found: dict[str, bool], more: Iterable[tuple[str, bool]]) -> None:
    for name, optional in more:
        found[name] = found.get(name, True) and optional


def _by_id(found: Mapping[str, bool]) -> tuple[dict[str, Any], ...]:
    return tuple({"id": name, **({"optional": True} if found[name] else {})} for name in sorted(found))


def _material(body: SourceOp, op: Op, pin: Pin | None) -> dict[str, Any]:
    """A dependency by its URI, with a digest when the source was looked up."""
    scheme, _, rest = body.identifier.partition("://")
    digest = pin.digest if pin else ""
    if scheme in ("docker-image", "oci-layout"):
        uri = image_purl("docker" if scheme == "docker-image" else "oci", rest, op.platform)
    elif scheme == "git":
        remote = body.attrs.get("git.fullurl") or f"https://{rest.partition('#')[0]}"
        reference = rest.partition("#")[2].partition(":")[0]
        uri = redact(f"{remote}#{reference}" if reference else remote)
    else:
        uri = redact(body.identifier)
    algorithm, colon, value = digest.partition(":")
    if colon:
        return {"uri": uri, "digest": {algorithm: value}}
    if digest:
        return {"uri": uri, "digest": {"sha256" if len(digest) == 64 else "sha1": digest}}
    return {"uri": uri}


def _rank(uri: str) -> int:
    """Images first, then git, then files, as BuildKit lists them."""
    return 0 if uri.startswith("pkg:") else 1 if "#" in uri or uri.endswith(".git") else 2


def _request(facts: BuildFacts, found: Dependencies, *, largest: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was to be built, and how it was asked for."""
    args = {key: redact(value) for key, value in sorted(facts.options.items()) if _is_told(key, largest=largest)}
    source: dict[str, Any] = {}
    context = args.pop("context", "")
    if context:
        source["uri"] = context
        same = [each for each in found.materials if each["uri"].partition("#")[0] == context.partition("#")[0]]
        if same and "digest" in same[0]:
            source["digest"] = same[0]["digest"]
    if path := args.pop("filename", ""):
        source["path"] = path
    request: dict[str, Any] = {"frontend": facts.frontend}
    if args:
        request["args"] = args
    if largest and found.secrets:
        request["secrets"] = [*found.secrets]
    if largest and found.ssh:
        request["ssh"] = [*found.ssh]
    if found.locals:
        request["locals"] = [{"name": name} for name in found.locals]
    return source, request


def _is_told(key: str, *, largest: bool) -> bool:
    if key in _HOST_ARGS or key.startswith(("attest:", "vcs:")):
        return False
    return largest or not _is_private(key)


def _is_private(key: str) -> bool:
    return key.startswith(("build-arg:", "label:"))


def _end(definition: Definition) -> list[Vertex]:
    """The op without content that ends a graph in LLB: it names the output."""
    from ir_schema.definition import Vertex
    from ir_schema.ops import Op

    return [Vertex.of(Op((definition.output,)))] if definition.output else []


def _steps(vertices: Sequence[Vertex], steps: Mapping[str, str]) -> list[dict[str, Any]]:
    from .opjson import op_json

    found = []
    for vertex in vertices:
        inputs = [f"{steps[each.digest]}:{each.index}" for each in vertex.op.inputs]
        more = {"inputs": inputs} if inputs else {}
        found.append({"id": steps[vertex.digest], "op": op_json(vertex.op, redact), **more})
    return found


def _source(definition: Definition, steps: Mapping[str, str]) -> dict[str, Any]:
    """Where in which file each step stands."""
    import base64

    source = definition.source
    if source is None or not source.infos:
        return {}
    infos = [
        {
            "filename": info.filename,
            **({"language": info.language} if info.language else {}),
            "data": base64.b64encode(redact(info.data.decode("latin-1")).encode("latin-1")).decode(),
        }
        for info in source.infos
    ]
    locations = {
        steps[digest]: {"locations": [_location(each) for each in found.locations]}
        for digest, found in source.locations.items()
        if digest in steps and found.locations
    }
    return {"source": {"locations": locations, "infos": infos}}


def _location(found: Any) -> dict[str, Any]:  # noqa: ANN401 - ir_schema.ops.Location
    ranges = [{"start": {"line": each.start.line}, "end": {"line": each.end.line}} for each in found.ranges if each.start and each.end]
    return {**({"sourceIndex": found.source_index} if found.source_index else {}), "ranges": ranges}


def _architecture() -> str:
    from dockerfile_frontend.executor.architectures import NATIVE

    return NATIVE.get(os.uname().machine, "")
