"""The store's table of contents: one SQLite file, its schema, and the way threads and processes share it.

    db = Database("/store/db.sqlite")
    db.execute("SELECT state FROM layer WHERE id = ?", (7,)).fetchone()
    with db.transaction():                       # BEGIN IMMEDIATE … COMMIT; nested blocks join the outer one
        db.execute("UPDATE layer SET state = 'ready' WHERE id = ?", (7,))

Each thread has its own connection. The journal is a write-ahead log, so readers never wait for a writer. Nothing is synced to
the disk while a build runs: a killed process loses nothing, a machine that loses power may lose what was written last, and what
the table then says of layers and blobs is checked before it is believed (see `store`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from .locks import exclusive
from .solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BUSY_SECONDS = 60
"""How long a process waits for another's transaction; all of them are short."""


class StoreError(ExecutorError):
    """The store cannot do what it is asked."""


MIGRATIONS = (
    """
    CREATE TABLE layer (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL,                 -- draft, packed, ready
        session TEXT NOT NULL DEFAULT '',    -- who is writing a draft
        chain TEXT UNIQUE,                   -- OCI chain id of an imported layer
        below TEXT NOT NULL DEFAULT '',      -- the layers it was made over, of an imported one
        diff_id TEXT NOT NULL DEFAULT '',    -- digest of its tar, once known
        description TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL, used REAL NOT NULL,
        size INTEGER NOT NULL DEFAULT 0,     -- bytes in real blocks
        entries INTEGER NOT NULL DEFAULT 0,
        whiteouts INTEGER NOT NULL DEFAULT 0, -- how many of them hide something below
        seal TEXT NOT NULL DEFAULT '',       -- digest over names, kinds and sizes, to know it again after a power loss
        boot TEXT NOT NULL DEFAULT '');      -- boot in which it was written; empty once it is known to be on the disk
    CREATE TABLE blob (
        digest TEXT PRIMARY KEY, size INTEGER NOT NULL, created REAL NOT NULL, used REAL NOT NULL,
        boot TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
    CREATE TABLE packed (                    -- the tars of a layer, one for each way to pack it
        layer INTEGER NOT NULL REFERENCES layer(id) ON DELETE CASCADE, form TEXT NOT NULL,
        diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, media TEXT NOT NULL,
        PRIMARY KEY (layer, form)) WITHOUT ROWID;
    CREATE TABLE flat (                      -- one layer that equals many
        layers TEXT PRIMARY KEY, layer INTEGER NOT NULL REFERENCES layer(id) ON DELETE CASCADE) WITHOUT ROWID;
    CREATE TABLE lease (
        session TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (session, kind, name)) WITHOUT ROWID;
    CREATE TABLE directory (                 -- directories of cache mounts, and whatever else grows beside the layers
        kind TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL, used REAL NOT NULL, size INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (kind, name)) WITHOUT ROWID;
    CREATE TABLE hashes (                    -- digests of a client's files, one row a directory
        directory TEXT PRIMARY KEY, data BLOB NOT NULL, used REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE memo (                      -- answers that are dear to find again
        kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, used REAL NOT NULL,
        PRIMARY KEY (kind, key)) WITHOUT ROWID;
    """,
    """
    DROP TABLE IF EXISTS part;
    DROP TABLE IF EXISTS key;
    DROP TABLE IF EXISTS result;
    CREATE TABLE result (                    -- what steps made
        id TEXT PRIMARY KEY, outputs TEXT NOT NULL, op TEXT NOT NULL, name TEXT NOT NULL,
        created REAL NOT NULL, used REAL NOT NULL, uses INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE key (                       -- under what it is found again
        key TEXT PRIMARY KEY, result TEXT NOT NULL REFERENCES result(id) ON DELETE CASCADE,
        kind TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX key_result ON key(result);
    CREATE TABLE part (                      -- what each key was made of, in order
        key TEXT NOT NULL REFERENCES key(key) ON DELETE CASCADE, position INTEGER NOT NULL,
        label TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key, position)) WITHOUT ROWID;
    CREATE TABLE detail (                    -- what the digest in a part stands for: an op, the files of a selection
        digest TEXT PRIMARY KEY, kind TEXT NOT NULL, data BLOB NOT NULL, used REAL NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE result ADD COLUMN imported TEXT NOT NULL DEFAULT '';  -- the cache outside the store that it came from
    CREATE INDEX result_imported ON result(imported) WHERE imported <> '';
    """,
    """
    ALTER TABLE directory ADD COLUMN measured REAL NOT NULL DEFAULT 0;  -- when `size` was counted
    """,
    """
    ALTER TABLE result ADD COLUMN took REAL NOT NULL DEFAULT 0;  -- seconds that making it took; 0 where nobody knows
    """,
)
"""Applied in order; `PRAGMA user_version` counts those that have been."""

_HEADER_BYTES = 100
_LEAST_ROOM = 1 << 18
_WRITE_AHEAD = b"\x02\x02"

PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY")


class Database:
    """One connection a thread to one file. Raises StoreError for whatever SQLite refuses."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._migrate()

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        with self._told():
            return self._connection().execute(sql, tuple(values))

    def executemany(self, sql: str, rows: Iterable[Iterable[Any]]) -> sqlite3.Cursor:
        with self._told():
            return self._connection().executemany(sql, [tuple(row) for row in rows])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what the block does; holds off other writers, in this process too."""
        if getattr(self._local, "depth", 0):
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        self._local.depth = 1
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        else:
            try:
                self.execute("COMMIT")
            except StoreError:
                self._roll_back()
                raise
        finally:
            self._local.depth = 0

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._opened:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
            for pragma in PRAGMAS:
                found.execute(pragma)
        return found

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection().execute("ROLLBACK")

    def _migrate(self) -> None:
        """Bring the schema up to date, one process at a time: two that open a new file at once would wait for each other."""
        if _written_version(self.path) == len(MIGRATIONS):
            return
        folder = os.path.dirname(self.path)
        locks = os.path.join(folder, "locks")
        with exclusive(locks if os.path.isdir(locks) else folder, "database"):
            version = self._version()
            if version < len(MIGRATIONS):
                with self.transaction():
                    for number in range(version, len(MIGRATIONS)):
                        for statement in _statements(MIGRATIONS[number]):
                            self.execute(statement)
                    self.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        if version > len(MIGRATIONS):
            self.close()
            raise StoreError(f"the store {self.path} was written by a newer version of this program", hint="use that, or another --root")

    def _version(self) -> int:
        return int(self.execute("PRAGMA user_version").fetchone()[0])

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self.path) from error


def _written_version(path: str) -> int:
    """The version that stands in the file's header; 0 where it is not in use yet. What is only in its log does not count."""
    try:
        with open(path, "rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return 0
    return int.from_bytes(header[60:64], "big") if header[18:20] == _WRITE_AHEAD else 0


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, each for itself, so that all run in one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _explain(error: sqlite3.Error, path: str) -> StoreError:
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    match "FULL" if name == "IOERR" and _is_full(path) else name:
        case "FULL":
            return StoreError(f"no space left for the store's database {path}", hint="dfc cache prune frees what builds left")
        case "READONLY" | "CANTOPEN":
            return StoreError(f"the store's database {path} cannot be written: {error}")
        case "CORRUPT" | "NOTADB":
            return StoreError(f"the store's database {path} is damaged: {error}", hint="remove the store, or give another --root")
        case "BUSY":
            return StoreError(f"the store's database {path} was kept locked for {BUSY_SECONDS} seconds")
        case _:
            return StoreError(f"the store's database {path}: {error}")


def _is_full(path: str) -> bool:
    """Whether there is too little room for SQLite's own files, which it calls an I/O error."""
    try:
        disk = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _LEAST_ROOM
