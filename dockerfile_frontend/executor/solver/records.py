"""What is known: results by key.

    result   id -> layers of each output, op, name, times
    key      key -> result id; several keys may lead to one result (by definition, by content)
    part     key -> every input of the key, for `explain`

A result's id is the key it was first made under, except for a step told to ignore the cache, whose result is new each time.
Downstream keys are made of result ids, so a content hit makes everything after it hit too, and nothing made from the old result
of a step hits once the step has a new one. The tables stand in `executor.db`.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import starmap
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .keys import Key, Part
from .model import LocalView, Result, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dockerfile_frontend.executor.db import Database

class Known(Record):
    """A result that is in the store."""

    id: str
    outputs: tuple[Tree, ...]
    name: str = ""
    created: float = 0.0
    """Unix seconds."""
    op: str = ""
    """Digest of the vertex that made it."""
    imported: str = ""
    """The cache outside the store that it came from."""
    took: float = 0.0
    """Seconds that making it took; 0 where nobody knows, as of what is imported."""


class Records:
    """The cache's table of contents, shared by all processes on one store."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.beyond: Callable[[str], Known | None] = lambda _key: None
        """Asks the caches outside the store; set by `cache.imports`."""

    def find(self, key: str) -> Known | None:
        """The result under `key`, or None."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM key k JOIN result r ON r.id = k.result WHERE k.key = ?",  # noqa: S608 - constant
            (key,),
        ).fetchone()
        return _known(row) if row else None

    def get(self, result_id: str) -> Known | None:
        """The result of that id, or None."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM result r WHERE id = ?", (result_id,)).fetchone()  # noqa: S608 - constant
        return _known(row) if row else None

    def all(self) -> list[Known]:
        """Every result, the oldest first."""
        return [_known(row) for row in self._db.execute(f"SELECT {_COLUMNS} FROM result r ORDER BY created, id")]  # noqa: S608 - constant

    def has_imported(self) -> bool:
        """Whether any result came from a cache outside the store."""
        return self._db.execute("SELECT 1 FROM result WHERE imported <> '' LIMIT 1").fetchone() is not None

    def keys_of(self, result_id: str) -> list[Key]:
        """The keys that lead to a result, with what they were made of."""
        rows = self._db.execute("SELECT key, kind FROM key WHERE result = ? ORDER BY key", (result_id,)).fetchall()
        return [Key(key, tuple(starmap(Part, self.parts(key))), kind) for key, kind in rows]

    def result_id(self, key: str) -> str:
        """The result a key leads to; a key that leads nowhere yet stands for itself."""
        return self.first_id([key]) or key

    def first_id(self, keys: Iterable[str]) -> str:
        """The result that the first of the keys leads to which leads to any, whether its files are there or not; else nothing."""
        for key in keys:
            row = self._db.execute("SELECT result FROM key WHERE key = ?", (key,)).fetchone()
            if row:
                return str(row[0])
        return ""

    def lead(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether every key still leads to the result that it is paired with."""
        return all(self.first_id([key]) == result for key, result in pairs)

    def add(self, known: Known, keys: Sequence[Key]) -> Known:
        """Record a new result under its keys; a key that led elsewhere leads here from now on.

        Of an id that is there already other keys are forgotten: they led to what was made of other content.
        """
        now = time.time()
        known = replace(known, created=known.created or now)
        outputs = json.dumps([output.layers for output in known.outputs])
        row = (known.id, outputs, known.op, known.name, known.created, now, known.imported, known.took)
        with self._db.transaction():
            self._db.execute("DELETE FROM key WHERE result = ?", (known.id,))
            self._db.execute(
                "INSERT INTO result (id, outputs, op, name, created, used, imported, took) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET outputs = excluded.outputs, op = excluded.op, name = excluded.name, "
                "created = excluded.created, used = excluded.used, imported = excluded.imported, took = excluded.took",
                row,
            )
            self._lead(known.id, keys)
        return known

    def forget(self, ids: Iterable[str]) -> None:
        """Drop results and their keys."""
        with self._db.transaction():
            self._db.executemany("DELETE FROM result WHERE id = ?", [(i,) for i in ids])

    def alias(self, known: Known, keys: Sequence[Key]) -> None:
        """Let more keys lead to a known result."""
        with self._db.transaction():
            self._lead(known.id, keys)

    def touch(self, ids: Iterable[str]) -> None:
        """Note that these results were used now; least recently used results are collected first."""
        now = time.time()
        with self._db.transaction():
            self._db.executemany("UPDATE result SET used = ?, uses = uses + 1 WHERE id = ?", [(now, i) for i in ids])

    def parts(self, key: str) -> list[tuple[str, str]]:
        """(label, value) of every input of `key`, in order."""
        return self._db.execute("SELECT label, value FROM part WHERE key = ? ORDER BY position", (key,)).fetchall()

    def _lead(self, result_id: str, keys: Sequence[Key]) -> None:
        for key in keys:
            self._db.execute(
                "INSERT INTO key (key, result, kind) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET result = excluded.result",
                (key.digest, result_id, key.kind),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO part (key, position, label, value) VALUES (?, ?, ?, ?)",
                [(key.digest, n, part.label, part.value) for n, part in enumerate(key.parts)],
            )


def storable(results: Iterable[Result]) -> bool:
    """A view of the client's directory is not kept: it has no bytes of its own."""
    return not any(isinstance(r, LocalView) for r in results)


_COLUMNS = "r.id, r.outputs, r.name, r.created, r.op, r.imported, r.took"


def _known(row: tuple[str, str, str, float, str, str, float]) -> Known:
    identity, outputs, name, created, op, imported, took = row
    return Known(identity, tuple(Tree(tuple(layers)) for layers in json.loads(outputs)), name, created, op, imported, took)
