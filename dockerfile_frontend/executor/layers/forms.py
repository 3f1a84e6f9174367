"""In which forms a layer is known as a blob; light, because a build that is cached asks nothing else of layers.

    find_packed(store, "9", Form("zstd", 19).name) ──▶ Packed(diff_id, digest, size, "zstd"), if it was packed so before
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_schema.record import Record

if TYPE_CHECKING:
    from dockerfile_frontend.executor.store import Store

ORIGINAL = "original"
"""The form of an imported layer in which it came."""


class Form(Record):
    """How to pack a layer."""

    compression: str = "gzip"
    """gzip, zstd or uncompressed."""
    level: int | None = None
    """None is the compressor's default."""
    epoch: int | None = None
    """Seconds since 1970; later times become this one (SOURCE_DATE_EPOCH)."""

    @property
    def name(self) -> str:
        return f"{self.compression} {self.level} {self.epoch}"


DEFAULT_FORM = Form()


class Packed(Record):
    """A layer as a blob."""

    diff_id: str
    """Digest of the tar."""
    digest: str
    """Digest of the blob."""
    size: int
    """Bytes of the blob."""
    compression: str


def find_packed(store: Store, layer: str, form: str) -> Packed | None:
    """What is known of a layer's blob in a form, by the form's name."""
    row = store.db.execute("SELECT diff_id, digest, size, media FROM packed WHERE layer = ? AND form = ?", (int(layer), form)).fetchone()
    return Packed(*row) if row else None


def remember_packed(store: Store, layer: str, form: str, packed: Packed) -> None:
    row = (int(layer), form, packed.diff_id, packed.digest, packed.size, packed.compression)
    store.db.execute("INSERT OR REPLACE INTO packed (layer, form, diff_id, digest, size, media) VALUES (?, ?, ?, ?, ?, ?)", row)
