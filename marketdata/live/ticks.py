"""Tick rows: from the SDK's threads into the store, in batches.

Two threads. The *buffer* thread makes blocks of what was pushed and queues them, spilling to disk when memory is full; the
*store* thread writes them when enough have come or the oldest is old enough. So neither a slow database nor a slow disk is
felt by the SDK.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

import numpy as np
from django.db import Error as DatabaseTrouble
from django.db import connections

from desk.settings.marketdata_schema import TicksConfig
from marketdata.live.blocks import TickBlock, tick_columns
from marketdata.live.sequence import TickSequencer
from marketdata.live.spill import Spill
from marketdata.live.tickqueue import Batch, TickQueue
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import QuotesRefused
from marketdata.quotes.periods import Int64Array, Period
from marketdata.quotes.reader import read_bars
from marketdata.quotes.store import bars_upsert
from marketdata.quotes.tables import DATABASE
from marketdata.symbols import SymbolIds
from qmt.gateway import QuoteBatch

RETRY_SECONDS = 2.0
YIELD_SECONDS = 0.3
MAX_INCOMING_ROWS = 100_000
"""Pushed ticks that may wait for the buffer thread: about a minute of the whole market."""

log = logging.getLogger(__name__)


class TickWriter:
    """Stores pushed quotes of one host as ticks.

    Parameters
    ----------
    spill : Spill
        Where ticks go that memory does not hold; what an earlier run left there is stored first.
    """

    def __init__(self, host: str, symbols: SymbolIds, spill: Spill, config: TicksConfig) -> None:
        self._host = host
        self._symbols = symbols
        self._config = config
        self._queue = TickQueue(spill, buffer_rows=config.buffer_rows)
        self._spill = spill
        self._sequencer = TickSequencer(_stored_at)
        self._incoming: deque[QuoteBatch] = deque()
        self._incoming_rows = 0
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._queued = threading.Event()
        self._stop = threading.Event()
        self._oldest_at = 0.0
        self._threads = (
            threading.Thread(target=self._run_buffer, name=f"ticks-buffer@{host}", daemon=True),
            threading.Thread(target=self._run_store, name=f"ticks-store@{host}", daemon=True),
        )
        self._stored = 0
        self._repeated = 0
        self._unknown = 0
        self._refused = 0
        self._overrun = 0
        self._failures = 0
        self._write_ms = 0

    def start(self) -> None:
        """Begin; ticks that an earlier run spilled are stored first."""
        for thread in self._threads:
            thread.start()

    def put(self, quotes: QuoteBatch) -> None:
        """Take the quotes of one push over. Never waits; beyond the bound they are dropped and counted."""
        with self._lock:
            if self._incoming_rows + len(quotes) > MAX_INCOMING_ROWS:
                self._overrun += len(quotes)
                return
            self._incoming.append(quotes)
            self._incoming_rows += len(quotes)
        self._arrived.set()

    def stop(self, timeout_seconds: float) -> None:
        """Store what waits as far as the time allows; the rest is spilled and stored by the next run."""
        deadline = time.monotonic() + timeout_seconds
        self._stop.set()
        self._arrived.set()
        self._queued.set()
        self._threads[0].join(timeout_seconds)
        self._threads[1].join(max(deadline - time.monotonic(), 0.1))
        self._queue.close()

    def counters(self) -> dict[str, int]:
        """Counts since the start; `waiting` and `spill_bytes` are present state."""
        queue = self._queue
        return {
            "stored": self._stored,
            "repeated": self._repeated,
            "unknown": self._unknown,
            "refused": self._refused,
            "dropped": queue.dropped + self._overrun,
            "spilled": queue.spilled,
            "read_back": queue.read_back,
            "torn_files": self._spill.torn,
            "corrupt_blocks": queue.corrupt,
            "waiting": queue.rows + self._incoming_rows,
            "spill_bytes": self._spill.size,
            "store_failures": self._failures,
            "last_write_ms": self._write_ms,
        }

    # --- buffer thread

    def _run_buffer(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            # The publisher has the interpreter first: clients wait for it, a row does not.
            self._stop.wait(YIELD_SECONDS)
            while (quotes := self._next()) is not None:
                try:
                    self._queue.put(TickBlock.of_quotes(quotes))
                except Exception:
                    # What nobody foresaw costs one push, not the thread.
                    log.exception("ticks of host %s are lost", self._host)
                    self._overrun += len(quotes)
                if not self._oldest_at:
                    self._oldest_at = time.monotonic()
                self._queued.set()
            if self._stop.is_set():
                return

    def _next(self) -> QuoteBatch | None:
        with self._lock:
            if not self._incoming:
                return None
            quotes = self._incoming.popleft()
            self._incoming_rows -= len(quotes)
            return quotes

    # --- store thread

    def _run_store(self) -> None:
        while not self._stop.is_set():
            if not self._queue.has_older:
                self._queued.wait()
                self._queued.clear()
                self._wait_for_batch()
            if not self._store_waiting():
                self._stop.wait(RETRY_SECONDS)
        self._threads[0].join()
        self._store_waiting()
        connections.close_all()

    def _wait_for_batch(self) -> None:
        """Until enough rows wait, or the oldest has waited long enough."""
        while self._queue.rows < self._config.batch_rows and not self._stop.is_set():
            left = self._oldest_at + self._config.batch_seconds - time.monotonic()
            if left <= 0:
                return
            self._queued.wait(left)
            self._queued.clear()

    def _store_waiting(self) -> bool:
        """Store everything that waits; False when the database did not take it."""
        self._oldest_at = 0.0
        while (batch := self._queue.take(self._config.batch_rows)) is not None:
            try:
                self._store(batch)
            except DatabaseTrouble as error:
                self._failures += 1
                log.warning("%d ticks wait, the database is away: %s", batch.rows, error)
                self._queue.give_back(batch)
                self._sequencer.forget()
                # The connection may be the broken part; the next attempt opens its own.
                connections[DATABASE].close()
                connections["default"].close()
                return False
            except Exception:
                # Such a batch would fail for ever: it is given up, so that the next ones are stored.
                log.exception("%d ticks of host %s are lost", batch.rows, self._host)
                self._refused += batch.rows
            self._queue.done(batch)
        return True

    def _store(self, batch: Batch) -> None:
        began = time.monotonic()
        ids: list[Int64Array] = []
        sequences: list[Int64Array] = []
        blocks: list[TickBlock] = []
        for block in batch.blocks:
            known = self._symbols.find(block.symbols)
            # A push of the whole market has rows without a time or with a negative volume: one must not cost the others.
            sound = (block.ts > 0) & (block.volume >= 0)
            self._refused += int((~sound).sum())
            named = np.array([symbol in known for symbol in block.symbols], dtype=np.bool_)
            self._unknown += int((sound & ~named).sum())
            block = block.take(sound & named)
            if not len(block):
                continue
            keys = np.array([known[symbol] for symbol in block.symbols], dtype=np.int64)
            fresh, sequence = self._sequencer.number(keys, block)
            self._repeated += int((~fresh).sum())
            if fresh.any():
                ids.append(keys[fresh])
                sequences.append(sequence[fresh])
                blocks.append(block.take(fresh))
        if not blocks:
            return
        try:
            rows = tick_columns(ids, sequences, blocks)
        except QuotesRefused as error:
            self._refused += sum(map(len, blocks))
            log.error("ticks of host %s are refused: %s", self._host, error)
            return
        counts = bars_upsert(period=Period.TICK, rows=rows, replace=False)
        self._stored += counts.written
        self._repeated += counts.unchanged
        self._write_ms = round((time.monotonic() - began) * 1000)


def _stored_at(ids: Int64Array, ts: int) -> QuoteColumns:
    return read_bars(ids.tolist(), Period.TICK, ts, ts)
