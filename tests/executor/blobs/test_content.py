"""Blobs: verified, resumed, never half there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dockerfile_frontend.executor.blobs.digests import check_digest, digest_of, hex_of
from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.solver.model import Cancelled
from dockerfile_frontend.executor.store import Store

DATA = b"some bytes" * 1000
DIGEST = digest_of(DATA)


def ingest(store: Store) -> list[str]:
    return os.listdir(f"{store.path}/ingest")


def test_a_blob_is_found_by_its_digest(store: Store) -> None:
    with store.new_blob() as out:
        out.write(DATA[:10])
        out.write(memoryview(DATA)[10:])
    assert out.digest == DIGEST
    path = store.blob_path(DIGEST)
    assert path == Path(store.path, "blobs/sha256", hex_of(DIGEST))
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o444
    assert store.blobs.size(DIGEST) == len(DATA)
    assert ingest(store) == []


@pytest.mark.parametrize(
    "text",
    [
        "sha256:../../x",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 128,
        "",
        "sha256:" + "a" * 64 + "\n",
        None,
        5,
        "../" + "a" * 64,
        "sha256:" + "a" * 62 + "/.",
        "x" * 100_000,
    ],
    ids=str,
)
def test_cve_2024_3727_what_is_no_digest_becomes_no_path(store: Store, text: str) -> None:
    for use in (check_digest, store.blob_path, store.blobs.size, store.blobs.remove, store.blobs.open):
        with pytest.raises(StoreError, match="invalid digest"):
            use(text)
    if text:
        with pytest.raises(StoreError, match="invalid digest"), store.new_blob(text):
            pass


@pytest.mark.parametrize(
    ("data", "size"),
    [(DATA[:-1], len(DATA)), (DATA + b"x", len(DATA)), (DATA[:-1] + b"X", len(DATA)), (b"", None), (DATA + b"x", None)],
)
def test_other_bytes_than_the_digest_says_are_refused(store: Store, data: bytes, size: int | None) -> None:
    with (
        pytest.raises(StoreError, match=r"failed size validation|longer than the expected|unexpected commit digest"),
        store.new_blob(DIGEST, size) as out,
    ):
        out.write(data)
    assert store.blob_path(DIGEST) is None
    assert ingest(store) == []


def test_what_breaks_off_is_resumed(store: Store) -> None:
    with pytest.raises(ConnectionError), store.new_blob(DIGEST, len(DATA)) as out:
        out.write(DATA[:600])
        raise ConnectionError
    with store.new_blob(DIGEST, len(DATA)) as out:
        assert out.offset == 600
        out.write(DATA[600:])
    assert store.blob_path(DIGEST)
    assert ingest(store) == []


def test_a_server_that_begins_anew(store: Store) -> None:
    with pytest.raises(ConnectionError), store.new_blob(DIGEST, len(DATA)) as out:
        out.write(DATA[:600])
        raise ConnectionError
    with store.new_blob(DIGEST, len(DATA)) as out:
        out.restart()
        out.write(DATA)
    assert store.blob_path(DIGEST)


def test_a_damaged_piece_is_thrown_away(store: Store) -> None:
    Path(store.path, "ingest", f"{hex_of(DIGEST)}.partial").write_bytes(b"X" * 600)
    with pytest.raises(StoreError, match="unexpected commit digest"), store.new_blob(DIGEST, len(DATA)) as out:
        out.write(DATA[out.offset :])
    with store.new_blob(DIGEST, len(DATA)) as out:
        assert out.offset == 0
        out.write(DATA)


def test_a_piece_longer_than_the_blob(store: Store) -> None:
    Path(store.path, "ingest", f"{hex_of(DIGEST)}.partial").write_bytes(DATA * 2)
    with store.new_blob(DIGEST, len(DATA)) as out:
        assert out.offset == 0
        out.write(DATA)


def test_a_blob_that_is_there_is_not_written_again(store: Store) -> None:
    with store.new_blob(DIGEST) as out:
        out.write(DATA)
    with store.new_blob(DIGEST) as out:
        assert out.done


def test_two_threads_fetch_one_blob_once(store: Store) -> None:
    begun, written = threading.Barrier(4), []

    def fetch() -> None:
        begun.wait()
        with store.new_blob(DIGEST, len(DATA)) as out:
            if not out.done:
                out.write(DATA)
                written.append(1)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written == [1]


def test_waiting_for_another_can_be_cancelled(store: Store) -> None:
    def stop() -> None:
        raise Cancelled

    with store.new_blob(DIGEST) as out:
        with pytest.raises(Cancelled), store.new_blob(DIGEST, check_cancelled=stop):
            pass
        out.write(DATA)


def test_a_blob_whose_file_is_gone_or_cut_is_forgotten(store: Store) -> None:
    for damage in (Path.unlink, lambda path: os.truncate(path, 5)):
        with store.new_blob(DIGEST) as out:
            out.write(DATA)
        damage(Path(store.path, "blobs/sha256", hex_of(DIGEST)))
        assert store.blob_path(DIGEST) is None
        assert store.blobs.size(DIGEST) is None


def test_a_blob_of_an_earlier_boot_is_hashed_once(store: Store) -> None:
    """After a power loss its row may be on the disk and its bytes not."""
    with store.new_blob(DIGEST) as out:
        out.write(DATA)
    file = Path(store.path, "blobs/sha256", hex_of(DIGEST))
    store.db.execute("UPDATE blob SET boot = 'earlier'")
    assert store.blob_path(DIGEST)
    assert store.db.execute("SELECT boot FROM blob").fetchone() == ("",)
    store.db.execute("UPDATE blob SET boot = 'earlier'")
    file.chmod(0o600)
    file.write_bytes(bytes(len(DATA)))
    assert store.blob_path(DIGEST) is None
    assert not file.exists()


def test_bytes_given_out_do_not_change_with_their_copy(store: Store, tmp_path: Path) -> None:
    with store.new_blob() as out:
        out.write(DATA)
    store.copy_blob(store.blob_path(DIGEST) or "", str(tmp_path / "copy"))
    (tmp_path / "copy").write_bytes(b"changed")
    with store.blobs.open(DIGEST) as file:
        assert file.read() == DATA
