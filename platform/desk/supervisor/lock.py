"""One supervisor per state folder."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

if os.name == "posix":
    import fcntl


class AlreadyRunning(RuntimeError):
    """Another supervisor holds the state folder."""

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid


class SupervisorLock:
    """An exclusive lock on `up.lock`; the kernel releases it however the holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Python's descriptors are not inherited, so no child keeps the lock alive.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunning(holder or "unknown") from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
