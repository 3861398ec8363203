"""Stored bars as a table for people and scripts: symbols, adjustment, filled suspensions, last bars."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from marketdata.choices import EvidenceReason
from marketdata.models import DividendFactor
from marketdata.quotes import reader
from marketdata.quotes.columns import BAR
from marketdata.quotes.periods import Int64Array, Period, day_number, day_numbers, day_start_ts
from marketdata.services.adjust import ExEvent, adjust_prices
from marketdata.services.axis import calendar_days
from marketdata.services.evidence import evidence_in_force
from marketdata.services.requests import Adjust, Query

_ADJUSTED = ("open", "high", "low", "close", "pre_close")


def read_frame(query: Query, *, today: date | None = None) -> pd.DataFrame:
    """Read a query's bars from the store.

    Parameters
    ----------
    today
        Ex-dates after it are announced, not past: they adjust nothing. None takes all.

    Returns
    -------
    DataFrame
        The query's columns, in the order of its instruments, then of time.
    """
    wanted = [name for name in query.columns if name in BAR.names]
    stored = sorted({*wanted, "close"}) if query.fill else wanted
    ids = [instrument.pk for instrument in query.instruments]
    frame = reader.read_bars(ids, query.period, query.start_ts, query.end_ts, columns=stored).to_frame()
    if query.adjust is not Adjust.NONE:
        _adjust(frame, query, today)
    if query.fill and query.period is Period.DAY_1:
        frame = _filled(frame, query)
    frame = _in_asked_order(frame, ids)
    if query.count != -1:
        frame = frame.groupby("instrument_id", sort=False).tail(query.count)
    symbols = {instrument.pk: instrument.symbol for instrument in query.instruments}
    answer = {"symbol": frame["instrument_id"].map(symbols), "time": frame["ts"]}
    answer |= {name: frame[name] for name in wanted}
    return pd.DataFrame({name: answer[name] for name in query.columns}).reset_index(drop=True)


def _in_asked_order(frame: pd.DataFrame, ids: list[int]) -> pd.DataFrame:
    position = np.empty(max(ids) + 1, dtype=np.int64)
    position[ids] = np.arange(len(ids))
    order = np.lexsort((frame["ts"].to_numpy(), position[frame["instrument_id"].to_numpy()]))
    return frame.iloc[order]


def _adjust(frame: pd.DataFrame, query: Query, today: date | None) -> None:
    """Adjust prices in place, instrument by instrument."""
    events = _events(query, today)
    owners = frame["instrument_id"].to_numpy()
    days = day_numbers(frame["ts"].to_numpy())
    names = [name for name in _ADJUSTED if name in frame.columns]
    for instrument_id, rows in events.items():
        low, high = np.searchsorted(owners, [instrument_id, instrument_id + 1])
        part = slice(int(low), int(high))
        for name in names:
            prices = frame[name].to_numpy(dtype=np.float64, copy=True)
            prices[part] = adjust_prices(prices[part], days[part], rows, query.adjust)
            frame[name] = prices


def _events(query: Query, today: date | None) -> dict[int, list[ExEvent]]:
    rows = DividendFactor.objects.filter(instrument__in=query.instruments)
    if today is not None:
        rows = rows.filter(date__lte=today)
    events: dict[int, list[ExEvent]] = {}
    for row in rows.order_by("instrument_id", "date"):
        events.setdefault(row.instrument_id, []).append(
            ExEvent(
                day=day_number(row.date),
                interest=row.interest,
                stock_bonus=row.stock_bonus,
                stock_gift=row.stock_gift,
                allot_num=row.allot_num,
                allot_price=row.allot_price,
                dr=row.dr,
            )
        )
    return events


def _filled(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    """Add a flat bar on each day of a proven suspension that follows a bar."""
    ids = [instrument.pk for instrument in query.instruments]
    trading = calendar_days(day_number(query.start_date), day_number(query.end_date))
    parts = [frame]
    for instrument_id, first, last, reason in evidence_in_force(ids, query.period, query.start_date, query.end_date):
        if reason == EvidenceReason.SUSPENDED:
            days = trading[(trading >= first) & (trading <= last)]
            parts.append(_flat_bars(frame, instrument_id, days))
    return pd.concat(parts, ignore_index=True)


def _flat_bars(frame: pd.DataFrame, instrument_id: int, days: Int64Array) -> pd.DataFrame:
    own = frame[frame["instrument_id"] == instrument_id]
    stamps = day_start_ts(days)
    before = np.searchsorted(own["ts"].to_numpy(), stamps) - 1
    known = before >= 0
    close = own["close"].to_numpy()[before[known]]
    flat: dict[str, object] = {"instrument_id": instrument_id, "ts": stamps[known]}
    for name in frame.columns:
        if name in _ADJUSTED:
            flat[name] = close
        elif name in ("volume", "amount"):
            flat[name] = 0
        elif name == "suspended":
            flat[name] = True
    return pd.DataFrame(flat)
