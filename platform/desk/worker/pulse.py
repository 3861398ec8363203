"""Proof that a worker still consumes: it sends itself a task and waits for it.

A Celery worker can be alive, connected and deaf (after a Redis reconnect, for one). So its
heartbeat only goes on while the probe comes back, or while Redis is away altogether: then there is
nothing to hear, and a restart would only cost the SDK session.
"""

from __future__ import annotations

import logging
import threading
import time

from celery import shared_task
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from ops.heartbeats import INTERVAL_SECONDS, Heartbeat

log = logging.getLogger(__name__)

DEAF_AFTER_SECONDS = 20.0
PROBE_EXPIRES_SECONDS = 15

_heard: dict[str, float] = {}


@shared_task(name="desk.worker_probe", ignore_result=True)
def worker_probe(name: str) -> None:
    """Note that worker `name` consumed a task just now."""
    _heard[name] = time.monotonic()


def probe_queue(name: str) -> str:
    """Name of the queue that only worker `name` reads."""
    return f"probe.{name}"


class Pulse:
    """The thread that beats for a worker."""

    def __init__(self, name: str, *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._name = name
        self._interval = interval_seconds
        self._heartbeat = Heartbeat(name, interval_seconds=0)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        _heard[self._name] = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while True:
            self.turn()
            if self._stopped.wait(self._interval):
                return

    def turn(self) -> bool:
        """Send one probe and beat if the worker hears; returns whether it beat."""
        broker = self._send_probe()
        silence = time.monotonic() - _heard.get(self._name, 0.0)
        if broker and silence > DEAF_AFTER_SECONDS:
            log.warning("no task was consumed for %.0f s although Redis takes them", silence)
            return False
        if not broker:
            # Silence is counted from the moment Redis is back.
            _heard[self._name] = time.monotonic()
        close_old_connections()
        return self._heartbeat.beat({"broker": "ok" if broker else "away", "consumed_seconds_ago": round(silence, 1)})

    def _send_probe(self) -> bool:
        try:
            worker_probe.apply_async(
                args=(self._name,),
                queue=probe_queue(self._name),
                expires=PROBE_EXPIRES_SECONDS,
                retry=False,
            )
        except (OperationalError, OSError):
            return False
        return True
