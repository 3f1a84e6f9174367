"""Unary gRPC calls over two pipes: the frontend's side of the connection to BuildKit.

    channel = Channel(0, 1)
    channel.call("/moby.buildkit.v1.frontend.LLBBridge/Ping", b"")  ──▶  the response's bytes

HTTP/2 is h2's; here are the framing of messages, statuses, and who waits for what. Calls may be made from several threads at once.
One thread reads. Whoever has something to send writes it, unless somebody is writing: then that one writes it, too, so that
reading never waits for a slow writer. Anything but an orderly answer ends the connection: every call, waiting or to come,
raises the same ChannelError.
"""

from __future__ import annotations

import os
import threading
from base64 import b64decode
from time import monotonic
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from dockerfile_frontend.gateway.messages import Status
from dockerfile_frontend.gateway.status import DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, ChannelError, RpcError
from ir_schema.errors import FormatError
from ir_schema.llb_reader import decode_record

if TYPE_CHECKING:
    from h2.events import Event

    Header = tuple[bytes, bytes]

MAX_MESSAGE = 64 << 20
"""Bytes of a response. BuildKit's own limit is 16 MiB."""
MAX_HEADERS = 16 << 20
"""Bytes of headers: a status may carry a whole Dockerfile. As gRPC's own client has it."""
WINDOW = 4 << 20
"""Bytes that the daemon may send before it is told to go on."""
PIECE = 1 << 18
"""Bytes read at once, and in one frame."""
_ENDED = "the daemon ended the connection"
_TYPE, _SETTINGS = 3, b"\4"
"""Where a frame says what it is, and what the first one is."""
PREFIX = 5
"""Bytes in front of a message: whether it is compressed, and its length."""


class _Call:
    """One call under way."""

    __slots__ = ("body", "done", "error", "headers")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()
        self.done = False
        self.error = ""
        """Why there is no answer, if there is none."""


class Channel:
    """A connection to the daemon."""

    def __init__(self, source: int, sink: int) -> None:
        """`source` and `sink` are file descriptors; they stay open when the channel ends."""
        self._source, self._sink = source, sink
        self._state = threading.Condition()
        """Guards all below; whoever waits is woken when anything changed."""
        self._calls: dict[int, _Call] = {}
        self._outbound = bytearray()
        self._failure = ""
        self._writing = threading.Lock()
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._http.local_settings = Settings(client=True, initial_values=_OUR_SETTINGS)
        self._http.decoder.max_header_list_size = MAX_HEADERS
        self._http.max_inbound_frame_size = PIECE  # h2 takes what is set from the start for not yet agreed
        self._http.initiate_connection()
        self._http.increment_flow_control_window(WINDOW)
        self._send()
        threading.Thread(target=self._read, name="gateway reader", daemon=True).start()

    def call(self, method: str, request: bytes, *, timeout: float | None = None) -> bytes:
        """One request, one response. `timeout` in seconds. Raises RpcError and ChannelError."""
        until = None if timeout is None else monotonic() + timeout
        stream = None
        try:
            stream, call = self._begin(_headers(method, timeout), until)
            self._send_message(stream, call, request, until)
            with self._state:
                while not call.done:
                    self._wait(until)
        except TimeoutError:
            self._cancel(stream)
            raise RpcError(Status(DEADLINE_EXCEEDED, f"no answer in {timeout:g} seconds")) from None
        finally:
            with self._state:
                self._calls.pop(stream or 0, None)
        if call.error:
            raise ChannelError(call.error)
        return _answer(call)

    def _begin(self, headers: list[tuple[str, str]], until: float | None) -> tuple[int, _Call]:
        """Open a stream, when the daemon takes one more."""
        with self._state:
            while not self._failure and self._http.open_outbound_streams >= self._most_streams():
                self._wait(until)
            if self._failure:
                raise ChannelError(self._failure)
            stream = self._http.get_next_available_stream_id()
            call = self._calls[stream] = _Call()
            self._http.send_headers(stream, headers)
            self._collect()
        self._flush()
        return stream, call

    def _most_streams(self) -> int:
        return self._http.remote_settings.max_concurrent_streams

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        with self._state:
            if not self._failure:
                self._failure = "the connection is closed"
                self._http.close_connection()
                self._collect()
        self._flush()

    def _wait(self, until: float | None) -> None:
        """For a change; the state's lock is held. Raises TimeoutError."""
        left = None if until is None else until - monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._state.wait(left)

    def _send_message(self, stream: int, call: _Call, request: bytes, until: float | None) -> None:
        """As much at a time as the daemon takes."""
        rest = memoryview(b"\0" + len(request).to_bytes(PREFIX - 1, "big") + request)
        while True:
            with self._state:
                room = 0
                while not call.done and not room:
                    room = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size)
                    if room <= 0:
                        room = 0
                        self._wait(until)
                if call.done:  # answered before it was asked in full: an error
                    return
                last = len(rest) <= room
                self._http.send_data(stream, rest[:room].tobytes(), end_stream=last)
                self._collect()
                rest = rest[room:]
            self._flush()
            if last:
                return

    def _cancel(self, stream: int | None) -> None:
        with self._state:
            if stream is not None and not self._failure:
                self._reset(stream, ErrorCodes.CANCEL)
                self._collect()
        self._flush()

    def _reset(self, stream: int, code: ErrorCodes) -> None:
        try:
            self._http.reset_stream(stream, code)
        except H2Error:
            return  # it ended by itself

    def _send(self) -> None:
        with self._state:
            self._collect()
        self._flush()

    def _collect(self) -> None:
        """What h2 wants to send goes in order into what is written; the state's lock is held."""
        self._outbound += self._http.data_to_send()

    def _flush(self) -> None:
        """Write what there is, unless somebody is at it: then that one does."""
        while self._outbound and self._writing.acquire(blocking=False):
            try:
                with self._state:
                    data, self._outbound = self._outbound, bytearray()
                _write_all(self._sink, data)
            except BrokenPipeError:
                self._fail(_ENDED)
                return
            except OSError as error:
                self._fail(f"the daemon does not listen any more: {error.strerror}")
                return
            finally:
                self._writing.release()

    def _read(self) -> None:
        """The reading thread."""
        try:
            checked = False
            while data := os.read(self._source, PIECE):
                if not checked and data[_TYPE : _TYPE + 1] not in (b"", _SETTINGS):
                    raise ValueError("it begins with something else")  # noqa: TRY301  h2 would wait for the rest of a frame
                checked = True
                with self._state:
                    for event in self._http.receive_data(data):
                        self._take(event)
                    self._collect()
                    self._state.notify_all()
                self._flush()
        except OSError as error:
            self._fail(f"the connection to the daemon is broken: {error.strerror}")
        except (H2Error, ValueError) as error:
            self._fail(f"the daemon does not speak HTTP/2 as expected: {str(error) or type(error).__name__}")
        else:
            self._fail(_ENDED)

    def _take(self, event: Event) -> None:
        """The state's lock is held."""
        if isinstance(event, ConnectionTerminated):
            self._fail(_ENDED + _reason(event.error_code))
            return
        stream = getattr(event, "stream_id", None)
        if isinstance(event, DataReceived):
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        call = self._calls.get(stream) if stream is not None else None
        if call is None or call.done:
            return
        match event:
            case ResponseReceived() | TrailersReceived():
                call.headers |= dict(event.headers)
            case DataReceived():
                call.body += event.data
                if len(call.body) > MAX_MESSAGE:
                    call.error, call.done = f"a response of more than {MAX_MESSAGE >> 20} MiB", True
                    self._reset(event.stream_id, ErrorCodes.CANCEL)
            case StreamReset():
                call.error, call.done = "the daemon broke off the call" + _reason(event.error_code), True
            case StreamEnded():
                call.done = True
            case _:
                pass

    def _fail(self, reason: str) -> None:
        with self._state:
            self._failure = self._failure or reason
            for call in self._calls.values():
                if not call.done:
                    call.done, call.error = True, self._failure
            self._state.notify_all()


_OUR_SETTINGS = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
    SettingCodes.MAX_FRAME_SIZE: PIECE,
    SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADERS,
}


def _headers(method: str, timeout: float | None) -> list[tuple[str, str]]:
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("user-agent", "dockerfile-frontend"),
        ("te", "trailers"),
    ]
    return headers if timeout is None else [*headers, ("grpc-timeout", f"{int(timeout * 1000)}m")]


def _answer(call: _Call) -> bytes:
    """The message of a call that ended in order. Raises RpcError and ChannelError."""
    status = _status(call.headers)
    if status.code:
        raise RpcError(status)
    head, message = call.body[:PREFIX], bytes(call.body[PREFIX:])
    if len(head) < PREFIX or int.from_bytes(head[1:], "big") != len(message):
        raise ChannelError("the daemon's answer is cut off")
    if head[0]:
        raise ChannelError("the daemon's answer is compressed, which nobody asked for")
    return message


def _status(headers: dict[bytes, bytes]) -> Status:
    """The status that an answer ends with. gRPC over HTTP/2, "Responses"."""
    code = headers.get(b"grpc-status", b"")
    if not code.isdigit():
        http = headers.get(b":status", b"?").decode("latin-1")
        return Status(INTERNAL if http == "200" else UNKNOWN, f"the daemon's answer has no status (HTTP {http})")
    details = headers.get(b"grpc-status-details-bin")
    if details is not None:
        try:
            found = decode_record(Status, b64decode(details + b"=" * (-len(details) % 4)))
        except (FormatError, ValueError):
            found = None
        if found is not None and found.code == int(code):
            return found
    return Status(int(code), _unquoted(headers.get(b"grpc-message", b"")))


def _unquoted(message: bytes) -> str:
    if b"%" in message:
        from urllib.parse import unquote_to_bytes  # noqa: PLC0415  3 ms, for a few messages

        message = unquote_to_bytes(message)
    return message.decode("utf-8", "replace")


def _reason(code: int | None) -> str:
    if not code:
        return ""
    try:
        return f" ({ErrorCodes(code).name})"
    except ValueError:
        return f" (HTTP/2 error {code})"


def _write_all(sink: int, data: bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
