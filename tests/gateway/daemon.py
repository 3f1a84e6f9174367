"""The other side of the connection, for tests: LLBBridge served over two pipes, one thread, all in memory.

    with Daemon({"Ping": lambda _: Pong()}) as daemon:
        Channel(daemon.source, daemon.sink).call(…)

An answer is a message, a Status (an error), or one of the odd ones below.
"""

from __future__ import annotations

import os
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from dockerfile_frontend.gateway import messages as m
from ir_schema.llb import encode_record
from ir_schema.llb_reader import decode_record
from ir_schema.record import Record

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
REQUESTS: Mapping[str, type[Record]] = {
    "Ping": m.Empty,
    "Inputs": m.Empty,
    "Solve": m.SolveRequest,
    "ReadFile": m.ReadFileRequest,
    "StatFile": m.StatFileRequest,
    "Evaluate": m.EvaluateRequest,
    "ResolveImageConfig": m.ResolveImageConfigRequest,
    "ResolveSourceMeta": m.ResolveSourceMetaRequest,
    "Warn": m.WarnRequest,
    "Return": m.ReturnRequest,
}


@dataclass(frozen=True)
class Raw:
    """Whatever a test wants on the wire."""

    headers: tuple[tuple[str, str], ...] = ((":status", "200"), ("content-type", "application/grpc"))
    body: bytes = b""
    trailers: tuple[tuple[str, str], ...] = (("grpc-status", "0"),)


class Reset:
    """Break off the call."""


class Goaway:
    """End the connection in order."""


class Hangup:
    """End it without a word."""


class Silence:
    """No answer at all."""


Answer = Record | Raw | Reset | Goaway | Hangup | Silence
Handler = Callable[[Record], Answer]


@dataclass
class _Stream:
    method: str
    request: bytearray = field(default_factory=bytearray)
    pending: bytes = b""
    trailers: tuple[tuple[str, str], ...] = ()


class Daemon:
    """Answers until the connection ends."""

    def __init__(
        self, handlers: Mapping[str, Callable[..., Answer]], *, window: int = 65_535, polite: bool = True
    ) -> None:
        """`window` is how many bytes it takes at once; one that is not polite speaks something else than HTTP/2."""
        self.source, self._out = os.pipe()
        self._in, self.sink = os.pipe()
        self._handlers = handlers
        self._polite = polite
        self._streams: dict[int, _Stream] = {}
        self.resets: list[int] = []
        """Streams that the frontend gave up."""
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._http.local_settings = Settings(
            client=False, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.MAX_FRAME_SIZE: 16_384}
        )
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.sink)
        self._thread.join(60)
        wait_for_readers()
        os.close(self.source)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            if not self._polite:
                os.write(self._out, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self._http.initiate_connection()
            self._send()
            while data := os.read(self._in, 1 << 16):
                for event in self._http.receive_data(data):
                    if not self._take(event):
                        return
                self._send()
        except (OSError, H2Error):
            return
        finally:
            os.close(self._in)
            os.close(self._out)

    def _send(self) -> None:
        data = self._http.data_to_send()
        while data:
            data = data[os.write(self._out, data) :]

    def _take(self, event: object) -> bool:
        match event:
            case RequestReceived():
                path = dict(event.headers)[b":path"].decode()
                self._streams[event.stream_id] = _Stream(path.removeprefix(SERVICE))
            case DataReceived():
                self._streams[event.stream_id].request += event.data
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                return self._answer(event.stream_id)
            case StreamReset():
                self.resets.append(event.stream_id)
                self._streams.pop(event.stream_id, None)
            case WindowUpdated():
                for stream in list(self._streams):
                    self._pump(stream)
            case _:
                pass
        return True

    def _answer(self, stream: int) -> bool:
        call = self._streams[stream]
        assert int.from_bytes(call.request[1:5], "big") == len(call.request) - 5
        request = decode_record(REQUESTS[call.method], bytes(call.request[5:]))
        match self._handlers[call.method](request):
            case Reset():
                self._http.reset_stream(stream, 2)
            case Goaway():
                self._http.close_connection()
                self._send()
                return False
            case Hangup():
                return False
            case Silence():
                pass
            case m.Status() as status:
                self._begin(stream, Raw(trailers=tuple(error_trailers(status))))
            case Raw() as raw:
                self._begin(stream, raw)
            case answer:
                message = encode_record(answer)
                self._begin(stream, Raw(body=b"\0" + len(message).to_bytes(4, "big") + message))
        return True

    def _begin(self, stream: int, raw: Raw) -> None:
        call = self._streams[stream]
        ends = not raw.body and not raw.trailers
        self._http.send_headers(stream, list(raw.headers), end_stream=ends)
        call.pending, call.trailers = raw.body, raw.trailers
        if not ends:
            self._pump(stream)

    def _pump(self, stream: int) -> None:
        """Send what the window has room for, and the trailers behind the last of it."""
        call = self._streams[stream]
        if not call.trailers:
            return
        while call.pending:
            room = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size)
            if room <= 0:
                return
            self._http.send_data(stream, call.pending[:room])
            call.pending = call.pending[room:]
        self._http.send_headers(stream, list(call.trailers), end_stream=True)
        del self._streams[stream]


def error_trailers(status: m.Status) -> list[tuple[str, str]]:
    details = b64encode(encode_record(status)).decode().rstrip("=")
    return [
        ("grpc-status", str(status.code)),
        ("grpc-message", quote(status.message)),
        ("grpc-status-details-bin", details),
    ]


def wait_for_readers() -> None:
    """Until no channel reads any more: it must not read what is opened next under its descriptor's number."""
    for thread in threading.enumerate():
        if thread.name == "gateway reader":
            thread.join(60)
