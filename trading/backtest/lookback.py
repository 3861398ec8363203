"""What a strategy may look back at: closed bars, front-adjusted as of the trade date it stands on.

An ex-date changes the prices before it from its own day on, not earlier: on every day the history reads as it would have read
then, through the same function that answers people and live runs (`marketdata.services.adjust`).
"""

from __future__ import annotations

import numpy as np

from marketdata.quotes.periods import Int64Array
from marketdata.services.adjust import adjust_prices
from marketdata.services.requests import Adjust
from trading.backtest.tape import Series, Tape
from trading.strategies.values import FIELDS, FloatArray

_PRICES = frozenset({"open", "high", "low", "close"})


class Lookback:
    """History of a tape up to a place that only moves forward.

    Columns are made when they are first asked for. Prices are adjusted anew when an ex-date is passed, which is rare, so that a
    look back is a slice.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._rows = tape.first
        self._day = -1
        self._panels: dict[str, FloatArray] = {}
        self._columns: dict[tuple[int, str], FloatArray] = {}
        self._counts: dict[int, Int64Array] = {}
        self._due = sorted((event.day, position) for position, one in enumerate(tape.series) for event in one.events)
        self._passed = 0

    def move(self, rows: int, day: int) -> None:
        """Show so many of the tape's instants, as of a day number; both never fall."""
        self._rows = rows
        if day == self._day:
            return
        self._day = day
        while self._passed < len(self._due) and self._due[self._passed][0] <= day:
            self._readjust(self._due[self._passed][1])
            self._passed += 1

    def history(self, symbol: str, count: int, field: str) -> FloatArray:
        """See `Context.history`."""
        position = self._tape.index[symbol]
        column = self._columns.get((position, field))
        if column is None:
            column = self._columns[position, field] = self._column(position, field)
        known = int(self._count(position)[self._rows])
        return column[max(known - count, 0) : known]

    def panel(self, count: int, field: str) -> FloatArray:
        """See `Context.panel`."""
        panel = self._panels.get(field)
        if panel is None:
            panel = self._panels[field] = self._panel(field)
        return panel[max(self._rows - count, 0) : self._rows]

    def bars_before(self, position: int) -> int:
        """How many bars of one instrument are shown."""
        return int(self._count(position)[self._rows])

    def _count(self, position: int) -> Int64Array:
        """Bars of one instrument among the first 0, 1, 2 … instants."""
        counts = self._counts.get(position)
        if counts is None:
            series = self._tape.series[position]
            edges = np.searchsorted(series.ts, self._tape.instants, side="right")
            counts = self._counts[position] = np.concatenate([[0], edges]).astype(np.int64)
        return counts

    def _column(self, position: int, field: str) -> FloatArray:
        series = self._tape.series[position]
        return _read_only(self._adjusted(series, field, series.values[:, FIELDS.index(field)], series.days))

    def _panel(self, field: str) -> FloatArray:
        panel = np.array(self._tape.values[:, :, FIELDS.index(field)], order="C")
        for position, series in enumerate(self._tape.series):
            panel[:, position] = self._adjusted(series, field, panel[:, position], self._tape.days)
        return _read_only(panel)

    def _adjusted(self, series: Series, field: str, raw: FloatArray, days: Int64Array) -> FloatArray:
        past = [event for event in series.events if event.day <= self._day]
        return adjust_prices(raw.copy(), days, past, Adjust.FRONT) if field in _PRICES else raw.copy()

    def _readjust(self, position: int) -> None:
        """An ex-date of an instrument is past now."""
        series = self._tape.series[position]
        for field in _PRICES:
            if (position, field) in self._columns:
                self._columns[position, field] = self._column(position, field)
            if field in self._panels:
                panel = self._panels[field]
                panel.flags.writeable = True
                raw = self._tape.values[:, position, FIELDS.index(field)]
                panel[:, position] = self._adjusted(series, field, raw, self._tape.days)
                panel.flags.writeable = False


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values
