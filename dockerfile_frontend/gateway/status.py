"""What can go wrong between a frontend and its daemon, as gRPC has it.

RpcError(Status(5, "no such file")), text "NotFound: no such file"        the daemon said no
ChannelError("the daemon ended the connection")                           nobody is there any more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockerfile_frontend.gateway.messages import Status

CODES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
    "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable",
    "DataLoss", "Unauthenticated",
)  # fmt: skip
"""Names of gRPC's status codes, each at its number."""

CANCELED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 1, 2, 4, 8, 12, 13


class GatewayError(Exception):
    """A call that has no answer. `str(error)` is one line."""


class RpcError(GatewayError):
    """The daemon's refusal; its message may have many lines."""

    def __init__(self, status: Status) -> None:
        super().__init__(_text(status))
        self.status = status


class ChannelError(GatewayError):
    """The connection is gone, or not understood."""


class StoppedError(GatewayError):
    """Somebody wants this process to end."""


def _text(status: Status) -> str:
    """As the reference's client words it: the code's name in front unless it is Unknown."""
    if status.code in (0, UNKNOWN):
        return status.message
    name = CODES[status.code] if 0 < status.code < len(CODES) else f"Code({status.code})"
    return f"{name}: {status.message}"
