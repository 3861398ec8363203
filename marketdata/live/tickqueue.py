"""Tick blocks between the feed and the database: in memory while they fit, then on disk, always in order."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from marketdata.live.blocks import BlockCorrupt, TickBlock
from marketdata.live.spill import Spill, Stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Blocks taken out together; `stored` is the file they came from, if they came from one."""

    blocks: tuple[TickBlock, ...]
    stored: Stored | None = None

    @property
    def rows(self) -> int:
        """Ticks in the batch."""
        return sum(map(len, self.blocks))


class TickQueue:
    """First in, first out: what was given back, then the disk, then memory. Safe to share between threads.

    Parameters
    ----------
    buffer_rows : int
        When memory holds more, all of it goes to the disk.
    """

    def __init__(self, spill: Spill, *, buffer_rows: int) -> None:
        self._spill = spill
        self._buffer_rows = buffer_rows
        self._lock = threading.Lock()
        self._returned: tuple[TickBlock, ...] = ()
        self._taken: tuple[TickBlock, ...] = ()
        self._closed = False
        self._memory: deque[TickBlock] = deque()
        self._rows = 0
        self.spilled = 0
        self.read_back = 0
        self.dropped = 0
        self.corrupt = 0

    @property
    def rows(self) -> int:
        """Ticks in memory."""
        return self._rows + sum(map(len, self._returned))

    @property
    def has_older(self) -> bool:
        """Whether ticks wait that have waited before: on the disk, or given back."""
        return bool(self._returned) or bool(self._spill)

    def put(self, block: TickBlock) -> None:
        """Queue a block. Never waits for a database; what fits neither memory nor disk is dropped and counted."""
        with self._lock:
            self._memory.append(block)
            self._rows += len(block)
            if self._rows > self._buffer_rows:
                self._spill_memory()

    def take(self, max_rows: int) -> Batch | None:
        """The oldest blocks, at least one and about so many rows; None when nothing waits. End with `done` or `give_back`."""
        with self._lock:
            if self._closed:
                return None
            if self._returned or not self._spill:
                self._taken, self._returned = self._returned or self._from_memory(max_rows), ()
                return Batch(self._taken) if self._taken else None
        stored = self._spill.oldest()
        return None if stored is None else Batch(tuple(self._decoded(stored)), stored)

    def done(self, batch: Batch) -> None:
        """The batch is stored."""
        with self._lock:
            self._taken = ()
        if batch.stored is not None:
            self.read_back += batch.rows
            self._spill.discard(batch.stored)

    def give_back(self, batch: Batch) -> None:
        """The batch could not be stored: it is the next one again."""
        if batch.stored is not None:
            return  # it is still on the disk
        with self._lock:
            # After the end it is on the disk already.
            self._returned, self._taken = () if self._closed else batch.blocks, ()

    def close(self) -> None:
        """Put everything on the disk that is not stored for certain; what a writer still holds may be stored twice."""
        with self._lock:
            self._closed = True
            first = self._taken + self._returned
            if first:
                self._count(first, kept=self._spill.put_first([block.encode() for block in first]))
            self._taken = self._returned = ()
            self._spill_memory()
        self._spill.close()

    def _from_memory(self, max_rows: int) -> tuple[TickBlock, ...]:
        taken: list[TickBlock] = []
        rows = 0
        while self._memory and rows < max_rows:
            taken.append(self._memory.popleft())
            rows += len(taken[-1])
        self._rows -= rows
        return tuple(taken)

    def _spill_memory(self) -> None:
        while self._memory:
            block = self._memory.popleft()
            self._count([block], kept=self._spill.append(block.encode()))
        self._rows = 0

    def _count(self, blocks: Sequence[TickBlock], *, kept: bool) -> None:
        rows = sum(map(len, blocks))
        if kept:
            self.spilled += rows
        else:
            self.dropped += rows

    def _decoded(self, stored: Stored) -> list[TickBlock]:
        blocks = []
        for record in stored.records:
            try:
                blocks.append(TickBlock.decode(record))
            except BlockCorrupt as error:
                self.corrupt += 1
                log.error("a spilled block in %s cannot be read: %s", stored.path.name, error)
        return blocks
