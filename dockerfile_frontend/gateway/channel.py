"""Unary gRPC calls over two pipes: the frontend's side of the connection to BuildKit.

    channel = Channel(0, 1)
    channel.call("/moby.buildkit.v1.frontend.LLBBridge/Ping", b"")  ──▶  the response's bytes

HTTP/2 is `http2.py`'s; here are the framing of messages, statuses, and who waits for what. Calls may be made from several threads at once.
One thread reads. Whoever has something to send writes it, unless somebody is writing: then that one writes it, too, so that
reading never waits for a slow writer. Anything but an orderly answer ends the connection: every call, waiting or to come,
raises the same ChannelError.
"""

from __future__ import annotations

import os
import threading
from base64 import b64decode
from time import monotonic

from dockerfile_frontend.gateway.http2 import PIECE, Connection, Stream
from dockerfile_frontend.gateway.messages import Status
from dockerfile_frontend.gateway.status import DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, ChannelError, RpcError
from ir_schema.errors import FormatError
from ir_schema.llb_reader import decode_record

_ENDED = "the daemon ended the connection"
PREFIX = 5
"""Bytes in front of a message: whether it is compressed, and its length."""


class Channel:
    """A connection to the daemon."""

    def __init__(self, source: int, sink: int) -> None:
        """`source` and `sink` are file descriptors; they stay open when the channel ends."""
        self._source, self._sink = source, sink
        self._state = threading.Condition()
        """Guards all below; whoever waits is woken when anything changed."""
        self._http = Connection()
        self._calls: set[Stream] = set()
        self._failure = ""
        self._writing = threading.Lock()
        self._flush()
        threading.Thread(target=self._read, name="gateway reader", daemon=True).start()

    def call(self, method: str, request: bytes, *, timeout: float | None = None) -> bytes:
        """One request, one response. `timeout` in seconds. Raises RpcError and ChannelError."""
        until = None if timeout is None else monotonic() + timeout
        call = None
        try:
            call = self._begin(_headers(method, timeout), until)
            self._send_message(call, request, until)
            with self._state:
                while not call.done:
                    self._wait(until)
        except TimeoutError:
            if call is not None:
                self._cancel(call)
            raise RpcError(Status(DEADLINE_EXCEEDED, f"no answer in {timeout:g} seconds")) from None
        finally:
            with self._state:
                self._calls.discard(call)
        if call.error:
            raise ChannelError(call.error)
        return _answer(call)

    def _begin(self, headers: list[tuple[str, str]], until: float | None) -> Stream:
        """Open a stream, when the daemon takes one more."""
        with self._state:
            while not self._failure and self._http.busy:
                self._wait(until)
            if self._failure:
                raise ChannelError(self._failure)
            call = self._http.begin(headers)
            self._calls.add(call)
        self._flush()
        return call

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        with self._state:
            if not self._failure:
                self._failure = "the connection is closed"
                self._http.close()
        self._flush()

    def _wait(self, until: float | None) -> None:
        """For a change; the state's lock is held. Raises TimeoutError."""
        left = None if until is None else until - monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._state.wait(left)

    def _send_message(self, call: Stream, request: bytes, until: float | None) -> None:
        """As much at a time as the daemon takes."""
        rest = memoryview(b"\0" + len(request).to_bytes(PREFIX - 1, "big") + request)
        while True:
            with self._state:
                while not call.done and not (room := self._http.room(call)):
                    self._wait(until)
                if call.done:  # answered before it was asked in full: an error
                    return
                last = len(rest) <= room
                self._http.send_data(call, rest[:room], last=last)
                rest = rest[room:]
            self._flush()
            if last:
                return

    def _cancel(self, call: Stream) -> None:
        with self._state:
            if not self._failure:
                self._http.cancel(call)
        self._flush()

    def _flush(self) -> None:
        """Write what there is, unless somebody is at it: then that one does."""
        while self._http.outbound and self._writing.acquire(blocking=False):
            try:
                with self._state:
                    data, self._http.outbound = self._http.outbound, bytearray()
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
            while data := os.read(self._source, PIECE):
                with self._state:
                    self._http.receive(data)
                    if self._http.ended:
                        self._fail(self._http.ended)
                    self._state.notify_all()
                self._flush()
        except OSError as error:
            self._fail(f"the connection to the daemon is broken: {error.strerror}")
        except ValueError as error:
            self._fail(f"the daemon does not speak HTTP/2 as expected: {error}")
        else:
            self._fail(_ENDED)

    def _fail(self, reason: str) -> None:
        with self._state:
            self._failure = self._failure or reason
            for call in self._calls:
                if not call.done:
                    call.done, call.error = True, self._failure
            self._state.notify_all()


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


def _answer(call: Stream) -> bytes:
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


def _write_all(sink: int, data: bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
