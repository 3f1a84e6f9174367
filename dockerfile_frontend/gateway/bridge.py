"""LLBBridge, typed: what a frontend can ask of the daemon that runs it.

    bridge = Bridge(channel, environment)            asks what the daemon can do
    solved = bridge.solve(definition)                ──▶  Solved(ref=Ref("…"))
    bridge.read_file(solved.only(), "Dockerfile")    ──▶  b"FROM …"
    bridge.return_result(Result(ref=solved.ref))

Older daemons lack some of it: what `capable` says no to is asked another way, as the reference's client does it, or refused. All
methods raise RpcError and ChannelError, and may be called from several threads at once.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar

from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.caps import DEFAULT_CAPS, DEFAULT_LLB_CAPS, LLB_CAPS
from dockerfile_frontend.gateway.status import UNKNOWN, RpcError
from ir_schema.errors import FormatError
from ir_schema.llb import encode_llb, encode_record
from ir_schema.llb_reader import decode_llb, decode_record
from ir_schema.ops import Copy, FileOp
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockerfile_frontend.gateway.channel import Channel
    from ir_schema.definition import Definition

Answer = TypeVar("Answer", bound=Record)

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_PATIENCE = 15.0
"""Seconds that the daemon may take to say it is there, or to hear of an error."""


_COPY_CAPS = {
    "exclude_patterns": "file.copy.includeexcludepatterns",
    "include_patterns": "file.copy.includeexcludepatterns",
}
"""Options that a daemon without the capability would leave out without a word. The reference means to say so in the metadata of
its ops, and does not, because it looks before they are there. No daemon announces the others of this kind."""


def _copies(definition: Definition) -> Iterator[Copy]:
    for vertex in definition.vertices.values():
        if isinstance(vertex.op.body, FileOp):
            yield from (step.action for step in vertex.op.body.actions if isinstance(step.action, Copy))


class Solved(Record):
    """What a request to solve gave."""

    ref: m.Ref | None = None
    refs: Mapping[str, m.Ref] = field(default_factory=dict)
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    attestations: Mapping[str, m.Attestations] = field(default_factory=dict)

    def only(self) -> m.Ref:
        """The one result; without an id it is an empty file system. Raises RpcError if there are several."""
        if self.refs:
            raise RpcError(m.Status(UNKNOWN, "failed to get single ref: multiple refs returned"))
        return self.ref or m.Ref()


class Bridge:
    """The daemon, as the frontend sees it."""

    def __init__(self, channel: Channel, options: Mapping[str, str] | None = None) -> None:
        """`options` are the frontend's own: some go on with every request that is handed to another frontend."""
        self._channel = channel
        self._options = dict(options or {})
        self._solved: dict[str, m.SolveRequest] = {}
        pong = self._ask("Ping", m.Empty(), m.Pong, timeout=_PATIENCE)
        self.workers = pong.workers
        self._caps = {cap.id: cap for cap in pong.frontend_caps or DEFAULT_CAPS}
        self._llb_caps = {cap.id: cap for cap in pong.llb_caps or DEFAULT_LLB_CAPS}

    def capable(self, capability: str) -> bool:
        """Whether the daemon has a capability of LLBBridge."""
        found = self._caps.get(capability)
        return found is not None and found.enabled

    def unsupported(self) -> frozenset[str]:
        """Capabilities of graphs that the daemon lacks, of those this version knows."""
        return frozenset(name for name in LLB_CAPS if not self._has_llb(name))

    def _has_llb(self, name: str) -> bool:
        found = self._llb_caps.get(name)
        return found is not None and found.enabled

    def solve(self, definition: Definition, *, caches: Sequence[m.CacheEntry] = (), evaluate: bool = False) -> Solved:
        """A result for a graph; it is made when it is needed, or now with `evaluate`."""
        self._check_caps(definition)
        request = m.SolveRequest(encode_llb(definition), cache_imports=tuple(caches))
        direct = evaluate and self.capable("gateway.solve.evaluate")
        found = self._solve(replace(request, evaluate=direct))
        if evaluate and not direct:
            for ref in [found.ref, *found.refs.values()]:
                if ref is not None:
                    self.stat_file(ref, ".")
        return found

    def forward(self, frontend: str, options: Mapping[str, str], inputs: Mapping[str, bytes]) -> Solved:
        """What another frontend makes of a request."""
        return self._solve(m.SolveRequest(frontend=frontend, options=options, inputs=inputs))

    def _solve(self, request: m.SolveRequest) -> Solved:
        kept = {key: text for key, text in self._options.items() if key in ("cache-imports", "cache-from")}
        request = replace(request, options={**kept, **request.options}, result_return=True, array_ref=True)
        if not self.capable("return"):
            request = replace(request, exporter_attr=b"{}")
        response = self._ask("Solve", request, m.SolveResponse)
        result = response.result
        if result is None:
            if response.ref:
                self._solved[response.ref] = request
            return Solved(m.Ref(response.ref))
        refs = dict(result.refs.refs) if result.refs is not None else {}
        if result.old_refs is not None:
            refs = {name: m.Ref(id_) for name, id_ in result.old_refs.refs.items()}
        ref = m.Ref(result.old_ref) if result.old_ref else result.ref
        return Solved(ref, refs, result.metadata, result.attestations)

    def _check_caps(self, definition: Definition) -> None:
        """A graph that the daemon would not take, or not understand, is refused in words that say why."""
        for metadata in definition.metadata.values():
            for name in metadata.caps:
                self._check_cap(name)
        if not all(map(self._has_llb, _COPY_CAPS.values())):
            for copy in _copies(definition):
                for option, name in _COPY_CAPS.items():
                    if getattr(copy, option):
                        self._check_cap(name)

    def _check_cap(self, name: str) -> None:
        if not self._has_llb(name):
            raise RpcError(m.Status(UNKNOWN, self._lacking(name)))

    def _lacking(self, name: str) -> str:
        found = self._llb_caps.get(name)
        if found is None:
            return f"requested feature {name}  is not supported by build server, please update "
        reason = f": {found.reason}" if found.reason else ""
        return f"requested feature {name}  has been disabled on the build server{reason}"

    def read_file(self, ref: m.Ref, path: str, length: int | None = None) -> bytes:
        """A file's content, or its first `length` bytes."""
        part = None if length is None else m.FileRange(0, length)
        return self._ask("ReadFile", m.ReadFileRequest(ref.id, path, part), m.ReadFileResponse).data

    def stat_file(self, ref: m.Ref, path: str) -> m.Stat:
        return self._ask("StatFile", m.StatFileRequest(ref.id, path), m.StatFileResponse).stat or m.Stat()

    def evaluate(self, ref: m.Ref) -> None:
        """Make a result now."""
        self._ask("Evaluate", m.EvaluateRequest(ref.id), m.Empty)

    def resolve_image_config(self, request: m.ResolveImageConfigRequest) -> m.ResolveImageConfigResponse:
        return self._ask("ResolveImageConfig", request, m.ResolveImageConfigResponse)

    def resolve_source_meta(self, request: m.ResolveSourceMetaRequest) -> m.ResolveSourceMetaResponse:
        return self._ask("ResolveSourceMeta", request, m.ResolveSourceMetaResponse)

    def inputs(self) -> dict[str, Definition]:
        """Graphs that the client gave. Raises FormatError for one that is none."""
        return {name: decode_llb(data) for name, data in self.raw_inputs().items()}

    def raw_inputs(self) -> Mapping[str, bytes]:
        """The same, as they came; none of a daemon that knows no inputs."""
        if not self.capable("frontend.inputs"):
            return {}
        return self._ask("Inputs", m.Empty(), m.InputsResponse).definitions

    def warn(self, request: m.WarnRequest) -> None:
        """Tell whoever watches the build, if the daemon can."""
        if self.capable("gateway.warnings"):
            self._ask("Warn", request, m.Empty)

    def return_result(self, result: Solved) -> None:
        """The end. Of a daemon without Return, the result's graph is solved once more and said to be final."""
        if len(result.refs) > 1 and not self.capable("returnmap"):
            raise RpcError(
                m.Status(UNKNOWN, "requested feature returnmap  is not supported by build server, please update ")
            )
        if self.capable("return"):
            self._ask("Return", m.ReturnRequest(self._message(result)), m.Empty)
        else:
            self._finish(result)

    def return_error(self, status: m.Status) -> None:
        """The end. A daemon without Return is told by how the process ends."""
        if self.capable("return"):
            self._ask("Return", m.ReturnRequest(error=status), m.Empty, timeout=_PATIENCE)

    def _message(self, result: Solved) -> m.Result:
        made = m.Result(metadata=result.metadata, attestations=result.attestations)
        ref = result.ref or m.Ref()
        if self.capable("proto.refarray"):
            return replace(made, refs=m.RefMap(result.refs)) if result.refs else replace(made, ref=ref)
        if result.refs:
            return replace(made, old_refs=m.OldRefMap({name: r.id for name, r in result.refs.items()}))
        return replace(made, old_ref=ref.id)

    def _finish(self, result: Solved) -> None:
        import json  # noqa: PLC0415  daemons of 2018
        from base64 import b64encode  # noqa: PLC0415

        attributes = {key: b64encode(value).decode() for key, value in result.metadata.items()}
        ref = result.ref.id if result.ref is not None else ""
        request = self._solved.get(ref, m.SolveRequest())
        final = replace(request, final=True, exporter_attr=json.dumps(attributes).encode())
        self._ask("Solve", final, m.SolveResponse)

    def _ask(self, method: str, request: Record, answer: type[Answer], *, timeout: float | None = None) -> Answer:
        data = self._channel.call(_SERVICE + method, encode_record(request), timeout=timeout)
        try:
            return decode_record(answer, data)
        except FormatError as error:
            message = f"the daemon's answer to {method} is not understood: {error}"
            raise RpcError(m.Status(UNKNOWN, message)) from None
