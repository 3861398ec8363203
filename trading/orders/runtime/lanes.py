"""One queue and one thread per account and purpose, so that accounts never wait for each other.

An SDK call may hang. It then holds its own account's lane and nothing else: Celery's threads only
wait for a lane for a bounded time, cancels have lanes of their own, and a lane that hangs too long
makes the session sick.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    key: Hashable
    run: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class Stopping(Exception):
    """No lane takes anything any more: what is queued stays in its row."""


class Lane:
    """Runs jobs one after another. A job that waits or runs already is not queued a second time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._jobs: dict[Hashable, _Job] = {}
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        self._abandoned = False
        self._thread = database_thread(self._run, name=name)
        self._thread.start()

    def submit(self, key: Hashable, run: Callable[[], T]) -> Future[T]:
        """Queue `run`; with a job of the same key in the lane, that job's future is the answer."""
        with self._lock:
            waiting = self._jobs.get(key)
            if waiting is not None:
                return cast("Future[T]", waiting.done)
            job = self._jobs[key] = _Job(key, run)
        self._queue.put(job)
        return job.done

    @property
    def busy_seconds(self) -> float:
        """How long the present job has been running; 0 when the lane is idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self) -> None:
        """End after the jobs that are queued."""
        self._queue.put(None)

    def abandon(self) -> None:
        """End after the present job, if that ever returns; what is queued behind it stays in its row."""
        self._abandoned = True
        self._queue.put(None)

    def join(self, timeout_seconds: float) -> bool:
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None and not self._abandoned:
            self._busy_since = time.monotonic()
            result: Any = None
            failure: Exception | None = None
            try:
                with usable_connection():
                    result = job.run()
            except Exception as error:
                failure = error
                logger.exception("%s: job %s failed", self.name, job.key)
            finally:
                self._busy_since = None
                with self._lock:
                    self._jobs.pop(job.key, None)
            if failure is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(failure)


class Lanes:
    """The lanes of one trade worker, made as accounts are met."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def get(self, purpose: str, account_id: int) -> Lane:
        """The lane of an account for `purpose` ("send" or "cancel").

        Raises
        ------
        Stopping
            The worker is stopping.
        """
        with self._lock:
            if self._stopped:
                raise Stopping("the trade worker is stopping")
            key = (purpose, account_id)
            if key not in self._lanes:
                self._lanes[key] = Lane(f"{purpose}-{account_id}")
            return self._lanes[key]

    def abandon_hung(self, seconds: float) -> list[str]:
        """Give up the lanes whose present job runs longer than `seconds`, and return their names.

        The account gets a new lane with its next job. What the hung one was doing stays SUBMITTING
        until its deadline, and is then resolved by evidence like any other UNKNOWN order.
        """
        with self._lock:
            hung = {key: lane for key, lane in self._lanes.items() if lane.busy_seconds > seconds}
            for key, lane in hung.items():
                lane.abandon()
                del self._lanes[key]
            return [lane.name for lane in hung.values()]

    def stop(self, timeout_seconds: float) -> bool:
        """End every lane after its queued jobs; False when one did not end in time."""
        with self._lock:
            self._stopped = True
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.stop()
        deadline = time.monotonic() + timeout_seconds
        ended = [lane.join(max(0.0, deadline - time.monotonic())) for lane in lanes]
        return all(ended)
