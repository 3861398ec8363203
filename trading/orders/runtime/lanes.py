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
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ops.trouble import refusal_of
from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")

Prepare = Callable[[Sequence[Item]], Sequence[Callable[[], T]]]
"""Readies several items at once and gives what is left to do for each, in their order."""


@dataclass(slots=True)
class _Job:
    key: Hashable
    item: Any
    prepare: Prepare[Any, Any]
    most: int = 1
    done: Future[Any] = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)


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
        return self._queued(_Job(key, run, _alone))

    def submit_together(self, key: Hashable, item: Item, prepare: Prepare[Item, T], *, most: int) -> Future[T]:
        """Queue `item`; what has gathered when its turn comes is prepared at once, `most` items at a time.

        What `prepare` returns for each item then runs by itself: one that fails does not stop the others. A failure
        of `prepare` is the failure of all.
        """
        return self._queued(_Job(key, item, prepare, most))

    def _queued(self, job: _Job) -> Future[Any]:
        with self._lock:
            waiting = self._jobs.get(job.key)
            if waiting is not None:
                return waiting.done
            self._jobs[job.key] = job
        self._queue.put(job)
        return job.done

    @property
    def busy_seconds(self) -> float:
        """How long the present job has been running; 0 when the lane is idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def waiting(self) -> tuple[int, float]:
        """Jobs that have not ended, and the age in seconds of the oldest."""
        with self._lock:
            oldest = next(iter(self._jobs.values()), None)
            age = 0.0 if oldest is None else time.monotonic() - oldest.queued_at
            return len(self._jobs), age

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
        following: _Job | None = None
        while (job := following or self._queue.get()) is not None and not self._abandoned:
            jobs, following = self._gathered(job)
            self._busy_since = time.monotonic()
            try:
                with usable_connection():
                    runs = job.prepare([one.item for one in jobs])
            except Exception as error:  # noqa: BLE001 -- the lane goes on with the next job
                self._tell_failed(jobs, error)
                for one in jobs:
                    self._end(one, error=error)
            else:
                for one, run in zip(jobs, runs, strict=True):
                    self._do(one, run)
            self._busy_since = None

    def _gathered(self, first: _Job) -> tuple[list[_Job], _Job | None]:
        """The jobs that may be prepared with `first`, and the one behind them if it was taken out already."""
        jobs = [first]
        while len(jobs) < first.most:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:  # the end: for the next look at the queue
                self._queue.put(None)
                break
            if job.prepare != first.prepare:
                return jobs, job
            jobs.append(job)
        return jobs, None

    def _do(self, job: _Job, run: Callable[[], Any]) -> None:
        self._busy_since = time.monotonic()
        try:
            with usable_connection():
                result = run()
        except Exception as error:  # noqa: BLE001 -- as above
            self._tell_failed([job], error)
            self._end(job, error=error)
        else:
            self._end(job, result=result)

    def _tell_failed(self, jobs: Sequence[_Job], error: Exception) -> None:
        keys = [str(one.key) for one in jobs]
        if refusal_of(error) is None:
            logger.error("%s: jobs %s failed", self.name, keys, exc_info=error)
        else:
            # Nobody's bug, and the rows still say what is to be done.
            logger.warning("%s: jobs %s were hindered: %s", self.name, keys, error)

    def _end(self, job: _Job, *, result: Any = None, error: Exception | None = None) -> None:
        with self._lock:
            self._jobs.pop(job.key, None)
        if error is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(error)


def _alone(runs: Sequence[Callable[[], T]]) -> Sequence[Callable[[], T]]:
    """Nothing to prepare: the items are what is to be done."""
    return runs


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

    def figures(self) -> dict[str, dict[str, float]]:
        """For each purpose how many jobs have not ended, and the age in seconds of the oldest."""
        with self._lock:
            known = list(self._lanes.items())
        figures: dict[str, dict[str, float]] = {
            purpose: {"waiting": 0, "oldest_seconds": 0.0} for purpose in ("send", "cancel")
        }
        for (purpose, _), lane in known:
            waiting, age = lane.waiting
            told = figures.setdefault(purpose, {"waiting": 0, "oldest_seconds": 0.0})
            told["waiting"] += waiting
            told["oldest_seconds"] = max(told["oldest_seconds"], round(age, 3))
        return figures

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
