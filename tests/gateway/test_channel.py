"""Calls over two pipes, with a daemon that behaves, and with those that do not."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dockerfile_frontend.gateway import messages as m
from dockerfile_frontend.gateway.channel import Channel
from dockerfile_frontend.gateway.status import ChannelError, RpcError
from ir_schema.llb import encode_record
from ir_schema.llb_reader import decode_record
from tests.gateway.daemon import SERVICE, Daemon, Goaway, Hangup, Raw, Reset, Silence, error_trailers, wait_for_readers

READ = f"{SERVICE}ReadFile"


def read(channel: Channel, path: str, timeout: float | None = None) -> bytes:
    answer = channel.call(READ, encode_record(m.ReadFileRequest("ref", path)), timeout=timeout)
    return decode_record(m.ReadFileResponse, answer).data


def echo(request: m.ReadFileRequest) -> m.ReadFileResponse:
    return m.ReadFileResponse(request.path.encode())


def test_many_threads_call_at_once_and_each_gets_its_own_answer() -> None:
    with Daemon({"ReadFile": echo}) as daemon:
        channel = Channel(daemon.source, daemon.sink)
        found: dict[str, bytes] = {}

        def ask(number: int) -> None:
            for again in range(5):
                path = f"{number}-{again}-{'x' * number * 500}"
                found[path] = read(channel, path)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 100
    assert all(path.encode() == data for path, data in found.items())


@pytest.mark.parametrize("window", [65_535, 1 << 20])
def test_large_messages_go_both_ways_through_small_windows(window: int) -> None:
    path = "p" * (17 << 20)
    with Daemon({"ReadFile": echo}, window=window) as daemon:
        assert read(Channel(daemon.source, daemon.sink), path) == path.encode()


def test_an_error_has_its_code_message_and_details() -> None:
    status = m.Status(5, "no such file: ünknown %", (m.Any("type/x+json", b"{}"),))
    with Daemon({"ReadFile": lambda _: status}) as daemon, pytest.raises(RpcError) as caught:
        read(Channel(daemon.source, daemon.sink), "a")
    assert caught.value.status == status
    assert str(caught.value) == "NotFound: no such file: ünknown %"


def test_a_status_may_be_as_large_as_a_dockerfile() -> None:
    status = m.Status(2, "failed", (m.Any("type/x+json", b"x" * 60_000),))
    with Daemon({"ReadFile": lambda _: status}) as daemon, pytest.raises(RpcError) as caught:
        read(Channel(daemon.source, daemon.sink), "a")
    assert caught.value.status == status


def test_an_error_may_come_without_a_body() -> None:
    headers = ((":status", "200"), *error_trailers(m.Status(12, "unknown method")))
    raw = Raw(headers, trailers=())
    with Daemon({"ReadFile": lambda _: raw}) as daemon, pytest.raises(RpcError, match="Unimplemented: unknown method"):
        read(Channel(daemon.source, daemon.sink), "a")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (Raw(body=b"\0\0\0\0\5abc"), "the daemon's answer is cut off"),
        (Raw(body=b"\0\0"), "the daemon's answer is cut off"),
        (Raw(body=b"\1\0\0\0\1a"), "the daemon's answer is compressed"),
    ],
)
def test_an_answer_that_is_no_message_is_an_error(raw: Raw, message: str) -> None:
    with Daemon({"ReadFile": lambda _: raw}) as daemon, pytest.raises(ChannelError, match=message):
        read(Channel(daemon.source, daemon.sink), "a")


def test_an_answer_of_something_else_than_grpc_is_an_error() -> None:
    raw = Raw(((":status", "404"), ("content-type", "text/html")), trailers=())
    with Daemon({"ReadFile": lambda _: raw}) as daemon, pytest.raises(RpcError, match=r"no status \(HTTP 404\)"):
        read(Channel(daemon.source, daemon.sink), "a")


def test_a_call_that_takes_too_long_is_given_up_and_the_next_is_answered() -> None:
    def answer(request: m.ReadFileRequest) -> Any:  # noqa: ANN401
        return Silence() if request.path == "slow" else echo(request)

    with Daemon({"ReadFile": answer}) as daemon:
        channel = Channel(daemon.source, daemon.sink)
        with pytest.raises(RpcError, match="DeadlineExceeded"):
            read(channel, "slow", timeout=0.05)
        assert read(channel, "quick") == b"quick"
        assert daemon.resets == [1]


def test_a_call_that_is_broken_off_does_not_harm_others() -> None:
    def answer(request: m.ReadFileRequest) -> Any:  # noqa: ANN401
        return Reset() if request.path == "bad" else echo(request)

    with Daemon({"ReadFile": answer}) as daemon:
        channel = Channel(daemon.source, daemon.sink)
        with pytest.raises(ChannelError, match=r"the daemon broke off the call \(INTERNAL_ERROR\)"):
            read(channel, "bad")
        assert read(channel, "good") == b"good"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (Hangup, "the daemon ended the connection"),
        (Goaway, "the daemon ended the connection"),
    ],
)
def test_the_end_of_the_connection_is_one_error_for_all_calls(end: Callable[[], Any], message: str) -> None:
    seen = threading.Event()

    def answer(request: m.ReadFileRequest) -> Any:  # noqa: ANN401
        if request.path == "wait":
            seen.set()
            return Silence()
        return end()

    with Daemon({"ReadFile": answer}) as daemon:
        channel = Channel(daemon.source, daemon.sink)
        errors: list[str] = []

        def wait() -> None:
            with pytest.raises(ChannelError) as caught:
                read(channel, "wait")
            errors.append(str(caught.value))

        waiting = threading.Thread(target=wait)
        waiting.start()
        seen.wait()
        for path in ("end", "later"):
            with pytest.raises(ChannelError) as caught:
                read(channel, path)
            errors.append(str(caught.value))
        waiting.join()
    assert len(set(errors)) == 1
    assert errors[0].startswith(message)


def test_a_daemon_that_speaks_something_else_is_an_error() -> None:
    message = "the daemon does not speak HTTP/2 as expected"
    with Daemon({"ReadFile": echo}, polite=False) as daemon, pytest.raises(ChannelError, match=message):
        read(Channel(daemon.source, daemon.sink), "a")


def test_nobody_is_there() -> None:
    source, out = os.pipe()
    gone, sink = os.pipe()
    os.close(out)
    os.close(gone)
    channel = Channel(source, sink)
    with pytest.raises(ChannelError):
        read(channel, "a")
    channel.close()
    wait_for_readers()
    os.close(source)
    os.close(sink)


def test_after_the_end_of_our_own_nothing_is_called() -> None:
    with Daemon({"ReadFile": echo}) as daemon:
        channel = Channel(daemon.source, daemon.sink)
        assert read(channel, "a") == b"a"
        channel.close()
        with pytest.raises(ChannelError, match="the connection is closed"):
            read(channel, "b")
