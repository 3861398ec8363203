"""What a failing database says about itself: full, or away for now. Everything else is a bug of ours."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

from ops.errors import Code, DeskError, Unavailable

#: Primary result codes of SQLite that pass by themselves: busy, locked, disk input/output, cannot open.
_PASSING: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
#: PostgreSQL's `disk_full`.
_DISK_FULL_STATE: Final = "53100"
RETRY_AFTER_SECONDS: Final = 5


class DatabaseAway(Unavailable):
    """The database does not answer, or takes nothing for now: UNAVAILABLE, to be tried again."""

    def __init__(self) -> None:
        words = "The database is away; nothing was changed that was not confirmed."
        super().__init__(Code.UNAVAILABLE, words, retry_after_seconds=RETRY_AFTER_SECONDS)


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room for what had to be written, in a database or in a file."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(error, DatabaseError):
        return False
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    return (code is not None and code & 0xFF == sqlite3.SQLITE_FULL) or getattr(
        cause, "sqlstate", ""
    ) == _DISK_FULL_STATE


def refusal_of(error: BaseException) -> DeskError | None:
    """The refusal for what is not the caller's fault and passes by itself; None for everything else."""
    if is_disk_full(error):
        return Unavailable(Code.DISK_FULL, retry_after_seconds=RETRY_AFTER_SECONDS)
    if isinstance(error, (OperationalError, InterfaceError)) and _passes(error):
        return DatabaseAway()
    return None


def _passes(error: Exception) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    # SQLite calls a statement's own mistakes operational too; a server's driver does not.
    return code & 0xFF in _PASSING if code is not None else not isinstance(error.__cause__, sqlite3.Error)
