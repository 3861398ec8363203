"""A small persistent pool of session ids for one terminal.

A session id may be used by one running program only, and each id that was ever used leaves a queue file of some 72 MB
with the terminal. So ids come from a fixed list: rotated, because the terminal may hold on to a dead one; and locked,
so that two processes never use the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

_POSITION: Final = "position.json"


class LockHeld(Exception):
    """Another process (or session) holds the lock."""


class FileLock:
    """An exclusive lock of the operating system on a file: it ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock now.

        Raises
        ------
        LockHeld
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("ab")
        try:
            _lock(file)
        except OSError as error:
            file.close()
            raise LockHeld(str(self._path)) from error
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()  # the system releases the lock with the handle
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class SessionLease:
    """A session id that is ours until it is released."""

    def __init__(self, session_id: int, lock: FileLock) -> None:
        self.session_id = session_id
        self._lock = lock

    def release(self) -> None:
        """Let others use the id."""
        self._lock.release()


class SessionPool:
    """Rotates through the ids of one terminal.

    Parameters
    ----------
    folder : Path
        Shared by all processes on the terminal's machine; holds the locks and the position.
    session_ids : sequence of int
        At least two different positive ids, so that a refused one can be left alone for a round.
    """

    def __init__(self, folder: Path, session_ids: Sequence[int]) -> None:
        ids = list(dict.fromkeys(session_ids))
        if len(ids) < 2 or any(one <= 0 for one in ids):
            raise ValueError(f"a session pool needs at least two different positive ids, not {list(session_ids)!r}")
        self._folder = folder
        self._ids = ids

    @property
    def session_ids(self) -> tuple[int, ...]:
        """The ids of the pool."""
        return tuple(self._ids)

    def leases(self) -> Iterator[SessionLease]:
        """Every id that nobody holds, once, starting behind the one used last. Each must be released by the caller."""
        position = self._position()
        for step in range(1, len(self._ids) + 1):
            place = (position + step) % len(self._ids)
            lock = FileLock(self._folder / f"session-{self._ids[place]}.lock")
            try:
                lock.acquire()
            except LockHeld:
                continue
            self._remember(place)
            yield SessionLease(self._ids[place], lock)

    def _position(self) -> int:
        try:
            last = json.loads((self._folder / _POSITION).read_text(encoding="utf-8"))["last"]
            return self._ids.index(last)
        except (OSError, ValueError, KeyError, TypeError):
            return -1  # never used, damaged, or an id that is no longer in the pool: start at the beginning

    def _remember(self, place: int) -> None:
        target = self._folder / _POSITION
        draft = target.with_name(f"{_POSITION}.{os.getpid()}")
        draft.write_text(json.dumps({"last": self._ids[place]}), encoding="utf-8")
        with contextlib.suppress(
            OSError
        ):  # Windows refuses while another process reads it: rotating once more is all that is lost
            draft.replace(target)
