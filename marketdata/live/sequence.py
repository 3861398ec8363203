"""Which pushed tick is new, and its number among ticks of one stamp.

Stamps repeat (two changes within one second), and so do whole ticks: a terminal pushes the present state again after a
reconnect. So a tick that equals the instrument's last one is left out, and another one with its stamp gets the next number.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from marketdata.live.blocks import FLOATS, INTS, TickBlock, row_matrices
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.periods import Int64Array

Stored = Callable[[Int64Array, int], QuoteColumns]
"""Rows of instruments that are stored at exactly one stamp, in key order."""


class TickSequencer:
    """Remembers each instrument's last tick.

    Parameters
    ----------
    stored
        Asked for the ticks of instruments not met before: after a restart the first push repeats what is there.
    """

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._ts = np.zeros(0, dtype=np.int64)
        self._seq = np.zeros(0, dtype=np.int64)
        self._floats = np.zeros((0, len(FLOATS)))
        self._ints = np.zeros((0, len(INTS)), dtype=np.int64)

    def number(self, ids: Int64Array, block: TickBlock) -> tuple[npt.NDArray[np.bool_], Int64Array]:
        """Judge one push.

        Parameters
        ----------
        ids
            Instrument id per row of the block, each once.

        Returns
        -------
        ndarray of bool, ndarray of int64
            Which rows are new, and each row's number among those of its stamp. A tick older than the last one (out of
            order) counts as new with number 0: the store knows whether it has it.

        Raises
        ------
        django.db.Error
            Stored ticks had to be read; nothing was remembered of this push.
        """
        self._grow(int(ids.max()) + 1 if ids.size else 0)
        self._learn(ids, block)
        before = self._ts[ids]
        same_stamp = before == block.ts
        repeated = same_stamp.copy()
        if same_stamp.any():
            at = np.flatnonzero(same_stamp)
            known = ids[at]
            repeated[at] = (self._floats[known] == block.floats[at]).all(axis=1) & (
                self._ints[known] == block.ints[at]
            ).all(axis=1)
        fresh = ~repeated
        sequence = np.where(same_stamp, self._seq[ids] + fresh, 0)
        newer = fresh & (block.ts >= before)
        changed = ids[newer]
        self._ts[changed] = block.ts[newer]
        self._seq[changed] = sequence[newer]
        self._floats[changed] = block.floats[newer]
        self._ints[changed] = block.ints[newer]
        return fresh, sequence

    def forget(self) -> None:
        """Begin anew: what was numbered last was not stored, and counts for nothing."""
        self._ts[:] = 0

    def _learn(self, ids: Int64Array, block: TickBlock) -> None:
        """Read what is stored at the stamps of instruments that are met for the first time."""
        unmet = np.flatnonzero(self._ts[ids] == 0)
        for ts in np.unique(block.ts[unmet]).tolist():
            rows = self._stored(ids[unmet][block.ts[unmet] == ts], ts)
            floats, ints = row_matrices(rows)
            for instrument_id, part in rows.group_slices():
                at = int(np.flatnonzero(ids == instrument_id)[0])
                same = (floats[part] == block.floats[at]).all(axis=1) & (ints[part] == block.ints[at]).all(axis=1)
                # The stored tick that is repeated here, else the last one: what follows is numbered from it.
                row = part.start + (int(np.argmax(same)) if same.any() else part.stop - part.start - 1)
                self._ts[instrument_id] = ts
                self._seq[instrument_id] = rows.values["seq"][row]
                self._floats[instrument_id] = floats[row]
                self._ints[instrument_id] = ints[row]

    def _grow(self, size: int) -> None:
        more = size - self._ts.size
        if more <= 0:
            return
        # In large steps: ids come in no order.
        more = max(more, 4096)
        self._ts = np.concatenate([self._ts, np.zeros(more, dtype=np.int64)])
        self._seq = np.concatenate([self._seq, np.zeros(more, dtype=np.int64)])
        self._floats = np.concatenate([self._floats, np.zeros((more, len(FLOATS)))])
        self._ints = np.concatenate([self._ints, np.zeros((more, len(INTS)), dtype=np.int64)])
