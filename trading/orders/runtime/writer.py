"""The single writer: everything the terminal says passes through one queue and one thread.

The gateway's hooks only append to the queue. The writer takes what has gathered, in order, and
applies it in one transaction; a database that is away or locked makes it wait and repeat the same
batch, so nothing is lost and nothing overtakes. Applying is idempotent: repeating a batch
whose commit was not acknowledged changes nothing.
"""

from __future__ import annotations

import logging
import math
import pickle
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)

from qmt.gateway import TradeEvent
from trading.orders.intake import CallReturned
from trading.orders.runtime import metrics
from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)

#: How long an event waits for the ones that come with it: a response, a report and a fill within a
#: few milliseconds then share one transaction, one wait for the disk and one message.
GATHER_SECONDS = 0.002
#: How long a note waits for an event to share a transaction with.
NOTE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event and the session it came through: numbers in it mean nothing in another one."""

    session_key: str
    event: TradeEvent | CallReturned


Apply = Callable[[Sequence[Incoming]], object]


class EventWriter:
    """Orders, fills and states from the SDK threads to the database.

    Parameters
    ----------
    apply
        Stores a batch, idempotently, in one transaction.
    batch_size
        Most events in one transaction.
    memory_limit
        Events kept in memory; what comes on top goes to a file of this process until the writer
        has caught up. The SDK's thread never waits for the database.
    """

    def __init__(
        self,
        apply: Apply,
        *,
        batch_size: int = 200,
        memory_limit: int = 50_000,
        retry_seconds: float = 0.05,
        retry_max_seconds: float = 2.0,
    ) -> None:
        self._apply = apply
        self._batch_size = batch_size
        self._retry_seconds = retry_seconds
        self._retry_max_seconds = retry_max_seconds
        self._queue = _SpillingQueue(memory_limit)
        self._wake = threading.Condition()
        self._stopping = False
        self._due = math.inf
        self._accepted = 0
        self._applied = 0
        self._failing_since: float | None = None
        self._thread = database_thread(self._run, name="event-writer")

    def start(self) -> None:
        self._thread.start()

    def put(self, session_key: str, event: TradeEvent) -> None:
        """Take an event; called on SDK threads, never waits for anything but a short lock."""
        self._put(Incoming(session_key, event), within_seconds=GATHER_SECONDS)

    def note(self, session_key: str, note: CallReturned) -> None:
        """Take a note that may wait a moment for the event it belongs to."""
        self._put(Incoming(session_key, note), within_seconds=NOTE_SECONDS)

    def _put(self, incoming: Incoming, *, within_seconds: float) -> None:
        with self._wake:
            self._queue.append(incoming)
            self._accepted += 1
            self._due = min(self._due, time.monotonic() + within_seconds)
            self._wake.notify_all()

    @property
    def pending(self) -> int:
        """Events taken and not yet stored."""
        with self._wake:
            return self._accepted - self._applied

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything taken before this call is stored; False when time is up."""
        deadline = time.monotonic() + timeout_seconds
        with self._wake:
            goal = self._accepted
            while self._applied < goal:
                left = deadline - time.monotonic()
                if left <= 0 or not self._thread.is_alive():
                    return False
                self._wake.wait(left)
        return True

    def stop(self, timeout_seconds: float) -> bool:
        """Store what is queued and end the thread; False when something could not be stored in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive() and self.pending == 0

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopping and (left := self._due - time.monotonic()) > 0:
                    self._wake.wait(None if left == math.inf else left)
                batch = self._queue.take(self._batch_size)
                self._due = 0.0 if len(self._queue) else math.inf
            if not batch:
                return
            self._store(batch)
            with self._wake:
                self._applied += len(batch)
                self._wake.notify_all()

    def _store(self, batch: Sequence[Incoming]) -> None:
        """Apply a batch, however long the database is away; split it when one event is the trouble."""
        pause = self._retry_seconds
        while True:
            try:
                with usable_connection():
                    self._apply(batch)
            except (DatabaseError, InterfaceError) as error:
                if not _is_transient(error):
                    self._isolate(batch, error)
                    return
                if self._failing_since is None:
                    self._failing_since = time.monotonic()
                    logger.warning("events wait for the database: %s", error)
                metrics.EVENT_WRITER_RETRIES.inc()
                time.sleep(pause)
                pause = min(pause * 2, self._retry_max_seconds)
            except Exception as error:  # noqa: BLE001 -- one event must not stop the rest
                self._isolate(batch, error)
                return
            else:
                if self._failing_since is not None:
                    logger.info("database is back, %d events behind", self.pending)
                    self._failing_since = None
                return

    def _isolate(self, batch: Sequence[Incoming], error: Exception) -> None:
        """One event that cannot be stored must not stop the ones behind it: find it and report it."""
        if len(batch) == 1:
            metrics.EVENTS_REFUSED.inc()
            logger.error("event could not be stored and needs a person: %r", batch[0], exc_info=error)
            return
        for event in batch:
            self._store([event])


def _is_transient(error: Exception) -> bool:
    """Whether the database may take the same statement later: anything but a statement it refuses for its content."""
    return not isinstance(error, (DataError, IntegrityError, NotSupportedError, ProgrammingError))


class _SpillingQueue:
    """First in, first out; bounded in memory, the overflow in an unnamed temporary file. The caller holds the lock."""

    def __init__(self, memory_limit: int) -> None:
        self._memory_limit = memory_limit
        self._head: deque[Incoming] = deque()
        self._file: IO[bytes] | None = None
        self._read_at = 0
        self._spilled = 0

    def __len__(self) -> int:
        return len(self._head) + self._spilled

    def append(self, event: Incoming) -> None:
        if not self._spilled and len(self._head) < self._memory_limit:
            self._head.append(event)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="desk-events-")  # noqa: SIM115 -- lives until it is read back
            self._read_at = 0
            logger.warning("more than %d events wait: spilling to a file", self._memory_limit)
        self._file.seek(0, 2)
        pickle.dump(event, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._spilled += 1
        metrics.EVENTS_SPILLED.inc()

    def take(self, limit: int) -> list[Incoming]:
        """The oldest `limit` events."""
        if not self._head and self._spilled:
            self._load(max(limit, self._memory_limit // 2))
        return [self._head.popleft() for _ in range(min(limit, len(self._head)))]

    def _load(self, count: int) -> None:
        if self._file is None:
            return
        self._file.seek(self._read_at)
        for _ in range(min(count, self._spilled)):
            self._head.append(pickle.load(self._file))  # noqa: S301 - written by this process, unnamed file
            self._spilled -= 1
        self._read_at = self._file.tell()
        if not self._spilled:
            self._file.close()
            self._file = None
