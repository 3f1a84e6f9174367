"""Tars of all kinds, good and broken."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.executor.layers import tarread
from dockerfile_frontend.executor.layers.tarread import Entry, Limits, TarError, TarReader
from tests.executor.archives import raw_header, tar_of

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
END = bytes(1024)


def read(data: bytes, limits: Limits | None = None) -> Iterator[tuple[Entry, bytes]]:
    for entry in TarReader(io.BytesIO(data), limits or Limits()).entries():
        content = bytearray(entry.size)
        for at, piece in entry.content():
            content[at : at + len(piece)] = piece
        yield entry, bytes(content)


@pytest.mark.parametrize("form", FORMATS)
def test_fields_of_each_format(form: str) -> None:
    fields = {"mode": 0o4755, "uid": 1000, "gid": 100, "mtime": 1234567890}
    data = tar_of(
        ("d/", {"mode": 0o1777}),
        ("d/f", b"text", fields),
        ("l", "-> d/f"),
        ("h", "= d/f"),
        ("n", tarfile.CHRTYPE, {"devmajor": 1, "devminor": 3}),
        ("p", tarfile.FIFOTYPE),
        format=FORMATS[form],
    )
    found = {entry.name: entry for entry, _ in read(data)}
    assert [*found] == ["d/", "d/f", "l", "h", "n", "p"]
    file = found["d/f"]
    assert (file.kind, file.mode, file.uid, file.gid, file.mtime_ns, file.size) == (
        tarread.REGULAR,
        0o4755,
        1000,
        100,
        1234567890 * 10**9,
        4,
    )
    assert (found["d/"].kind, found["d/"].mode) == (tarread.DIRECTORY, 0o1777)
    assert (found["l"].kind, found["l"].link) == (tarread.SYMLINK, "d/f")
    assert (found["h"].kind, found["h"].link) == (tarread.HARD_LINK, "d/f")
    assert (found["n"].kind, found["n"].device) == (tarread.CHARACTER, (1, 3))
    assert found["p"].kind == tarread.FIFO


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_long_names_and_links_and_numbers(form: str) -> None:
    name, link = "n" * 300, "l/" * 200
    data = tar_of(
        (name, b"x", {"uid": 1 << 30, "gid": 3_000_000, "mtime": 1 << 34}), ("l", f"->{link}"), format=FORMATS[form]
    )
    (file, content), (symlink, _) = read(data)
    assert (file.name, file.uid, file.gid, file.mtime_ns, content) == (
        name,
        1 << 30,
        3_000_000,
        (1 << 34) * 10**9,
        b"x",
    )
    assert symlink.link.rstrip("/") == link.rstrip("/")


def test_times_have_nanoseconds_in_pax() -> None:
    assert next(read(tar_of(("f", b"", {"mtime": 1.5}))))[0].mtime_ns == 1_500_000_000
    assert next(read(tar_of(("f", b"", {"pax_headers": {"mtime": "-1.25"}}))))[0].mtime_ns == -1_250_000_000


def test_extended_attributes() -> None:
    headers = {"SCHILY.xattr.user.a": "1", "SCHILY.xattr.security.capability": "x", "comment": "no attribute"}
    ((entry, _),) = read(tar_of(("f", b"", {"pax_headers": headers})))
    assert entry.attributes == {"user.a": b"1", "security.capability": b"x"}


def test_global_headers_are_passed_by() -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", pax_headers={"comment": "all"}) as tar:
        tar.addfile(tarfile.TarInfo("f"))
    assert [entry.name for entry, _ in read(data.getvalue())] == ["f"]


def test_content_that_is_not_read_is_skipped() -> None:
    data = tar_of(("a", b"x" * 700), ("b", b"y" * 512), ("c", b""))
    assert [entry.name for entry in TarReader(io.BytesIO(data), Limits()).entries()] == ["a", "b", "c"]


@pytest.mark.parametrize("version", ["old", "0.0", "0.1", "1.0"])
def test_sparse_files(tmp_path: Path, version: str) -> None:
    with (tmp_path / "hole").open("wb") as file:
        for at in range(0, 40 << 16, 1 << 17):
            file.seek(at)
            file.write(b"data at %d" % at)
        file.truncate(50 << 16)
    form = ["--format=gnu"] if version == "old" else ["--format=pax", f"--sparse-version={version}"]
    subprocess.run(["tar", "-C", tmp_path, "--sparse", *form, "-cf", tmp_path / "s.tar", "hole"], check=True)
    data = (tmp_path / "s.tar").read_bytes()
    ((entry, content),) = read(data)
    assert (entry.name, entry.kind, entry.size) == ("hole", tarread.REGULAR, 50 << 16)
    assert entry.pieces
    assert content == (tmp_path / "hole").read_bytes()
    assert len(data) < 50 << 16


def test_a_directory_may_be_an_old_regular_file_with_a_slash() -> None:
    (entry, _), (other, _) = read(raw_header(b"d/", b"\0") + raw_header(b"f", b"\0") + END)
    assert (entry.kind, other.kind) == (tarread.DIRECTORY, tarread.REGULAR)


def with_checksum(block: bytes, at: int, value: bytes) -> bytes:
    changed = bytearray(block)
    changed[at : at + len(value)] = value
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


HEADER = raw_header(b"f", size=b"00000000005\0")
BROKEN = {
    "checksum": HEADER[:148] + b"0000000\0" + HEADER[156:],
    "short header": HEADER[:300],
    "content ends early": HEADER + b"12",
    "negative size": with_checksum(HEADER, 124, b"\xff" * 12),
    "huge size": with_checksum(HEADER, 124, b"\x80" + b"\x7f" * 11),
    "size is text": with_checksum(HEADER, 124, b"00000abc000\0"),
    "negative uid": with_checksum(HEADER, 108, b"\xff" * 8),
    "pax record without equals": raw_header(b"x", b"x", b"00000000012\0") + b"10 abcdef\n".ljust(512, b"\0") + HEADER,
    "pax record longer than the header": raw_header(b"x", b"x", b"00000000012\0")
    + b"99 a=bcde\n".ljust(512, b"\0")
    + HEADER,
    "pax record of length 0": raw_header(b"x", b"x", b"00000000012\0") + b"0 a=bcdef\n".ljust(512, b"\0") + HEADER,
    "pax header with negative size": with_checksum(raw_header(b"x", b"x"), 124, b"\xff" * 12) + HEADER,
    "pax path with a NUL": raw_header(b"x", b"x", b"00000000013\0") + b"11 path=a\0\n".ljust(512, b"\0") + HEADER,
    "sparse name with a NUL": tar_of(
        ("f", bytes(512), {"pax_headers": {"GNU.sparse.name": "a\0", "GNU.sparse.map": "0,0", "GNU.sparse.size": "0"}})
    ),
    "long name that never ends": raw_header(b"././@LongLink", b"L", b"77777777777\0"),
    "one block of zeros, then something": bytes(512) + HEADER,
    "garbage": os.urandom(4096),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told(name: str) -> None:
    with pytest.raises(TarError, match=r"archive/tar: |unexpected EOF"):
        list(read(BROKEN[name]))


SPARSE_MAPS = {
    "out of order": "2,100,1,0,100",
    "beyond the end": "1,100,2000",
    "overflow": f"1,{(1 << 62)},{(1 << 62)}",
    "more than is stored": "1,0,900",
    "negative": "1,-5,10",
}


@pytest.mark.parametrize("name", SPARSE_MAPS)
def test_maps_of_sparse_files_that_lie(name: str) -> None:
    numbers = SPARSE_MAPS[name].split(",")[1:]
    headers = {"GNU.sparse.map": ",".join(numbers), "GNU.sparse.size": "1000", "GNU.sparse.numblocks": "1"}
    with pytest.raises(TarError, match="archive/tar: invalid tar header"):
        list(read(tar_of(("f", b"x" * 512, {"pax_headers": headers}))))


def test_as_many_entries_as_are_allowed() -> None:
    data = tar_of(*((f"{n}", b"") for n in range(20)))
    assert len(list(read(data, Limits(entries=20)))) == 20
    with pytest.raises(TarError, match="the archive has more than 19 entries"):
        list(read(data, Limits(entries=19)))


def test_as_much_content_as_is_allowed() -> None:
    data = tar_of(("a", b"x" * 600), ("b", b"y" * 600))
    assert len(list(read(data, Limits(bytes=8192)))) == 2
    with pytest.raises(TarError, match="more than 1000 bytes"):
        list(read(data, Limits(bytes=1000)))


def test_holes_count_as_content(tmp_path: Path) -> None:
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", tmp_path / "s.tar", "hole"], check=True)
    with pytest.raises(TarError, match="more than 1000000 bytes"):
        list(read((tmp_path / "s.tar").read_bytes(), Limits(bytes=1_000_000)))


def test_headers_alone_count_too() -> None:
    """A stream of headers that no entry follows is read no longer than content would be."""
    header = raw_header(b"x", b"x", b"00001000000\0") + bytes(1 << 18)
    with pytest.raises(TarError, match=r"more than 1000000 bytes|invalid tar header"):
        list(read(header * 8 + END, Limits(bytes=1_000_000)))
    long_name = raw_header(b"././@LongLink", b"L", b"00001000000\0") + b"n" * (1 << 18)
    with pytest.raises(TarError, match="more than 1000000 bytes"):
        list(read(long_name * 8 + END, Limits(bytes=1_000_000)))


def test_what_follows_the_end_counts_too() -> None:
    reader = TarReader(io.BytesIO(tar_of(("a", b"")) + bytes(3_000_000)), Limits(bytes=1_000_000))
    assert [entry.name for entry in reader.entries()] == ["a"]
    with pytest.raises(TarError, match="more than 1000000 bytes"):
        reader.drain()


def test_a_path_longer_than_any_can_be() -> None:
    with pytest.raises(TarError, match="a path that is too long"):
        list(read(tar_of(("n" * 5000, b""))))


@settings(max_examples=200)
@given(st.binary(max_size=2048))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    for start in (b"", HEADER, raw_header(b"x", b"x", b"00000000100\0")):
        with contextlib.suppress(TarError):
            list(read(start + data, Limits(bytes=1 << 20)))


@settings(max_examples=150)
@given(st.integers(0, 511), st.binary(min_size=1, max_size=12))
def test_no_damaged_header_makes_it_fail_otherwise(at: int, value: bytes) -> None:
    for header in (HEADER, raw_header(b"s", b"S", b"00000001000\0"), raw_header(b"x", b"x", b"00000000100\0")):
        with contextlib.suppress(TarError):
            list(read(with_checksum(header, min(at, 511 - len(value)), value) + bytes(2048), Limits(bytes=1 << 20)))
