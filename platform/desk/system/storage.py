"""Room on the disk, and how large the databases have become."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connections

DATABASES = ("default", "quotes")


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the state folder, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Database:
    """One database; `size` in bytes, None while it does not answer."""

    alias: str
    vendor: str
    size: int | None


def disk(folder: Path) -> Disk:
    """Room on the file system of `folder`."""
    usage = shutil.disk_usage(folder)
    return Disk(free=usage.free, total=usage.total)


def databases() -> list[Database]:
    """Both databases with their sizes."""
    return [Database(alias, connections[alias].vendor, _size(alias)) for alias in DATABASES]


def _size(alias: str) -> int | None:
    connection = connections[alias]
    try:
        if connection.vendor == "sqlite":
            return _sqlite_size(Path(connection.settings_dict["NAME"]))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            row = cursor.fetchone()
        return int(row[0])
    except (DatabaseError, OSError):
        return None


def _sqlite_size(path: Path) -> int:
    """The file and what of it still stands in its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)
