"""One log file per process, bounded in size and number.

Two processes of one name (two web processes) take two files: whoever comes second finds the first one locked. Nobody ever
turns over a file that another process writes.
"""

from __future__ import annotations

import contextlib
from logging.handlers import RotatingFileHandler
from pathlib import Path

from desk.supervisor.lock import AlreadyRunning, SupervisorLock
from ops.logs import process_name

MOST_ALIKE = 64
"""Processes of one name on one machine."""


class ProcessFile(RotatingFileHandler):
    """Writes `<process>.log` (`<process>-2.log` …) in `folder`; the file is chosen with the first line.

    Parameters
    ----------
    max_bytes
        The file is turned over before it grows beyond this.
    keep
        Older files kept beside it (`.1` is the youngest).
    """

    def __init__(self, folder: Path, *, max_bytes: int, keep: int) -> None:
        self._folder = folder
        self._lock_of_file: SupervisorLock | None = None
        super().__init__(folder / "unnamed.log", maxBytes=max_bytes, backupCount=keep, encoding="utf-8", delay=True)

    def _open(self):  # type: ignore[no-untyped-def]  # the stream's type is typeshed's own
        if self._lock_of_file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.baseFilename = str(self._take().resolve())
        return super()._open()

    def _take(self) -> Path:
        """The first file of this process's name that nobody else writes."""
        name = process_name()
        for number in range(1, MOST_ALIKE + 1):
            path = self._folder / (f"{name}.log" if number == 1 else f"{name}-{number}.log")
            lock = SupervisorLock(path.with_suffix(".lock"))
            with contextlib.suppress(AlreadyRunning):
                lock.__enter__()
                self._lock_of_file = lock
                return path
        raise OSError(f"{MOST_ALIKE} processes named {name} write logs to {self._folder}")

    def close(self) -> None:
        super().close()
        if self._lock_of_file is not None:
            self._lock_of_file.__exit__(None, None, None)
            self._lock_of_file = None
