"""The process: answer the one request that BuildKit started it for.

Standard input and output are the connection; what this process has to say to people goes to standard error, which BuildKit
shows with the build. Exit code 0 for a result, 1 for an error, which the daemon has been told before. SIGTERM is an error, too: as
the first process of its container this one would not even notice it otherwise.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from dockerfile_frontend.gateway.bridge import Bridge
from dockerfile_frontend.gateway.channel import Channel
from dockerfile_frontend.gateway.options import read_call
from dockerfile_frontend.gateway.status import ChannelError, GatewayError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockerfile_frontend.gateway.bridge import Solved
    from dockerfile_frontend.gateway.options import Call

    Answer = Callable[[Bridge, Call], Solved]

_RARELY = 100_000
"""Objects between two collections, as for the command line."""


def main(answer: Answer | None = None) -> NoReturn:
    """`answer` answers instead of the Dockerfile's frontend."""
    gc.set_threshold(_RARELY)
    signal.signal(signal.SIGTERM, _stop)
    code = serve(*_connection(), os.environ, answer)
    sys.stderr.flush()
    os._exit(code)  # reading thread and all


def _stop(*_: object) -> NoReturn:
    """Wherever the main thread is, it goes on from here: the daemon is told, if it still listens."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise StoppedError("the frontend was told to stop (SIGTERM)")


def _connection() -> tuple[int, int]:
    """The connection's two ends, kept from whoever prints or reads."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return source, sink


def serve(source: int, sink: int, environment: Mapping[str, str], answer: Answer | None = None) -> int:
    """One request over two pipes; the exit code."""
    try:
        call = read_call(environment)
        channel = Channel(source, sink)
        code = _serve(Bridge(channel, call.options), environment, answer)
        channel.close()
    except GatewayError as error:
        print(f"the frontend has lost its daemon: {error}", file=sys.stderr)
        return 1
    return code


def _serve(bridge: Bridge, environment: Mapping[str, str], answer: Answer | None) -> int:
    from dockerfile_frontend.gateway.build import build  # noqa: PLC0415  the compiler is loaded when the daemon is there
    from dockerfile_frontend.gateway.errors import status_of  # noqa: PLC0415

    try:
        bridge.return_result((answer or build)(bridge, read_call(environment)))
    except ChannelError:
        raise
    except Exception as error:  # noqa: BLE001  a crash is one error, too
        bridge.return_error(status_of(error))
        return 1
    return 0
