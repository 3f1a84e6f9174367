"""What an HTTP context is, by its first bytes."""

from __future__ import annotations

import io
import tarfile

import pytest

from dockerfile_frontend.gateway.context import is_archive


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        file.addfile(tarfile.TarInfo("a"))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"BZh9", True),
        (b"\x1f\x8b\x08\0", True),
        (b"\xfd7zXZ\0", True),
        (b"\x28\xb5\x2f\xfd", True),
        (b"\x50\x2a\x4d\x18\0\0\0\0", True),
        (b"\x5f\x2a\x4d\x18\0\0\0\0", True),
        (b"\x50\x2a\x4d\x18\0", False),
        (b"\x60\x2a\x4d\x18\0\0\0\0", False),
        (tar()[:1024], True),
        (b"FROM scratch\n" * 80, False),
        (b"", False),
    ],
)
def test_an_archive_is_known_by_how_it_begins(head: bytes, expected: bool) -> None:  # noqa: FBT001
    assert is_archive(head) is expected
