"""What a back-test walks through: bars of several instruments side by side, one row per instant.

Prices are raw, as they were quoted on their day; ex-dates are events beside them. Reads no database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marketdata.quotes.periods import Int64Array, day_numbers
from marketdata.services.adjust import ExEvent
from qmt.terminal.types import Instrument
from trading.strategies.values import FIELDS, FloatArray


@dataclass(frozen=True)
class DayRows:
    """The days of one instrument, ascending; also those before the run. Arrays have one length.

    Attributes
    ----------
    days
        Day numbers.
    close
        Raw CNY.
    reference
        Reference price (ex-rights previous close) in CNY; NaN where the source does not say.
    volume
        Shares; a day without any did not trade.
    """

    days: Int64Array
    close: FloatArray
    reference: FloatArray
    volume: Int64Array


@dataclass(frozen=True)
class Series:
    """Bars of one instrument.

    Attributes
    ----------
    ts
        Epoch ms, ascending, shape (N,): Shanghai midnight of a day, right edge of a minute.
    values
        `FIELDS` of each bar, shape (N, 6): raw CNY, shares, CNY.
    daily
        Its days.
    events
        Ex-dates, ascending.
    st_days
        First day number of each stretch with or without special treatment (ST), ascending, and which of the two it is.
    """

    instrument: Instrument
    ts: Int64Array
    values: FloatArray
    daily: DayRows
    events: tuple[ExEvent, ...] = ()
    st_days: tuple[tuple[int, bool], ...] = ()

    @property
    def symbol(self) -> str:
        """Its code."""
        return self.instrument.symbol

    @cached_property
    def days(self) -> Int64Array:
        """Day number of each bar."""
        return day_numbers(self.ts)


class Tape:
    """Bars of several instruments on one axis of instants.

    Parameters
    ----------
    period
        ``1m``, ``5m`` or ``1d``.
    series
        One per instrument, in the order of the run's symbols.
    start_ts
        Bars before this stamp are history: a strategy may look back at them, it is not called with them.

    Attributes
    ----------
    instants
        Stamps at which any instrument has a bar, ascending, shape (T,).
    values
        `FIELDS` by instant and instrument, shape (T, S, 6), NaN where one has no bar. Read only.
    first
        Row of the first instant the strategy is called with.
    """

    def __init__(self, period: str, series: Sequence[Series], start_ts: int) -> None:
        self.period = period
        self.series = tuple(series)
        self.index = {one.symbol: position for position, one in enumerate(self.series)}
        self.instants: Int64Array = np.unique(np.concatenate([np.empty(0, np.int64), *(one.ts for one in series)]))
        self.values: FloatArray = np.full((len(self.instants), len(self.series), len(FIELDS)), np.nan)
        for position, one in enumerate(self.series):
            self.values[np.searchsorted(self.instants, one.ts), position] = one.values
        self.values.flags.writeable = False
        self.first = int(np.searchsorted(self.instants, start_ts))

    def __len__(self) -> int:
        """Instants the strategy is called with."""
        return len(self.instants) - self.first

    @cached_property
    def days(self) -> Int64Array:
        """Day number of each instant."""
        return day_numbers(self.instants)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Codes of the instruments, in order."""
        return tuple(self.index)

    def digest(self) -> str:
        """SHA-256 of all that the run's outcome may depend on: bars, days, ex-dates, facts of the instruments."""
        made = hashlib.sha256(f"{self.period} {self.first}".encode())
        for one in self.series:
            made.update(repr((one.instrument, one.events, one.st_days)).encode())
            daily = one.daily
            for column in (one.ts, one.values, daily.days, daily.close, daily.reference, daily.volume):
                made.update(np.ascontiguousarray(column).view(np.uint8).data)
        return made.hexdigest()
