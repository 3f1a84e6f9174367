"""The client's end of HTTP/2: what it makes of frames, in order and out of order."""

from __future__ import annotations

import pytest

from dockerfile_frontend.gateway import http2
from dockerfile_frontend.gateway.hpack import encode_headers
from dockerfile_frontend.gateway.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITIZED,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    Connection,
    Stream,
)

ANSWER = encode_headers([(":status", "200")])
TRAILERS = encode_headers([("grpc-status", "0")])


def frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def setting(key: int, value: int) -> bytes:
    return frame(SETTINGS, content=key.to_bytes(2, "big") + value.to_bytes(4, "big"))


def asked(*greeting: bytes) -> tuple[Connection, Stream]:
    """A connection with one request under way, and what it sent taken away."""
    connection = Connection()
    connection.receive(b"".join(greeting) or frame(SETTINGS))
    stream = connection.begin([(":method", "POST")])
    connection.outbound.clear()
    return connection, stream


def sent(connection: Connection) -> list[tuple[int, int, int, bytes]]:
    """The frames that it has to send: kind, flags, stream, content."""
    data, found = bytes(connection.outbound), []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    connection.outbound.clear()
    return found


def test_an_answer_may_come_byte_by_byte() -> None:
    connection, stream = asked()
    answer = (
        frame(HEADERS, END_HEADERS, 1, ANSWER)
        + frame(DATA, 0, 1, b"ab")
        + frame(DATA, 0, 1)
        + frame(DATA, 0, 1, b"c")
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS)
    )
    for byte in answer:
        assert not stream.done
        connection.receive(bytes([byte]))
    assert stream.done
    assert not stream.error
    assert (stream.headers, bytes(stream.body)) == ({b":status": b"200", b"grpc-status": b"0"}, b"abc")


def test_padding_and_priorities_are_no_content() -> None:
    connection, stream = asked()
    flags = END_HEADERS | PADDED | PRIORITIZED
    connection.receive(frame(HEADERS, flags, 1, b"\3" + b"prior" + ANSWER + b"pad"))
    connection.receive(frame(DATA, PADDED | END_STREAM, 1, b"\2abcde"))
    assert (stream.headers, bytes(stream.body), stream.done) == ({b":status": b"200"}, b"abc", True)


def test_headers_may_go_on_in_other_frames() -> None:
    connection, stream = asked()
    connection.receive(frame(HEADERS, END_STREAM, 1, ANSWER[:3]) + frame(CONTINUATION, 0, 1, ANSWER[3:4]))
    assert not stream.headers
    connection.receive(frame(CONTINUATION, END_HEADERS, 1, ANSWER[4:]))
    assert (stream.headers, stream.done) == ({b":status": b"200"}, True)


def test_what_is_only_information_is_passed_over() -> None:
    connection, stream = asked()
    for _ in range(2):
        connection.receive(frame(HEADERS, END_HEADERS, 1, encode_headers([(":status", "103"), ("link", "x")])))
    connection.receive(frame(HEADERS, END_HEADERS, 1, ANSWER))
    assert stream.headers == {b":status": b"200"}


def test_what_a_newer_http2_says_is_passed_over() -> None:
    connection, stream = asked(setting(99, 1), frame(SETTINGS, ACK), frame(PING, ACK, content=b"12345678"))
    connection.receive(frame(77, 0xFF, 5, b"?") + frame(http2.PRIORITY, 0, 3, b"prior"))
    assert not stream.done
    assert sent(connection) == []


def test_settings_and_pings_are_acknowledged() -> None:
    connection, _ = asked()
    connection.receive(frame(SETTINGS) + frame(PING, content=b"12345678"))
    assert sent(connection) == [(SETTINGS, ACK, 0, b""), (PING, ACK, 0, b"12345678")]


def test_no_more_is_sent_than_is_taken() -> None:
    connection, first = asked(setting(http2.INITIAL_WINDOW_SIZE, 10))
    assert connection.room(first) == 10
    connection.send_data(first, memoryview(b"0123456"), last=False)
    assert connection.room(first) == 3
    connection.receive(setting(http2.INITIAL_WINDOW_SIZE, 2))
    assert connection.room(first) == 0  # as if 7 of 2 were sent
    connection.receive(frame(WINDOW_UPDATE, 0, 1, (25_000).to_bytes(4, "big")))
    assert connection.room(first) == 16_384  # in one frame
    connection.receive(setting(http2.MAX_FRAME_SIZE, 1 << 20))
    assert connection.room(first) == 25_000 - 5
    connection.receive(setting(http2.INITIAL_WINDOW_SIZE, 1 << 20))
    assert connection.room(first) == 65_535 - 7  # of the connection
    connection.receive(frame(WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4, "big")))
    assert connection.room(first) == http2.PIECE


def test_no_more_requests_than_are_taken() -> None:
    connection, first = asked(setting(http2.MAX_CONCURRENT_STREAMS, 2))
    assert not connection.busy
    second = connection.begin([])
    assert (first.number, second.number, connection.busy) == (1, 3, True)
    connection.receive(frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")))
    assert (first.done, first.error) == (True, "the daemon broke off the call (CANCEL)")
    assert not connection.busy


def test_the_other_side_is_told_to_go_on() -> None:
    connection, stream = asked()
    piece = b"x" * http2.PIECE
    for _ in range(WINDOW // http2.PIECE // 2):
        connection.receive(frame(DATA, 0, 1, piece))
        assert sent(connection) == []
    connection.receive(frame(DATA, 0, 1, b"y"))
    more = (WINDOW // 2 + 1).to_bytes(4, "big")
    assert sent(connection) == [(WINDOW_UPDATE, 0, 0, more), (WINDOW_UPDATE, 0, 1, more)]
    assert len(stream.body) == WINDOW // 2 + 1


def test_an_answer_to_what_was_given_up_is_read_and_forgotten() -> None:
    connection, stream = asked()
    connection.cancel(stream)
    assert sent(connection) == [(RST_STREAM, 0, 1, (http2.CANCEL).to_bytes(4, "big"))]
    connection.receive(frame(HEADERS, END_HEADERS, 1, ANSWER) + frame(DATA, END_STREAM, 1, b"late"))
    assert not stream.headers
    assert not stream.body


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2, "MAX_MESSAGE", 1 << 20)
    connection, stream = asked()
    for _ in range(5):
        connection.receive(frame(DATA, 0, 1, b"x" * http2.PIECE))
    assert (stream.done, stream.error) == (True, "a response of more than 1 MiB")
    assert sent(connection)[-1][0] == RST_STREAM
    connection.receive(frame(DATA, 0, 1, b"x" * http2.PIECE))
    assert len(stream.body) <= 5 * http2.PIECE


def test_a_goodbye_says_why() -> None:
    connection, _ = asked()
    connection.receive(frame(GOAWAY, content=bytes(4) + (11).to_bytes(4, "big") + b"too many"))
    assert connection.ended == "the daemon ended the connection (ENHANCE_YOUR_CALM)"
    assert http2.reason_text(77) == " (HTTP/2 error 77)"
    assert http2.reason_text(0) == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame(DATA, 0, 3, b"x"), r"an answer to nothing \(stream 3\)"),
        (frame(HEADERS, END_HEADERS, 2, ANSWER), r"an answer to nothing \(stream 2\)"),
        (frame(RST_STREAM, 0, 0, bytes(4)), r"an answer to nothing \(stream 0\)"),
        (frame(RST_STREAM, 0, 1, b"x"), "a frame of 1 bytes that should have 4"),
        (frame(PING, content=b"x"), "a frame of 1 bytes that should have 8"),
        (frame(WINDOW_UPDATE, content=b""), "a frame of 0 bytes that should have 4"),
        (frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)), "a push, which was switched off"),
        (frame(SETTINGS, content=b"12345"), "settings that are cut off"),
        (frame(CONTINUATION, END_HEADERS, 1, ANSWER), "headers that did not begin"),
        (frame(HEADERS, 0, 1, ANSWER) + frame(PING, content=bytes(8)), "headers that do not go on"),
        (frame(HEADERS, END_HEADERS, 1, ANSWER) * 2, "trailers behind which something follows"),
        (frame(HEADERS, END_HEADERS, 1, b"\x80"), "a header without a number"),
        (frame(DATA, PADDED, 1, b"\5abc"), "a frame that is padding alone"),
        (frame(DATA, PADDED, 1, b""), "a frame that is padding alone"),
        ((http2.PIECE + 1).to_bytes(3, "big") + bytes(6), f"a frame of {http2.PIECE + 1} bytes"),
        (frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1, b"x" * http2.PIECE) * 65, "headers of more than 16 MiB"),
    ],
)
def test_what_is_no_http2_is_an_error(data: bytes, message: str) -> None:
    connection, _ = asked()
    with pytest.raises(ValueError, match=message):
        connection.receive(data)


@pytest.mark.parametrize("greeting", [frame(PING, content=bytes(8)), frame(SETTINGS, ACK), b"HTTP/1.1 400 Bad Request\r\n"])
def test_it_begins_with_settings(greeting: bytes) -> None:
    with pytest.raises(ValueError, match="it begins with something else"):
        Connection().receive(greeting)
