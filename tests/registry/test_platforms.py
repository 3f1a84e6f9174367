"""The choice among platforms; the tables were made with github.com/containerd/platforms 1.0.0-rc.4."""

from __future__ import annotations

import pytest

from dockerfile_frontend.registry.platforms import Platform, only


def platform(text: str) -> Platform:
    """os/architecture[/variant], an OS with (version+feature+feature)."""
    name, _, rest = text.partition("/")
    name, _, options = name.rstrip(")").partition("(")
    version, *features = options.split("+")
    architecture, _, variant = rest.partition("/")
    return Platform(name, architecture, variant, version, tuple(features))


@pytest.mark.parametrize(
    ("wanted", "usable"),
    [
        ("linux/amd64", "linux/amd64 linux/x86_64 linux/amd64/v1 linux/386"),
        ("linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386"),
        ("linux/386", "linux/386 linux/i386"),
        ("linux/arm", "linux/arm linux/arm/v7 linux/armhf linux/arm/v6 linux/armel linux/arm/5"),
        ("linux/arm/v6", "linux/arm/v6 linux/arm/v5"),
        ("linux/arm64", "linux/arm64 linux/arm64/v8 linux/aarch64 linux/arm/v8 linux/arm/v7 linux/arm/v5"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8"),
        (
            "linux/arm64/v9.1",
            "linux/arm64/v9.1 linux/arm64/v9 linux/arm64/v8.6 linux/arm64/v8.5 linux/arm64 linux/arm/v7",
        ),
        ("linux/arm64/v9.7", "linux/arm64/v9.7 linux/arm64/v8.9 linux/arm64"),
        ("linux/arm64/v10", ""),
        ("linux/riscv64", "linux/riscv64"),
        ("macos/arm64", "darwin/arm64"),
        ("windows(10.0.17763)/amd64", "windows/amd64 windows(10.0.17763.9)/amd64"),
        ("windows(10.0.20348)/amd64", "windows(+win32k)/amd64 windows(10.0.20348)/amd64"),
        ("windows(10.0.26100)/amd64", "windows(10.0.26100)/amd64 windows(10.0.20348)/amd64"),
        ("windows(10.0.26200)/amd64", "windows(10.0.26100)/amd64"),
        ("windows/amd64", "windows(10.0.17763)/amd64 windows(10.0.26100)/amd64"),
        ("linux(+a+b)/amd64", "linux(+b+a)/amd64 linux(+a)/amd64 linux/amd64"),
    ],
)
def test_the_nearest_first(wanted: str, usable: str) -> None:
    ranks = [only(platform(wanted))(platform(text)) for text in usable.split()]
    assert all(rank is not None for rank in ranks)
    assert ranks == sorted(ranks, key=lambda rank: rank or (0, 0))


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ("linux/amd64", "linux/amd64/v2"),
        ("linux/amd64", "linux/arm64"),
        ("linux/amd64", "windows/amd64"),
        ("linux/amd64", "unknown/unknown"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("linux/arm/v5", "linux/arm/v4"),
        ("linux/arm64", "linux/arm64/v8.1"),
        ("linux/arm64/v9.7", "linux/arm64/v8.10"),
        ("linux/arm64/v9.8", "linux/arm64"),
        ("linux/amd64", "linux(+a)/amd64"),
        ("linux(+a)/amd64", "linux(+a+b)/amd64"),
        ("windows(10.0.17763)/amd64", "windows(10.0.20348)/amd64"),
        ("windows(10.0.20348)/amd64", "windows(10.0.17763)/amd64"),
        ("windows(10.0.20348)/amd64", "windows(11.0.20348)/amd64"),
        ("windows(10.0.26200)/amd64", "windows(10.0.25398)/amd64"),
    ],
)
def test_what_does_not_serve(wanted: str, offered: str) -> None:
    assert only(platform(wanted))(platform(offered)) is None


def test_a_variant_of_many_digits_takes_no_time() -> None:
    assert only(Platform("linux", "amd64", "v" + "9" * 100_000))(Platform("linux", "386")) is not None
