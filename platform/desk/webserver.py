"""The web process's server, which proves that it serves: a heartbeat as every other process has one."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import uvicorn
from django.db import close_old_connections

from ops.heartbeats import INTERVAL_SECONDS, Heartbeat

#: The event loop turns ten times a second; one that has not for this long serves nobody.
STALLED_SECONDS: Final = 5.0


class WebServer(uvicorn.Server):
    """Uvicorn, with a `web` heartbeat for as long as its event loop turns. Several web processes share the row."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._turned_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn at each turn."""
        self._turned_at = time.monotonic()
        return await super().on_tick(counter)

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Serve until told to stop."""
        # Not on the event loop, which never waits for a database.
        threading.Thread(target=self._prove, name="heartbeat", daemon=True).start()
        super().run(*args, **kwargs)

    def _prove(self) -> None:
        heartbeat = Heartbeat("web")
        while not self.should_exit:
            if time.monotonic() - self._turned_at < STALLED_SECONDS:
                heartbeat.beat()
                close_old_connections()
            time.sleep(INTERVAL_SECONDS / 5)
