"""Bars on their way from the terminal's disk into the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.quotes import reader
from marketdata.quotes.columns import BAR, AnyArray, BoolArray, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import (
    DAY_MS,
    Int64Array,
    Period,
    bucket_days,
    bucket_first_day,
    day_numbers,
    day_start_ts,
)

PRICES = ("open", "high", "low", "close")
_COLUMNS = ("time", *PRICES, "volume", "amount", "pre_close", "suspended")


@dataclass(frozen=True, slots=True, eq=False)
class Landed:
    """What was read of several instruments, one below the other: checks run once over all of them.

    Attributes
    ----------
    instrument_ids
        Shape (N,), also those without a row.
    part
        Place in `instrument_ids` of each row, ascending, shape (R,).
    columns
        The gateway's columns, shape (R,) each; within an instrument in time order, of equal stamps the first delivered
        comes first. Volumes in shares, amounts in CNY.
    """

    instrument_ids: Int64Array
    part: npt.NDArray[np.intp]
    columns: Mapping[str, AnyArray]

    def __len__(self) -> int:
        return int(self.part.size)

    @classmethod
    def of_frames(cls, frames: Mapping[int, pd.DataFrame]) -> Landed:
        """Join frames of the gateway's shape (`QuoteGateway.read_local`), one per instrument id."""
        ids = np.fromiter(frames, dtype=np.int64, count=len(frames))
        part = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames.values()])
        filled = [frame for frame in frames.values() if len(frame)]
        if not filled:
            return cls(ids, part, {name: np.empty(0, np.int64) for name in _COLUMNS})
        columns = {name: np.concatenate([frame[name].to_numpy() for frame in filled]) for name in _COLUMNS}
        stamps = columns["time"]
        if ((np.diff(stamps) < 0) & (np.diff(part) == 0)).any():
            order = np.lexsort((stamps, part))
            columns = {name: values[order] for name, values in columns.items()}
        return cls(ids, part, columns)

    def take(self, keep: BoolArray) -> Landed:
        """The rows of a mask; the instruments stay."""
        if keep.all():
            return self
        columns = {name: values[keep] for name, values in self.columns.items()}
        return Landed(self.instrument_ids, self.part[keep], columns)

    def bounds(self) -> npt.NDArray[np.intp]:
        """Row numbers at which the instruments begin, and the end, shape (N + 1,)."""
        return np.searchsorted(self.part, np.arange(self.instrument_ids.size + 1))

    def rows(self) -> QuoteColumns:
        """The same as rows of the store; what was not delivered (NaN) is NULL."""
        columns: dict[str, Any] = {name: self.columns[name].astype(np.float64, copy=False) for name in PRICES}
        columns["volume"] = self.columns["volume"].astype(np.int64, copy=False)
        for name in ("amount", "pre_close"):
            columns[name] = np.ma.masked_invalid(self.columns[name].astype(np.float64, copy=False))
        columns["suspended"] = self.columns["suspended"] == 1
        stamps = self.columns["time"].astype(np.int64, copy=False)
        return QuoteColumns.build(BAR, instrument_id=self.instrument_ids[self.part], ts=stamps, columns=columns)


def bars_of_frames(frames: Mapping[int, pd.DataFrame]) -> QuoteColumns:
    """Join checked frames of the gateway's shape, one per instrument id, into rows of the store."""
    return Landed.of_frames(frames).rows()


def stored_neighbours(instrument_id: int, period: Period, first: int, last: int) -> tuple[int, int]:
    """The nearest days with stored bars around a window (day numbers); the window's own end where there is none."""
    sealed = QuoteSegment.objects.filter(instrument_id=instrument_id, period=period)
    low, high = int(day_start_ts(first)), int(day_start_ts(last)) + DAY_MS - 1
    before = sealed.filter(first_ts__lt=low).order_by("-bucket").values_list("bucket", flat=True).first()
    after = sealed.filter(last_ts__gt=high).order_by("bucket").values_list("bucket", flat=True).first()
    if before is not None:
        start = int(day_start_ts(bucket_first_day(period, before)))
        stamps = reader.read_bars([instrument_id], period, start, low - 1, columns=[]).ts
        first = int(day_numbers(stamps)[-1]) if len(stamps) else first
    if after is not None:
        end = int(day_start_ts(bucket_first_day(period, after) + bucket_days(period)))
        stamps = reader.read_bars([instrument_id], period, high + 1, end, columns=[]).ts
        last = int(day_numbers(stamps)[0]) if len(stamps) else last
    return first, last
