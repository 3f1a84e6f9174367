"""What BuildKit tells the frontend in its environment.

BUILDKIT_FRONTEND_OPT_0=filename=Dockerfile    ──▶  Call(options={"filename": "Dockerfile"}, session="sess1",
BUILDKIT_SESSION_ID=sess1                                  build_platform=linux/amd64)
BUILDKIT_WORKERS=[{"Platforms":[{"os":"linux","architecture":"amd64"}]}]
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dockerfile_frontend.registry.platforms import Platform, normalize_platform
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockerfile_frontend.gateway.messages import Worker

_PREFIX = "BUILDKIT_FRONTEND_OPT_"


class Call(Record):
    """What the frontend is asked for."""

    options: Mapping[str, str]
    session: str
    """The client's, which sends local files and secrets."""
    build_platform: Platform | None
    """The first platform of the first worker; None if the environment does not say."""


def read_call(environment: Mapping[str, str]) -> Call:
    """The numbers behind the prefix mean nothing."""
    options = {}
    for name, text in environment.items():
        if name.startswith(_PREFIX):
            key, _, value = text.partition("=")
            options[key] = value
    platform = _first_platform(environment.get("BUILDKIT_WORKERS", ""))
    return Call(options, environment.get("BUILDKIT_SESSION_ID", ""), platform)


def _first_platform(text: str) -> Platform | None:
    """Of the workers in JSON; what is not as expected says nothing, as in the reference."""
    import json  # noqa: PLC0415  while the first request is under way

    try:
        found: Any = json.loads(text)[0]["Platforms"][0]
        return Platform(
            str(found.get("os", "")),
            str(found.get("architecture", "")),
            str(found.get("variant", "")),
            str(found.get("os.version", "")),
            tuple(map(str, found.get("os.features") or ())),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def build_platform(call: Call, workers: tuple[Worker, ...]) -> Platform:
    """The platform that builds run on: what the environment says, else the daemon, else this machine."""
    if call.build_platform is not None:
        return call.build_platform
    for worker in workers[:1]:
        for p in worker.platforms[:1]:
            return Platform(p.os, p.architecture, p.variant, p.os_version, p.os_features)
    return host_platform()


def host_platform() -> Platform:
    return normalize_platform(Platform("linux", os.uname().machine))
