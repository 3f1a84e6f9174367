"""The client's end of an HTTP/2 connection, without reading or writing (RFC 9113): bytes in, answers and bytes to send out.

    connection = Connection()
    stream = connection.begin(headers)             connection.outbound  ──▶  preface, settings, the request's headers
    connection.send_data(stream, b"…", last=True)
    connection.receive(data)                       stream.headers, stream.body, stream.done

A library would be the better choice if it did not cost every build: importing h2 takes longer than starting Python. What a gRPC
client does not need is left out: there is no push, no priority, and no compression of what is sent. Nothing here waits, and nothing
is safe in threads. Once `receive` has raised an error, the connection is of no use.
"""

from __future__ import annotations

from dockerfile_frontend.gateway.hpack import decode_headers, encode_headers

MAX_MESSAGE = 64 << 20
"""Bytes of a response. BuildKit's own limit is 16 MiB."""
MAX_HEADERS = 16 << 20
"""Bytes of headers: a status may carry a whole Dockerfile. As gRPC's own client has it."""
WINDOW = 4 << 20
"""Bytes that the daemon may send before it is told to go on."""
PIECE = 1 << 18
"""Bytes in one frame."""

HEAD = 9
"""Bytes in front of a frame's content: its length, kind, flags and stream."""
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
"""Kinds of frames."""
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
"""Flags, which mean what they mean on some kinds."""
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)
"""Settings."""
CANCEL = 8
ERRORS = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
    "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip
"""Reasons for an end, by their codes."""

_DEFAULT_WINDOW, _DEFAULT_FRAME, _LARGEST = 65_535, 1 << 14, (1 << 31) - 1
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_OURS = {
    HEADER_TABLE_SIZE: 0,
    ENABLE_PUSH: 0,
    INITIAL_WINDOW_SIZE: WINDOW,
    MAX_FRAME_SIZE: PIECE,
    MAX_HEADER_LIST_SIZE: MAX_HEADERS,
}


class Stream:
    """A request and its answer."""

    __slots__ = ("body", "done", "error", "headers", "number", "unread", "window")

    def __init__(self, number: int, window: int) -> None:
        self.number = number
        self.headers: dict[bytes, bytes] = {}
        """Trailers, too."""
        self.body = bytearray()
        self.done = False
        """Whether no more will come."""
        self.error = ""
        """Why there is no answer, if there is none."""
        self.window = window
        """Bytes that may be sent."""
        self.unread = 0
        """Bytes received since the other side was told to go on."""


class Connection:
    """What one end knows."""

    def __init__(self) -> None:
        self.outbound = bytearray(_PREFACE)
        """To be sent, in this order. Whoever sends takes it away."""
        self.ended = ""
        """Why the other side takes no more requests."""
        self.most_streams = _LARGEST
        self._streams: dict[int, Stream] = {}
        """Those under way."""
        self._next = 1
        self._inbound = bytearray()
        self._greeted = False
        self._block = bytearray()
        self._block_of: tuple[int, int] | None = None
        """Stream and flags of headers that go on in the next frame."""
        self._window = _DEFAULT_WINDOW
        self._first_window = _DEFAULT_WINDOW
        self._most_data = _DEFAULT_FRAME
        self._unread = 0
        pairs = (key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in _OURS.items())
        self._send(SETTINGS, 0, 0, b"".join(pairs))
        self._send(WINDOW_UPDATE, 0, 0, (WINDOW - _DEFAULT_WINDOW).to_bytes(4, "big"))

    @property
    def busy(self) -> bool:
        """Whether as many requests are under way as the other side takes."""
        return len(self._streams) >= self.most_streams

    def begin(self, headers: list[tuple[str, str]]) -> Stream:
        """A request."""
        stream = self._streams[self._next] = Stream(self._next, self._first_window)
        self._next += 2
        self._send(HEADERS, END_HEADERS, stream.number, encode_headers(headers))
        return stream

    def room(self, stream: Stream) -> int:
        """Bytes that may be sent now, in one frame; not below 0."""
        return max(0, min(stream.window, self._window, self._most_data))

    def send_data(self, stream: Stream, data: memoryview, *, last: bool) -> None:
        """No more than there is room for."""
        stream.window -= len(data)
        self._window -= len(data)
        self._send(DATA, END_STREAM if last else 0, stream.number, data)

    def cancel(self, stream: Stream) -> None:
        """What comes of it does not matter any more."""
        if not stream.done:
            stream.done = True
            self._send(RST_STREAM, 0, stream.number, CANCEL.to_bytes(4, "big"))
        self._streams.pop(stream.number, None)

    def close(self) -> None:
        """Say goodbye."""
        self._send(GOAWAY, 0, 0, bytes(8))

    def _send(self, kind: int, flags: int, stream: int, content: bytes | memoryview) -> None:
        self.outbound += len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
        self.outbound += content

    def receive(self, data: bytes) -> None:
        """Whatever has come. Raises ValueError for what is no HTTP/2."""
        self._inbound += data
        at = 0
        while len(self._inbound) >= at + HEAD:
            size = int.from_bytes(self._inbound[at : at + 3], "big")
            kind, flags = self._inbound[at + 3], self._inbound[at + 4]
            if not self._greeted and (kind != SETTINGS or flags & ACK):
                raise ValueError("it begins with something else")
            self._greeted = True
            if size > PIECE:
                raise ValueError(f"a frame of {size} bytes")
            end = at + HEAD + size
            if len(self._inbound) < end:
                break
            number = int.from_bytes(self._inbound[at + 5 : at + HEAD], "big") & _LARGEST
            self._take(kind, flags, number, bytes(self._inbound[at + HEAD : end]))
            at = end
        del self._inbound[:at]

    def _take(self, kind: int, flags: int, number: int, content: bytes) -> None:
        """A frame. Those of no kind here are acknowledgements, or of a newer HTTP/2."""
        if self._block_of is not None and (kind != CONTINUATION or number != self._block_of[0]):
            raise ValueError("headers that do not go on")
        if kind in (DATA, HEADERS, RST_STREAM) and (number >= self._next or not number & 1):
            raise ValueError(f"an answer to nothing (stream {number})")
        if kind == DATA:
            self._take_data(flags, number, content)
        elif kind in (HEADERS, CONTINUATION):
            self._take_headers(kind, flags, number, content)
        elif kind == RST_STREAM:
            reason = int.from_bytes(_exactly(content, 4), "big")
            self._end(number, f"the daemon broke off the call{reason_text(reason)}")
        elif kind == SETTINGS and not flags & ACK:
            self._take_settings(content)
        elif kind == PUSH_PROMISE:
            raise ValueError("a push, which was switched off")
        elif kind == PING and not flags & ACK:
            self._send(PING, ACK, 0, _exactly(content, 8))
        elif kind == GOAWAY:
            reason = int.from_bytes(content[4:8], "big")
            self.ended = self.ended or f"the daemon ended the connection{reason_text(reason)}"
        elif kind == WINDOW_UPDATE:
            self._take_room(number, int.from_bytes(_exactly(content, 4), "big") & _LARGEST)

    def _take_data(self, flags: int, number: int, content: bytes) -> None:
        self._unread += len(content)
        if self._unread > WINDOW // 2:
            self._send(WINDOW_UPDATE, 0, 0, self._unread.to_bytes(4, "big"))
            self._unread = 0
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.body += _unpadded(flags, content)
        if len(stream.body) > MAX_MESSAGE:
            stream.error = f"a response of more than {MAX_MESSAGE >> 20} MiB"
            self.cancel(stream)
        elif flags & END_STREAM:
            self._end(number)
        else:
            stream.unread += len(content)
            if stream.unread > WINDOW // 2:
                self._send(WINDOW_UPDATE, 0, number, stream.unread.to_bytes(4, "big"))
                stream.unread = 0

    def _take_headers(self, kind: int, flags: int, number: int, content: bytes) -> None:
        if kind == HEADERS:
            content = _unpadded(flags, content)
            self._block_of = number, flags
            self._block += content[5:] if flags & PRIORITIZED else content
        elif self._block_of is None:
            raise ValueError("headers that did not begin")
        else:
            self._block += content
        if len(self._block) > MAX_HEADERS:
            raise ValueError(f"headers of more than {MAX_HEADERS >> 20} MiB")
        if not flags & END_HEADERS:
            return
        block, (_, first_flags) = bytes(self._block), self._block_of
        self._block, self._block_of = bytearray(), None
        headers = decode_headers(block, MAX_HEADERS)
        stream = self._streams.get(number)
        if stream is None or headers.get(b":status", b"").startswith(b"1"):
            return
        if stream.headers and not first_flags & END_STREAM:
            raise ValueError("trailers behind which something follows")
        stream.headers |= headers
        if first_flags & END_STREAM:
            self._end(number)

    def _end(self, number: int, error: str = "") -> None:
        stream = self._streams.pop(number, None)
        if stream is not None:
            stream.done, stream.error = True, error

    def _take_settings(self, content: bytes) -> None:
        if len(content) % 6:
            raise ValueError("settings that are cut off")
        for at in range(0, len(content), 6):
            key, value = int.from_bytes(content[at : at + 2], "big"), int.from_bytes(content[at + 2 : at + 6], "big")
            if key == MAX_CONCURRENT_STREAMS:
                self.most_streams = value
            elif key == MAX_FRAME_SIZE:
                self._most_data = max(_DEFAULT_FRAME, min(value, PIECE))
            elif key == INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self._first_window
                self._first_window = value
        self._send(SETTINGS, ACK, 0, b"")

    def _take_room(self, number: int, more: int) -> None:
        if not number:
            self._window += more
        elif (stream := self._streams.get(number)) is not None:
            stream.window += more


def reason_text(code: int) -> str:
    """Of a stream's end, or the connection's; nothing where nothing is wrong."""
    if not code:
        return ""
    return f" ({ERRORS[code]})" if code < len(ERRORS) else f" (HTTP/2 error {code})"


def _exactly(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise ValueError(f"a frame of {len(content)} bytes that should have {size}")
    return content


def _unpadded(flags: int, content: bytes) -> bytes:
    if not flags & PADDED:
        return content
    padding = content[0] if content else 0
    if padding >= len(content):
        raise ValueError("a frame that is padding alone")
    return content[1 : len(content) - padding]
