"""Platforms, as github.com/containerd/platforms reads and writes them.

parse_platform("linux/aarch64")             →  Platform("linux", "arm64")
parse_platform("windows(10.0.17763)/amd64") →  Platform("windows", "amd64", os_version="10.0.17763")
format_whole_platform(Platform("linux", "arm", "v7"))  →  "linux/arm/v7"
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.paths import join
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.gostd.urls import UrlError, unescape
from dockerfile_frontend.registry.platforms import Platform, normalize_architecture, normalize_os, normalize_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LINUX_AMD64",
    "InvalidPlatformError",
    "Platform",
    "format_platform",
    "format_whole_platform",
    "normalize_architecture",
    "normalize_platform",
    "parse_platform",
]


class InvalidPlatformError(ValueError):
    """Text that is no platform, with the reference's message."""


LINUX_AMD64 = Platform("linux", "amd64")

_COMPONENT = r"[A-Za-z0-9_.-]+"
_OS = r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?"
_MAX_PARTS = 4
_KNOWN_OS = frozenset((
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "windows", "zos",
))  # fmt: skip
_KNOWN_ARCHITECTURES = frozenset((
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64", "mips64le",
    "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64",
    "wasm",
))  # fmt: skip
_ESCAPES = str.maketrans({"%": "%25", "+": "%2B", "(": "%28", ")": "%29", "/": "%2F"})


def parse_platform(text: str, host: Platform = LINUX_AMD64) -> Platform:
    """os[(version+feature…)][/architecture[/variant]], or an architecture alone; `host` has what is not said."""
    if "*" in text:
        raise _invalid(f"{quote(text)}: wildcards not yet supported")
    parts = text.split("/", _MAX_PARTS - 1)
    found = _parse_os(parts[0], text)
    for part in parts[1:]:
        if re.fullmatch(_COMPONENT, part) is None:
            raise _invalid(
                f"{quote(part)} is an invalid component of {quote(text)}: "
                f"platform specifier component must match {quote(f'^{_COMPONENT}$')}"
            )
    match parts:
        case [name]:
            return _complete(found, name, host, text)
        case [_, architecture]:
            return _with_short_arm(found, *normalize_architecture(architecture, ""))
        case [_, architecture, variant]:
            architecture, variant = normalize_architecture(architecture, variant)
            if architecture == "arm64" and not variant:
                variant = "v8"
            return replace(found, architecture=architecture, variant=variant)
        case _:
            raise _invalid(f"{quote(text)}: cannot parse platform specifier")


def format_platform(platform: Platform) -> str:
    """os/architecture[/variant]."""
    return join(platform.os, platform.architecture, platform.variant) if platform.os else "unknown"


def format_whole_platform(platform: Platform) -> str:
    """os[(version+feature…)]/architecture[/variant]."""
    version = platform.os_version.translate(_ESCAPES)
    features = "".join(f"+{name.translate(_ESCAPES)}" for name in sorted(set(platform.os_features)) if name)
    if not platform.os or not (version or features):
        return format_platform(platform)
    return join(f"{platform.os}({version}{features})", platform.architecture, platform.variant)


def _parse_os(part: str, text: str) -> Platform:
    match = re.fullmatch(_OS, part)
    if match is None:
        raise _invalid(
            f"{quote(part)} is an invalid OS component of {quote(text)}: "
            f"OSAndVersion specifier component must match {quote(f'^{_OS}$')}"
        )
    name, version, features = (group or "" for group in match.groups())
    try:
        plain_version = unescape(version)
    except UrlError as error:
        raise InvalidPlatformError(f"{quote(text)} has an invalid OS version {quote(version)}: {error}") from None
    return Platform(normalize_os(name), "", "", plain_version, tuple(_parse_features(features, text)))


def _parse_features(features: str, text: str) -> Iterator[str]:
    for raw in features.split("+")[1:]:
        try:
            yield unescape(raw)
        except UrlError as error:
            raise InvalidPlatformError(
                f"{quote(text)} has invalid OS features: invalid os feature {quote(raw)}: {error}"
            ) from None


def _complete(found: Platform, name: str, host: Platform, text: str) -> Platform:
    """What a single word means: an OS on the host's architecture, or an architecture under the host's OS."""
    if found.os in _KNOWN_OS:
        variant = host.variant if host.architecture == "arm" and host.variant != "v7" else ""
        return replace(found, architecture=host.architecture, variant=variant)
    architecture, variant = normalize_architecture(name, "")
    if architecture not in _KNOWN_ARCHITECTURES:
        raise _invalid(f"{quote(text)}: unknown operating system or architecture")
    return _with_short_arm(replace(found, os=host.os), architecture, variant)


def _with_short_arm(found: Platform, architecture: str, variant: str) -> Platform:
    """The usual variant of arm goes without saying."""
    short = architecture == "arm" and variant == "v7"
    return replace(found, architecture=architecture, variant="" if short else variant)


def _invalid(message: str) -> InvalidPlatformError:
    return InvalidPlatformError(f"{message}: invalid argument")
