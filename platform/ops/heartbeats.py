"""A process proves that its loop turns, by the time of its last successful turn."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import DatabaseError

from desk.settings.schema import get_config
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat

INTERVAL_SECONDS = 5.0


def heartbeat_file(run_dir: Path, process_name: str) -> Path:
    """The file that is touched with each row written: a check of a container or unit needs no database for it."""
    return run_dir / "heartbeats" / process_name


class Heartbeat:
    """Writes one `ProcessHeartbeat` row, at most every five seconds.

    Parameters
    ----------
    process_name : str
        Stable name, e.g. `engine`, `trade@sim`; the row's key.
    host : str, optional
        Machine name; this machine's when omitted.
    """

    def __init__(
        self,
        process_name: str,
        host: str = "",
        *,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self.name = process_name
        self.host = host or socket.gethostname()
        self.started_at = wall_now()
        self._interval = interval_seconds
        self._next = 0.0
        self._lock = threading.Lock()

    def beat(self, detail: dict[str, Any] | None = None, *, force: bool = False) -> bool:
        """Record a successful loop; returns whether a row was written.

        A database that is away or locked costs one beat and raises nothing: the missing beat is
        itself the news.
        """
        with self._lock:
            now = time.monotonic()
            if now < self._next and not force:
                return False
            self._next = now + self._interval
        try:
            ProcessHeartbeat.objects.update_or_create(
                name=self.name,
                defaults={
                    "host": self.host,
                    "pid": os.getpid(),
                    "started_at": self.started_at,
                    "last_loop_at": wall_now(),
                    "detail": detail or {},
                },
            )
        except DatabaseError:
            return False
        self._touch()
        return True

    def _touch(self) -> None:
        path = heartbeat_file(get_config().run_dir, self.name)
        # A folder that cannot be written shows as a check that fails.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
