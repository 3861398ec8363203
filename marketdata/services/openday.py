"""The open day's daily bar so far, from the latest quotes. For answers only: it is never stored."""

from __future__ import annotations

import numpy as np
import pandas as pd

from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import DAY_MS, day_start_ts
from marketdata.services.axis import calendar_days, first_open_day
from marketdata.services.requests import Query
from ops.clocks import MarketClock

_IDS_PER_QUERY = 500
_FIELDS = ("instrument_id", "open", "high", "low", "last", "volume", "amount", "pre_close")


def open_day_frame(query: Query, clock: MarketClock) -> pd.DataFrame:
    """Bars of the open day, one row for each instrument of the query that has traded on it.

    Returns
    -------
    DataFrame
        instrument_id, ts and every bar column, ``partial`` true. Empty once the day is final (its bar is the
        terminal's then), on a day without trading, and when the day lies outside the query's range.
    """
    day = first_open_day(clock)
    midnight = int(day_start_ts(day))
    if not query.first_ts <= midnight <= query.end_ts and not _is_folded_over(query, midnight):
        return pd.DataFrame()
    if not len(calendar_days(day, day)):
        return pd.DataFrame()
    ids = {instrument.pk for instrument in query.instruments}
    quotes = LatestQuote.objects.filter(ts__gte=midnight, ts__lt=midnight + DAY_MS, volume__gt=0, open__gt=0)
    if len(ids) <= _IDS_PER_QUERY:
        quotes = quotes.filter(instrument_id__in=ids)
    rows = [row for row in quotes.order_by("instrument_id").values_list(*_FIELDS) if row[0] in ids]
    frame = pd.DataFrame(rows, columns=list(_FIELDS)).rename(columns={"last": "close"})
    return frame.assign(ts=np.int64(midnight), suspended=False, partial=True)


def _is_folded_over(query: Query, midnight: int) -> bool:
    return query.fold is not None and query.start_ts <= midnight <= query.end_ts
