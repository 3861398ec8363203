"""Bars on their way from the terminal's disk into the store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from marketdata.quotes import reader
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import (
    DAY_MS,
    Period,
    bucket_days,
    bucket_first_day,
    day_numbers,
    day_start_ts,
)


def bars_of_frames(frames: Mapping[int, pd.DataFrame]) -> QuoteColumns:
    """Join checked frames of the gateway's shape, one per instrument id, into rows of the store."""
    joined = pd.concat(frames.values(), ignore_index=True)
    ids = np.repeat(np.fromiter(frames, dtype=np.int64), [len(frame) for frame in frames.values()])
    return QuoteColumns.build(
        BAR,
        instrument_id=ids,
        ts=joined["time"].to_numpy(np.int64),
        columns={
            **{name: joined[name].to_numpy(np.float64) for name in ("open", "high", "low", "close")},
            "volume": joined["volume"].to_numpy(np.int64),
            "amount": np.ma.masked_invalid(joined["amount"].to_numpy(np.float64)),
            "pre_close": np.ma.masked_invalid(joined["pre_close"].to_numpy(np.float64)),
            "suspended": joined["suspended"].to_numpy() == 1,
        },
    )


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
