"""A BuildKit in memory: local folders, images by reference, and a record of all that it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.bridge import Bridge, Solved
from dockerfile_frontend.gateway.caps import LLB_CAPS
from dockerfile_frontend.gateway.options import Call
from dockerfile_frontend.gateway.process import serve
from ir_schema.definition import Definition
from ir_schema.llb_reader import decode_llb
from ir_schema.ops import Platform, SourceOp
from tests.gateway.daemon import Answer, Daemon

CAPS = (
    "frontend.inputs", "gateway.solve.evaluate", "gateway.warnings", "proto.refarray", "readfile", "return", "returnmap",
    "solve.base", "source.metaresolver", "statfile",
)  # fmt: skip
_ANSWERED = (
    "Ping", "Inputs", "Solve", "ReadFile", "StatFile", "ResolveImageConfig", "ResolveSourceMeta", "Warn", "Return",
)  # fmt: skip
_METHODS = {"Inputs": "inputs_", "Return": "return_"}
DIGEST = f"sha256:{'1' * 64}"
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]}, "rootfs": {}}).encode()


@dataclass
class FakeBuildKit:
    """What it holds, and what was asked of it."""

    folders: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    images: Mapping[str, bytes] = field(default_factory=lambda: {"docker.io/library/alpine:latest": CONFIG})
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    caps: tuple[str, ...] = CAPS
    llb_caps: tuple[str, ...] = LLB_CAPS
    answer: Callable[[Bridge, Call], Solved] | None = None
    """What answers in place of the Dockerfile's frontend."""
    override: Mapping[str, Callable[..., Answer]] = field(default_factory=dict)
    solved: list[m.SolveRequest] = field(default_factory=list)
    warnings: list[m.WarnRequest] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    returned: list[m.ReturnRequest] = field(default_factory=list)

    def run(self, **options: str) -> int:
        """Start the frontend as BuildKit does; options with _ for - and : spelled by `run_with`."""
        return self.run_with(options)

    def run_with(self, options: Mapping[str, str]) -> int:
        environment = {f"BUILDKIT_FRONTEND_OPT_{n}": f"{k}={v}" for n, (k, v) in enumerate(options.items())}
        environment["BUILDKIT_SESSION_ID"] = "session1"
        environment["BUILDKIT_WORKERS"] = '[{"ID":"w","Platforms":[{"architecture":"amd64","os":"linux"}]}]'
        with Daemon(self.handlers()) as daemon:
            return serve(daemon.source, daemon.sink, environment, self.answer)

    def handlers(self) -> dict[str, Any]:
        """What it answers with, by method."""
        return {name: self.override.get(name, getattr(self, _METHODS.get(name, name.lower()))) for name in _ANSWERED}

    @property
    def result(self) -> m.Result:
        (request,) = self.returned
        assert request.error is None, request.error
        assert request.result is not None
        return request.result

    @property
    def error(self) -> m.Status:
        (request,) = self.returned
        assert request.error is not None
        return request.error

    def definitions(self) -> list[Definition]:
        return [decode_llb(request.definition) for request in self.solved if not request.frontend]

    def ping(self, _request: m.Empty) -> m.Pong:
        caps = tuple(m.Cap(name, enabled=True) for name in self.caps)
        llb_caps = tuple(m.Cap(name, enabled=True) for name in self.llb_caps)
        return m.Pong(caps, llb_caps, (m.Worker("w", (Platform("amd64", "linux"),)),))

    def inputs_(self, _request: m.Empty) -> m.InputsResponse:
        return m.InputsResponse(self.inputs)

    def solve(self, request: m.SolveRequest) -> Answer:
        self.solved.append(request)
        if not request.frontend:
            source = source_of(decode_llb(request.definition))
            if source.startswith("local://") and source.removeprefix("local://") not in self.folders:
                return m.Status(2, f"no local sources enabled for {source}")
        return m.SolveResponse(result=m.Result(ref=m.Ref(f"ref{len(self.solved) - 1}")))

    def readfile(self, request: m.ReadFileRequest) -> Answer:
        solved = self.solved[int(request.ref.removeprefix("ref"))]
        files = self.folders.get(source_of(decode_llb(solved.definition)).removeprefix("local://"), {})
        if request.path not in files:
            return m.Status(2, f"open {request.path}: no such file or directory")
        return m.ReadFileResponse(files[request.path])

    def statfile(self, request: m.StatFileRequest) -> Answer:
        self.asked.append(f"stat {request.ref} {request.path}")
        return m.StatFileResponse(m.Stat("."))

    def resolveimageconfig(self, request: m.ResolveImageConfigRequest) -> Answer:
        self.asked.append(f"config {request.ref}")
        if request.ref not in self.images:
            return m.Status(5, f"{request.ref}: not found")
        return m.ResolveImageConfigResponse(DIGEST, self.images[request.ref], "")

    def resolvesourcemeta(self, request: m.ResolveSourceMetaRequest) -> Answer:
        assert request.source is not None
        self.asked.append(f"meta {request.source.identifier}")
        ref = request.source.identifier.removeprefix("docker-image://")
        if ref not in self.images:
            return m.Status(5, f"{ref}: not found")
        return m.ResolveSourceMetaResponse(request.source, m.ImageAnswer(DIGEST, self.images[ref]))

    def warn(self, request: m.WarnRequest) -> m.Empty:
        self.warnings.append(request)
        return m.Empty()

    def return_(self, request: m.ReturnRequest) -> m.Empty:
        self.returned.append(request)
        return m.Empty()


def source_of(definition: Definition) -> str:
    """Identifier of the only source of a graph; empty for other graphs."""
    found = [vertex.op.body for vertex in definition.vertices.values()]
    return found[0].identifier if len(found) == 1 and isinstance(found[0], SourceOp) else ""
