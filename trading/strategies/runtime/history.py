"""The bars a run looks back on: as many as it declared, raw, adjusted when they are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from marketdata.quotes.periods import day_number, day_numbers
from marketdata.services.adjust import ExEvent, adjust_prices
from marketdata.services.requests import Adjust
from trading.strategies.values import FIELDS, FloatArray

_COLUMN = {name: number for number, name in enumerate(FIELDS)}
_PRICES = frozenset({"open", "high", "low", "close"})


class History:
    """Closed bars of a run's symbols, the newest ones.

    Parameters
    ----------
    symbols
        In the order of panels.
    reach
        Bars kept of each symbol, and instants kept of all of them.
    """

    def __init__(self, symbols: Sequence[str], reach: int) -> None:
        self.index = {symbol: number for number, symbol in enumerate(symbols)}
        self._own: list[deque[tuple[int, FloatArray]]] = [deque(maxlen=max(1, reach)) for _ in symbols]
        self._instants: deque[tuple[int, FloatArray]] = deque(maxlen=max(1, reach))
        self._events: dict[str, list[ExEvent]] = {}
        self._prices: dict[str, Decimal] = {}

    def factors(self, events: Mapping[str, Sequence[ExEvent]]) -> None:
        """Ex-dates by symbol, ascending; later ones than the date of a read do not count in it."""
        self._events = {symbol: list(own) for symbol, own in events.items()}

    def add(self, ts: int, values: FloatArray) -> None:
        """The bars of one instant, later than all before: shape (symbols, 6), NaN rows where there is none."""
        self._instants.append((ts, values))
        for symbol, number in self.index.items():
            row = values[number]
            close = float(row[3])
            if close == close:
                self._own[number].append((ts, row))
                self._prices[symbol] = Decimal(repr(close))

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """Raw close of each symbol's newest bar, in CNY."""
        return self._prices

    def read(self, symbol: str, count: int, field: str, today: date) -> FloatArray:
        """The last bars of a symbol, adjusted as of a date; see `Context.history`."""
        rows = self._own[self.index[symbol]]
        chosen = [rows[at] for at in range(max(0, len(rows) - count), len(rows))]
        values = np.array([row[_COLUMN[field]] for _ts, row in chosen], dtype=np.float64)
        return self._adjusted(symbol, values, [ts for ts, _row in chosen], field, today)

    def panel(self, count: int, field: str, today: date) -> FloatArray:
        """The last instants of all symbols, adjusted as of a date; see `Context.panel`."""
        chosen = [self._instants[at] for at in range(max(0, len(self._instants) - count), len(self._instants))]
        stamps = [ts for ts, _values in chosen]
        table = np.empty((len(chosen), len(self.index)), dtype=np.float64)
        for at, (_ts, values) in enumerate(chosen):
            table[at] = values[:, _COLUMN[field]]
        for symbol, number in self.index.items():
            table[:, number] = self._adjusted(symbol, table[:, number], stamps, field, today)
        return _read_only(table)

    def _adjusted(self, symbol: str, values: FloatArray, stamps: Sequence[int], field: str, today: date) -> FloatArray:
        limit = day_number(today)
        events = [event for event in self._events.get(symbol, ()) if event.day <= limit]
        if field in _PRICES and events and stamps:
            values = adjust_prices(values, day_numbers(np.array(stamps, dtype=np.int64)), events, Adjust.FRONT)
        return _read_only(values)


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values
