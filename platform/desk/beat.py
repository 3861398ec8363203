"""Celery beat with a heartbeat and without a schedule file.

The schedule is short and made of wall-clock entries; a file of last runs would only be one more
thing that a kill -9 can tear.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Celery
from celery.beat import Scheduler, SchedulingError, Service
from celery.signals import setup_logging
from django.db import DatabaseError, close_old_connections

from desk.management.process import stop_event_on_signals
from ops.alerts.watches import settled, watch_processes
from ops.heartbeats import Heartbeat

log = logging.getLogger(__name__)

MAX_SLEEP_SECONDS = 5
WATCH_SECONDS = 30.0


class DeskScheduler(Scheduler):
    """In memory; proves each turn by a heartbeat."""

    producer = None  # type: ignore[assignment]
    """Each send takes a pooled producer: Celery's own would wait for Redis for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heartbeat = Heartbeat("beat")
        self._next_watch = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        seconds: float = super().tick(*args, **kwargs)
        close_old_connections()
        self._heartbeat.beat({"entries": len(self.schedule)})
        if settled() and time.monotonic() >= self._next_watch:
            # The core worker watches all others; who watches it must be another process.
            self._next_watch = time.monotonic() + WATCH_SECONDS
            self._watch_core()
        return min(seconds, MAX_SLEEP_SECONDS)

    @staticmethod
    def _watch_core() -> None:
        try:
            watch_processes(["worker.core"])
        except DatabaseError as error:
            log.warning("the core worker could not be watched: %s", type(error).__name__)

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().apply_async(*args, **kwargs)
        except SchedulingError as error:
            log.warning("a periodic task was not sent: %s", error)
            return None


def run_beat(app: Celery) -> None:
    """Run beat until SIGTERM or Ctrl-C."""
    setup_logging.connect(lambda **_: None, weak=False)
    stop = stop_event_on_signals()
    app.loader.import_default_modules()
    service = Service(app, max_interval=MAX_SLEEP_SECONDS, scheduler_cls=DeskScheduler)
    scheduler = service.get_scheduler()
    log.info("beat has %d periodic tasks", len(scheduler.schedule))
    while not stop.is_set():
        stop.wait(scheduler.tick())
    scheduler.close()
