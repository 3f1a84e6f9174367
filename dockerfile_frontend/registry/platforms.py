"""Which of an index's platforms serve the one that is wanted, as github.com/containerd/platforms decides it.

    rank = only(Platform("linux", "arm", "v7"))
    rank(Platform("linux", "arm", "v7"))   -> (0, 0)     the same
    rank(Platform("linux", "arm", "v6"))   -> (1, 0)     runs there, too
    rank(Platform("linux", "amd64"))       -> None

How people write platforms is read in `semantics/platforms.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ir_schema.record import Record


class Platform(Record):
    """What a program runs on, as written in a descriptor or image config, or asked for (not normalized)."""

    os: str = ""
    architecture: str = ""
    variant: str = ""
    """Of the CPU, such as v7 of arm."""
    os_version: str = ""
    os_features: tuple[str, ...] = ()


class PlatformLike(Protocol):
    """Anything with these names, such as the platform of an op."""

    @property
    def os(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def variant(self) -> str: ...
    @property
    def os_version(self) -> str: ...
    @property
    def os_features(self) -> tuple[str, ...]: ...


Rank = Callable[[Platform], "tuple[int, int] | None"]
"""How well a platform serves: the smaller the better, None not at all."""

_ALIASES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
"""Other names of an architecture, and the variant that goes with one (None: as it is given)."""
_VARIANTS = {
    "amd64": {"v1": ""},
    "arm64": {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"},
    "arm": {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"},
}
"""How a variant is written when normalized."""
_MAX_DIGITS = 9
_HOST_OS = "linux"
_MAX_VARIANT = 99

_ARM64_V9_BASE = 5
"""ARMv9.x has all that ARMv8.(x+5) has."""
_ARM64_MINORS = {"v8": 9, "v9": 7}
"""Newest minor version known of each."""
_ARM_OLDEST = 5

_WINDOWS_LIMITS = (0xFF, 0xFF, 0xFFFF)
_NO_WINDOWS = (0, 0, 0)
_LTSC_2022, _LTSC_2025 = 20348, 26100
"""Builds of Windows Server from whose like on containers of the release before run as well."""


def only(wanted: PlatformLike) -> Rank:
    """What `wanted` can use: itself, and what its CPU also runs, the nearest first."""
    usable = [normalize_platform(platform) for platform in _usable(normalize_platform(_copy(wanted)))]

    def rank(offered: Platform) -> tuple[int, int] | None:
        plain = normalize_platform(offered)
        place = next((index for index, platform in enumerate(usable) if _matches(platform, plain)), None)
        return None if place is None else (place, -len(offered.os_features))

    return rank


def normalize_platform(platform: Platform) -> Platform:
    """The one way of many to write a platform."""
    architecture, variant = normalize_architecture(platform.architecture, platform.variant)
    features = tuple(sorted(set(platform.os_features)))
    return Platform(normalize_os(platform.os), architecture, variant, platform.os_version, features)


def normalize_os(name: str) -> str:
    """The usual name of an operating system; Linux where there is none."""
    name = name.lower() or _HOST_OS
    return "darwin" if name == "macos" else name


def normalize_architecture(architecture: str, variant: str) -> tuple[str, str]:
    """The usual names of an architecture and its variant."""
    architecture, variant = architecture.lower(), variant.lower()
    architecture, fixed = _ALIASES.get(architecture, (architecture, None))
    if fixed is not None:
        return architecture, fixed
    return architecture, _VARIANTS.get(architecture, {}).get(variant, variant)


def _copy(platform: PlatformLike) -> Platform:
    return Platform(
        platform.os, platform.architecture, platform.variant, platform.os_version, tuple(platform.os_features)
    )


def _usable(wanted: Platform) -> list[Platform]:
    match wanted.architecture:
        case "amd64":
            lower = [f"v{number}" for number in range(_number(wanted.variant) - 1, 0, -1)]
            found = [wanted, *(replace(wanted, variant=variant) for variant in lower)]
            return [*found, replace(wanted, architecture="386", variant="")]
        case "arm":
            lower = [f"v{number}" for number in range(_number(wanted.variant) - 1, _ARM_OLDEST - 1, -1)]
            return [wanted, *(replace(wanted, variant=variant) for variant in lower)]
        case "arm64":
            return _usable_arm64(wanted)
        case _:
            return [wanted]


def _usable_arm64(wanted: Platform) -> list[Platform]:
    """v9.2 runs v9.2 to v9, v8.7 to v8, and all that 32-bit ARMv8 runs; of an unknown variant nothing is known."""
    family, _, minor = (wanted.variant or "v8").partition(".")
    newest = int(minor) if minor.isdecimal() and len(minor) == 1 else 0 if not minor else -1
    if newest > _ARM64_MINORS.get(family, -1):
        newest = -1
    if newest < 0:
        return []
    series = [(family, newest)]
    if family == "v9":
        series.append(("v8", min(newest + _ARM64_V9_BASE, _ARM64_MINORS["v8"])))
    variants = [f"{name}.{low}" if low else name for name, top in series for low in range(top, -1, -1)]
    below = _usable(replace(wanted, architecture="arm", variant="v8"))
    return [*(replace(wanted, variant=variant) for variant in variants), *below]


def _matches(wanted: Platform, offered: Platform) -> bool:
    """Whether `offered`, normalized as `wanted` is, is that platform and needs no feature that `wanted` lacks."""
    features = set(offered.os_features)
    if wanted.os == "windows":
        features -= {"win32k"}
        if not _runs_windows(wanted.os_version, offered.os_version):
            return False
    return (
        (wanted.os, wanted.architecture, wanted.variant) == (offered.os, offered.architecture, offered.variant)
        and features <= set(wanted.os_features)
    )  # fmt: skip


def _runs_windows(host: str, container: str) -> bool:
    """Whether a Windows of version `host` runs containers of version `container`."""
    ours, theirs = _windows_version(host), _windows_version(container)
    if not any(ours) or not container:
        return True
    if ours[:2] != theirs[:2]:
        return False
    if ours[2] < _LTSC_2022:
        return ours[2] == theirs[2]
    oldest = _LTSC_2025 if ours[2] > _LTSC_2025 else _LTSC_2022
    return oldest <= theirs[2] <= ours[2]


def _windows_version(text: str) -> tuple[int, ...]:
    """Major, minor and build of 10.0.17763[.1]; zeros for what is no version."""
    parts = text.split(".")[: len(_WINDOWS_LIMITS)]
    if len(parts) < len(_WINDOWS_LIMITS) or not all(part.isascii() and part.isdigit() for part in parts):
        return _NO_WINDOWS
    numbers = tuple(int(part[:_MAX_DIGITS]) for part in parts)
    fits = all(number <= limit for number, limit in zip(numbers, _WINDOWS_LIMITS, strict=True))
    return numbers if fits else _NO_WINDOWS


def _number(variant: str) -> int:
    """The 7 of v7, else 0."""
    text = variant.removeprefix("v")
    return min(int(text[:_MAX_DIGITS]), _MAX_VARIANT) if text.isascii() and text.isdigit() else 0
