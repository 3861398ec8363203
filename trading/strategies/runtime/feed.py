"""Closed bars as the store gets them, instant by instant, each once.

The store is the truth and is asked; a message that is lost can cost nothing. An instant is handed over when every symbol
has its bar, or when those that are missing cannot be expected any more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from marketdata.quotes import reader
from marketdata.quotes.periods import DAY_MS, Int64Array, Period
from ops.clocks import MarketClock
from qmt.calendar import Phase, date_of_ms
from trading.strategies.runtime.moments import CLOSE, bar_moment
from trading.strategies.values import FIELDS, FloatArray

GRACE_MS = 8_000
"""How long after its edge (market time) a minute waits for symbols that may not have traded in it."""
CLOSING_GRACE_MS = 25_000
SETTLE_SECONDS = 2.0
"""And how long on the wall clock after its first bar was seen: a simulated market may run faster than a database writes."""
STRETCH_MS = 40 * DAY_MS
"""Read at a time."""
_SESSION = frozenset({Phase.CONTINUOUS, Phase.CLOSE_AUCTION, Phase.LUNCH})


class BarFeed:
    """New bars of some instruments.

    Parameters
    ----------
    ids
        Instrument id to row, in the order of the run's symbols.
    after_ts
        Stamp of the last instant that was handled.
    """

    def __init__(self, ids: Mapping[int, int], period: str, after_ts: int) -> None:
        self._ids = dict(ids)
        self._period = period
        self._stored = Period.parse(period)
        self.after_ts = after_ts
        self._seen: dict[int, float] = {}

    def due(self, clock: MarketClock, *, limit: int = 500) -> list[tuple[int, FloatArray]]:
        """Instants after the last one that have closed and are complete, oldest first.

        Returns
        -------
        list of (int, array of shape (symbols, 6))
            Stamp and `FIELDS`; NaN rows where a symbol has no bar. The caller sets `after_ts` as it handles them.
        """
        due: list[tuple[int, FloatArray]] = []
        for ts, values in self._read(_ms(clock.market_time)):
            if not self._closed(ts, clock) or not self._complete(ts, values, clock):
                break
            due.append((ts, values))
            if len(due) == limit:
                break
        return due

    def _read(self, until: int) -> list[tuple[int, FloatArray]]:
        """The next stored instants; a run that was away for long is read to in stretches."""
        start = self.after_ts + 1
        while True:
            end = min(until, start + STRETCH_MS)
            rows = reader.read_bars(list(self._ids), self._stored, start, end, columns=FIELDS)
            if len(rows) or end >= until:
                return instants(rows.instrument_id, rows.ts, [rows.values[name] for name in FIELDS], self._ids)
            start = end + 1

    def _closed(self, ts: int, clock: MarketClock) -> bool:
        return bar_moment(self._period, ts) <= clock.market_time

    def _complete(self, ts: int, values: FloatArray, clock: MarketClock) -> bool:
        if not np.isnan(values[:, 3]).any():
            return True
        first_seen = self._seen.setdefault(ts, time.monotonic())
        if len(self._seen) > 1000:
            self._seen = {ts: first_seen}
        return time.monotonic() - first_seen >= SETTLE_SECONDS and self._overdue(ts, clock)

    def _overdue(self, ts: int, clock: MarketClock) -> bool:
        if self._stored is Period.DAY_1:
            # Whatever is missing of a day may still be downloaded until the next one trades.
            return clock.trade_date > date_of_ms(ts) and clock.phase in _SESSION
        moment = bar_moment(self._period, ts)
        grace = CLOSING_GRACE_MS if moment.time() >= CLOSE else GRACE_MS
        return _ms(clock.market_time) >= ts + grace


def instants(
    owners: Int64Array, stamps: Int64Array, columns: Sequence[npt.ArrayLike], ids: Mapping[int, int]
) -> list[tuple[int, FloatArray]]:
    """Rows of several instruments as one matrix per instant, oldest first.

    Parameters
    ----------
    owners, stamps, columns
        Of one length: instrument id, epoch ms, and each of `FIELDS`.
    ids
        Instrument id to row of the matrix.
    """
    if not len(stamps):
        return []
    rows = np.array([ids[int(owner)] for owner in owners.tolist()], dtype=np.int64)
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
    unique, place = np.unique(stamps, return_inverse=True)
    values = np.full((len(unique), len(ids), len(FIELDS)), np.nan)
    values[place, rows] = table
    return [(int(ts), values[at]) for at, ts in enumerate(unique.tolist())]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
