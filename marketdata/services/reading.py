"""Stored bars as a table for people and scripts: symbols, adjustment, filled suspensions, last bars."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from marketdata.choices import EvidenceReason
from marketdata.quotes import reader
from marketdata.quotes.columns import BAR
from marketdata.quotes.periods import Int64Array, Period, day_number, day_numbers, day_start_ts
from marketdata.services.adjust import adjust_prices
from marketdata.services.axis import calendar_days, minute_labels
from marketdata.services.evidence import evidence_in_force
from marketdata.services.exevents import ex_events
from marketdata.services.folding import fold_frame
from marketdata.services.openday import open_day_frame
from marketdata.services.requests import PARTIAL, Adjust, Fill, Query
from ops.clocks import MarketClock

_ADJUSTED = ("open", "high", "low", "close", "pre_close")
_VALUES = (*BAR.names, PARTIAL)
_DAILY: Int64Array = np.zeros(1, dtype=np.int64)


def read_frame(query: Query, clock: MarketClock | None = None) -> pd.DataFrame:
    """Read a query's bars from the store.

    Parameters
    ----------
    clock
        The market clock: ex-dates after its trade date are announced, not past, and adjust nothing; it tells which day
        is open. Without it every known ex-date counts and no day is.

    Returns
    -------
    DataFrame
        The query's columns, in the order of its instruments, then of time.
    """
    wanted = [name for name in query.columns if name in _VALUES]
    stored = {name for name in wanted if name in BAR.names}
    if query.fill is not Fill.NONE:
        stored |= {"close", "suspended"}
    ids = [instrument.pk for instrument in query.instruments]
    frame = reader.read_bars(ids, query.period, query.start_ts, query.end_ts, columns=sorted(stored)).to_frame()
    if PARTIAL in wanted:
        frame[PARTIAL] = False
    if query.open_day and clock is not None:
        frame = _joined(frame, open_day_frame(query, clock))
    if query.adjust is not Adjust.NONE:
        _adjust(frame, query, clock.trade_date if clock is not None else None)
    if query.fill is not Fill.NONE:
        frame = _filled(frame, query)
    if query.fold is not None:
        until = query.end_date if clock is None else min(query.end_date, clock.trade_date)
        frame = _in_range(fold_frame(frame, query.fold, until), query)
    frame = _in_asked_order(frame, ids)
    if query.count != -1:
        frame = frame.groupby("instrument_id", sort=False).tail(query.count)
    symbols = {instrument.pk: instrument.symbol for instrument in query.instruments}
    answer = {"symbol": frame["instrument_id"].map(symbols), "time": frame["ts"]}
    answer |= {name: frame[name] for name in wanted}
    return pd.DataFrame({name: answer[name] for name in query.columns}).reset_index(drop=True)


def _joined(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Rows of both in key order, with the first one's columns; a key that both have is the first one's."""
    if more.empty:
        return frame
    both = pd.concat([frame, more[frame.columns]], ignore_index=True) if len(frame) else more[frame.columns]
    both = both.sort_values(["instrument_id", "ts"], kind="stable", ignore_index=True)
    return both.drop_duplicates(["instrument_id", "ts"], keep="first", ignore_index=True)


def _in_range(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    """Folded bars whose own stamp lies in the range: a minute bar in progress has its right edge ahead."""
    stamps = frame["ts"].to_numpy()
    return frame[(stamps >= query.first_ts) & (stamps <= query.end_ts)]


def _in_asked_order(frame: pd.DataFrame, ids: list[int]) -> pd.DataFrame:
    position = np.empty(max(ids) + 1, dtype=np.int64)
    position[ids] = np.arange(len(ids))
    order = np.lexsort((frame["ts"].to_numpy(), position[frame["instrument_id"].to_numpy()]))
    return frame.iloc[order]


def _adjust(frame: pd.DataFrame, query: Query, today: date | None) -> None:
    """Adjust prices in place; rows are in order of instrument."""
    events = ex_events([instrument.pk for instrument in query.instruments], until=today)
    owners = frame["instrument_id"].to_numpy()
    days = day_numbers(frame["ts"].to_numpy())
    ids = np.array(sorted(events), dtype=np.int64)
    lows, highs = np.searchsorted(owners, ids), np.searchsorted(owners, ids, side="right")
    parts = [
        (events[key], slice(*span)) for key, *span in zip(ids.tolist(), lows.tolist(), highs.tolist(), strict=True)
    ]
    for name in _ADJUSTED:
        if name not in frame.columns:
            continue
        prices = frame[name].to_numpy(dtype=np.float64, copy=True)
        for rows, part in parts:
            prices[part] = adjust_prices(prices[part], days[part], rows, query.adjust)
        frame[name] = prices


def _filled(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    """Add flat bars on each day of a proven suspension that follows a bar of the range."""
    ids = [instrument.pk for instrument in query.instruments]
    trading = calendar_days(day_number(query.start_date), day_number(query.end_date))
    labels = _DAILY if query.period is Period.DAY_1 else minute_labels(query.period)
    parts = [frame]
    for instrument_id, first, last, reason in evidence_in_force(ids, query.period, query.start_date, query.end_date):
        if reason == EvidenceReason.SUSPENDED:
            days = trading[(trading >= first) & (trading <= last)]
            stamps = (day_start_ts(days)[:, None] + labels).ravel()
            parts.append(_flat_bars(frame, instrument_id, stamps[stamps <= query.end_ts]))
    return _joined(frame, pd.concat(parts[1:], ignore_index=True)) if len(parts) > 1 else frame


def _flat_bars(frame: pd.DataFrame, instrument_id: int, stamps: Int64Array) -> pd.DataFrame:
    low, high = np.searchsorted(frame["instrument_id"].to_numpy(), [instrument_id, instrument_id + 1]).tolist()
    own = frame.iloc[low:high]
    before = np.searchsorted(own["ts"].to_numpy(), stamps) - 1
    known = before >= 0
    close = own["close"].to_numpy()[before[known]]
    flat: dict[str, object] = {"instrument_id": instrument_id, "ts": stamps[known]}
    for name in frame.columns:
        if name in _ADJUSTED:
            flat[name] = close
        elif name in ("volume", "amount"):
            flat[name] = 0
        elif name in ("suspended", PARTIAL):
            flat[name] = name == "suspended"
    return pd.DataFrame(flat)
