"""SQLite's side: a pinned snapshot copied by the online backup API; a file put in another's place.

Everything goes through the module that Django uses: a second SQLite library in the process would drop the locks of the first, and so
would opening and closing a live file by hand. The files that are hashed and compressed are copies.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from desk.backup.errors import damaged, refused


@dataclass(slots=True)
class SqliteSnapshot:
    """One database as it was at one moment; while it is open, the write-ahead log grows and nobody waits."""

    alias: str
    _raw: Any

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement without parameters."""
        return list(self._raw.execute(sql).fetchall())

    def copy_to(self, path: Path) -> None:
        """Copy the snapshot into a new file, in one step: in WAL mode a reader keeps no writer waiting, and a copy in several steps
        would begin anew with every write of somebody else."""
        target = sqlite3.connect(path)
        try:
            self._raw.backup(target, pages=-1)
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()


@contextmanager
def sqlite_snapshot(alias: str) -> Iterator[SqliteSnapshot]:
    """Pin a database as it is now, on a connection of its own."""
    connection = connections[alias].copy()
    connection.ensure_connection()
    raw: Any = connection.connection
    try:
        raw.execute("BEGIN DEFERRED")
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield SqliteSnapshot(alias, raw)
    finally:
        raw.rollback()
        connection.close()


def sqlite_rows(path: Path) -> dict[str, int]:
    """Number of rows by table of a copy."""
    connection = sqlite3.connect(path)
    try:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        ).fetchall()
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}  # noqa: S608
    finally:
        connection.close()


def sqlite_check(path: Path) -> None:
    """Refuse a file that SQLite itself finds damaged.

    Raises
    ------
    DeskError
        BACKUP_DAMAGED.
    """
    connection = sqlite3.connect(path)
    try:
        words = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        words = str(error)
    finally:
        connection.close()
    if words != "ok":
        raise damaged(path, f"SQLite says: {words}")


def database_file(connection: BaseDatabaseWrapper) -> Path:
    """The file of a SQLite database."""
    return Path(connection.settings_dict["NAME"])


def beside(path: Path) -> tuple[Path, Path]:
    """The write-ahead log and its index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def settle(connection: BaseDatabaseWrapper) -> None:
    """Bring everything out of the log into the file, and close it; what nobody else has open has no log then.

    Raises
    ------
    Conflict
        RESTORE_REFUSED: another process has the file open.
    """
    path = database_file(connection)
    if not path.exists():
        connection.close()
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except DatabaseError:
        return  # not a database any more: it is kept as it lies, its log with it
    finally:
        connection.close()
    if any(file.exists() for file in beside(path)):
        raise refused("another process has the database open", file=path.name)


def put_in_place(staged: Path, target: Path, kept: Path) -> None:
    """Let `staged` become `target` in one step; what was there goes to `kept`."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        try:
            os.link(target, kept)
        except OSError:  # a file system without hard links: for a moment nothing stands at the target
            target.replace(kept)
    staged.replace(target)
