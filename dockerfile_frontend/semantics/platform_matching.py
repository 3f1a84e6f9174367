"""Which platform of an image index suits best, as github.com/containerd/platforms decides it.

    choose(linux/arm64, [linux/amd64, linux/arm/v7, linux/arm64])  →  2
    choose(linux/arm64, [linux/amd64, linux/arm/v7])               →  1, which a 64-bit ARM runs too
    choose(linux/arm64, [linux/amd64])                             →  None
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerfile_frontend.gostd.numbers import NumberError, parse_decimal, parse_uint
from dockerfile_frontend.semantics.platforms import normalize_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.semantics.platforms import Platform


def choose(wanted: Platform, offered: Sequence[Platform | None]) -> int | None:
    """The place of the best one, or None; one that is not known (None) is taken only where nothing else suits."""
    ranks = ((_rank(wanted, platform), place) for place, platform in enumerate(offered))
    suitable = [(rank, place) for rank, place in ranks if rank is not None]
    return min(suitable)[1] if suitable else None


def matches(wanted: Platform, offered: Platform) -> bool:
    """Whether what is built for `offered` runs on `wanted`."""
    return _rank(wanted, offered) is not None


_LAST = 1_000
_MOST_VARIANTS = 100
"""Of a variant v1000000, so many older ones are thought of."""

_OLDEST_ARM = 5
_ARM64 = re.compile(r"v(?P<major>[89])(?:\.(?P<minor>[0-7]|(?<=8\.)[89]))?")
"""The variants of arm64 that are known."""

_NEWEST_V8 = 9

_SAME_AS_V9 = 5
"""arm64 v9.0 runs what v8.5 runs, v9.1 what v8.6 runs, as far as there are versions."""


def _rank(wanted: Platform, offered: Platform | None) -> tuple[int, int] | None:
    """The lower, the better; None does not suit. Of two equally near, the one that uses more OS features is better."""
    if offered is None:
        return _LAST, 0
    candidate = normalize_platform(offered)
    for distance, near in enumerate(_runnable(normalize_platform(wanted))):
        if _suits(normalize_platform(near), candidate):
            return distance, -len(offered.os_features)
    return None


def _runnable(platform: Platform) -> Iterator[Platform]:
    """What runs on a platform, the nearest first."""
    match platform.architecture:
        case "amd64":
            yield platform
            yield from _older(platform, oldest=1)
            yield replace(platform, architecture="386", variant="")
        case "arm":
            yield platform
            yield from _older(platform, oldest=_OLDEST_ARM)
        case "arm64":
            yield from _runnable_arm64(platform)
        case _:
            yield platform


def _older(platform: Platform, *, oldest: int) -> Iterator[Platform]:
    """The variants before one such as v7, down to the oldest."""
    try:
        version = parse_decimal(platform.variant.removeprefix("v"))
    except NumberError:
        return
    for each in range(min(version, oldest + _MOST_VARIANTS) - 1, oldest - 1, -1):
        yield replace(platform, variant=f"v{each}")


def _runnable_arm64(platform: Platform) -> Iterator[Platform]:
    """All versions up to the platform's own, then 32-bit ARM; a version that is not known runs nothing."""
    known = _ARM64.fullmatch(platform.variant or "v8")
    if known is None:
        return
    minor = int(known["minor"] or 0)
    newest = {known["major"]: minor}
    if known["major"] == "9":
        newest["8"] = min(minor + _SAME_AS_V9, _NEWEST_V8)
    for major, highest in newest.items():
        for each in range(highest, -1, -1):
            yield replace(platform, variant=f"v{major}.{each}" if each else f"v{major}")
    yield from _runnable(replace(platform, architecture="arm", variant="v8"))


def _suits(near: Platform, candidate: Platform) -> bool:
    if (near.os, near.architecture, near.variant) != (candidate.os, candidate.architecture, candidate.variant):
        return False
    features = set(candidate.os_features)
    if near.os == "windows":
        features.discard("win32k")  # older versions took no notice of it
        if not _windows_runs(near.os_version, candidate.os_version):
            return False
    return features.issubset(near.os_features)


_LTSC_2022, _LTSC_2025 = 20348, 26100
"""Builds of Windows from which on a host runs older containers too, back to the last of these before it."""


def _windows_runs(host: str, container: str) -> bool:
    """Whether a Windows of one version runs containers of another; a version that is not known runs all."""
    own = _windows_version(host)
    if own == (0, 0, 0) or not container:
        return True
    other = _windows_version(container)
    if own[:2] != other[:2]:
        return False
    if own[2] < _LTSC_2022:
        return own[2] == other[2]
    oldest = _LTSC_2025 if own[2] > _LTSC_2025 else _LTSC_2022
    return oldest <= other[2] <= own[2]


def _windows_version(text: str) -> tuple[int, int, int]:
    """Major, minor and build number; zeros where the text is no version."""
    parts = text.split(".")
    try:
        major, minor, build = (parse_uint(part, 10, bits) for part, bits in zip(parts, (8, 8, 16), strict=False))
    except ValueError:
        return 0, 0, 0
    return major, minor, build
