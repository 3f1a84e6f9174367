"""Headers as written, read back by Python's tarfile and by our own reader."""

from __future__ import annotations

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.executor.layers.tarread import Limits, TarReader
from dockerfile_frontend.executor.layers.tarwrite import (
    END,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Header,
    encode_header,
    padding,
)

letters = st.characters(codec="utf-8", exclude_characters="\0/")
names = st.text(letters, min_size=1, max_size=40)
paths = st.lists(names, min_size=1, max_size=9).map("/".join).filter(lambda path: not {".", ".."} & {*path.split("/")})


@given(
    st.builds(
        Header,
        name=paths,
        kind=st.sampled_from([REGULAR, SYMLINK, HARD_LINK]),
        mode=st.integers(0, 0o7777),
        uid=st.integers(0, (1 << 32) - 1),
        gid=st.integers(0, (1 << 32) - 1),
        mtime=st.integers(-(1 << 40), 1 << 40),
        link=paths,
        attributes=st.dictionaries(st.sampled_from(["user.a", "security.capability"]), st.binary(max_size=30)),
    )
)
def test_what_is_written_is_read(header: Header) -> None:
    data = encode_header(header) + END
    (entry,) = TarReader(io.BytesIO(data), Limits()).entries()
    assert (entry.name, entry.kind, entry.mode, entry.uid, entry.gid) == (
        header.name,
        header.kind,
        header.mode,
        header.uid,
        header.gid,
    )
    assert entry.mtime_ns == header.mtime * 10**9
    assert entry.link == header.link
    assert entry.attributes == (header.attributes or {})
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (info,) = tar.getmembers()
    assert (info.name, info.uid, info.gid, info.mode, int(info.mtime)) == (
        header.name,
        header.uid,
        header.gid,
        header.mode,
        header.mtime,
    )


def test_a_name_that_fits_in_two_fields_needs_no_more() -> None:
    assert len(encode_header(Header(f"{'d' * 100}/{'f' * 90}"))) == 512
    assert len(encode_header(Header("f" * 101))) > 512


def test_content_is_filled_up_to_blocks() -> None:
    assert [len(padding(size)) for size in (0, 1, 511, 512, 513)] == [0, 511, 1, 0, 511]


def test_a_large_file_has_its_size_in_a_record() -> None:
    (entry,) = [next(TarReader(io.BytesIO(encode_header(Header("f", size=9 << 33))), Limits()).entries())]
    assert entry.size == 9 << 33
