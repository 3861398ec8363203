"""Ticks for Python callers and REST alike: ask, and what is missing is downloaded first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes.columns import TICK, Kind
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, day_date, day_number, day_start_ts, ts_date
from marketdata.quotes.reader import read_bars
from marketdata.selectors import data_host, instruments_by_symbol
from marketdata.services.answers import json_pieces
from marketdata.services.axis import calendar_days, first_open_day
from marketdata.services.evidence import runs
from marketdata.services.queue import recently_failed
from marketdata.services.requests import resolve_range
from marketdata.services.service import Readiness, repair_order, wait_for_job
from marketdata.services.tables import arrow_pieces, csv_pieces, parquet_pieces
from marketdata.services.tickdays import missing_tick_days
from ops.clocks import MarketClock, market_clock
from ops.errors import Code, Invalid

TICK_COLUMNS = ("symbol", "time", *TICK.names)
MAX_INSTRUMENT_DAYS = 250
"""Most days over all instruments of one request: about a million ticks."""
MAX_TURNS = 3

_TYPES = {Kind.FLOAT: pa.float64(), Kind.INT: pa.int64()}


@dataclass(frozen=True, slots=True)
class TickRequest:
    """Ticks of some instruments over a closed range.

    Attributes
    ----------
    symbols
        As of `DataRequest`.
    start, end
        As of `DataRequest`; without a start the last trading day of the range, without an end until now.
    fields
        Columns besides symbol, time and seq; None for all.
    """

    symbols: Sequence[str]
    start: date | datetime | str | None = None
    end: date | datetime | str | None = None
    fields: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class TickQuery:
    """A request that was found answerable. Stamps are epoch ms, both ends included."""

    instruments: tuple[Instrument, ...]
    start_ts: int
    end_ts: int
    columns: tuple[str, ...]

    @property
    def days(self) -> tuple[int, int]:
        """First and last day number."""
        return day_number(ts_date(self.start_ts)), day_number(ts_date(self.end_ts))


class TickService:
    """Stored ticks, completed from a terminal when something is missing.

    Parameters
    ----------
    host_name
        As of `MarketDataService`.
    """

    def __init__(self, host_name: str | None = None) -> None:
        self.host_name = host_name or data_host()

    def prepare(
        self, request: TickRequest, *, wait_seconds: float | None = None, owner: int | None = None
    ) -> tuple[TickQuery, Readiness]:
        """Check a request and repair what it needs; the ticks themselves are not read.

        Raises
        ------
        Invalid
            SYMBOL_UNKNOWN, FIELD_UNKNOWN, RANGE_INVALID, RANGE_REVERSED, RANGE_IN_FUTURE, RANGE_TOO_LARGE.
        Unavailable
            No host has reported its market clock yet.
        """
        clock = market_clock(self.host_name)
        query = resolve_ticks(request, clock)
        seconds = get_marketdata_config().bars.wait_seconds if wait_seconds is None else wait_seconds
        deadline = time.monotonic() + seconds
        for _turn in range(MAX_TURNS):
            readiness, wanted = self._scan(query)
            if not wanted:
                return query, readiness
            job = repair_order(
                ranges=wanted, period=Period.TICK, host=self.host_name, owner=owner, params=_params(query)
            )
            if not wait_for_job(job.pk, deadline):
                return query, replace(readiness, job_id=job.pk)
        return query, self._scan(query)[0]

    def get(self, request: TickRequest, *, wait_seconds: float | None = None) -> pd.DataFrame:
        """Return ticks in order of symbols asked, then time; incomplete ones when the wait was too short."""
        query, _readiness = self.prepare(request, wait_seconds=wait_seconds)
        frames = list(tick_frames(query))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(query.columns))

    def head(self, query: TickQuery, readiness: Readiness) -> dict[str, Any]:
        """What is known about an answer as a whole."""
        first, last = query.days
        open_day = first_open_day(market_clock(self.host_name))
        return {
            "period": Period.TICK.code,
            "complete": readiness.complete,
            "missing_days": readiness.missing_days,
            "failures": readiness.failures,
            # Of the open day there is what was captured: whether that is all, nobody can know yet.
            "open_day": day_date(open_day).isoformat() if first <= open_day <= last else None,
            "host": self.host_name,
        }

    def pieces(self, query: TickQuery, head: dict[str, Any], *, form: str) -> Iterator[bytes]:
        """The answer as JSON, CSV, Arrow or Parquet, a day of an instrument at a time."""
        if form in ("arrow", "parquet"):
            schema = tick_schema(query, head)
            tables = (pa.Table.from_pandas(frame, schema=schema, preserve_index=False) for frame in _timed(query))
            return (arrow_pieces if form == "arrow" else parquet_pieces)(schema, tables)
        frames = tick_frames(query)
        return csv_pieces(query.columns, frames) if form == "csv" else json_pieces(head, _nulls(frames))

    def _scan(self, query: TickQuery) -> tuple[Readiness, dict[int, list[tuple[int, int]]]]:
        """How whole the closed days are, and what is worth downloading now."""
        first, last = query.days
        missing = missing_tick_days(query.instruments, first, last, market_clock(self.host_name))
        if not missing:
            return Readiness(complete=True), {}
        symbols = {instrument.pk: instrument.symbol for instrument in query.instruments}
        failed = recently_failed(missing, Period.TICK)
        readiness = Readiness(
            complete=False,
            missing_days=sum(map(len, missing.values())),
            failures={symbols[key]: error for key, error in failed.items()},
        )
        calendar = calendar_days(first, last)
        return readiness, {key: runs(days, calendar) for key, days in missing.items() if key not in failed}


def resolve_ticks(request: TickRequest, clock: MarketClock) -> TickQuery:
    """Check a request completely; nothing is changed. Raises as `TickService.prepare` does."""
    if isinstance(request.symbols, str) or not request.symbols:
        raise Invalid(Code.FIELD_REQUIRED, "name at least one symbol", field="symbols")
    instruments = tuple(instruments_by_symbol(request.symbols).values())
    start_ts, end_ts = resolve_range(request.start, request.end, clock)
    last = day_number(ts_date(end_ts))
    if request.start is None:
        trading = calendar_days(last - 30, last)
        start_ts = int(day_start_ts(int(trading[-1]) if len(trading) else last))
    days = max(len(calendar_days(day_number(ts_date(start_ts)), last)), 1)
    if len(instruments) * days > MAX_INSTRUMENT_DAYS:
        raise Invalid(
            Code.RANGE_TOO_LARGE,
            f"symbols={len(instruments)} days={days} limit={MAX_INSTRUMENT_DAYS} (symbols times days)",
            field="start",
            limit=MAX_INSTRUMENT_DAYS,
        )
    return TickQuery(instruments, start_ts, end_ts, _columns(request.fields))


def tick_frames(query: TickQuery) -> Iterator[pd.DataFrame]:
    """The query's ticks, one instrument and day at a time; ``time`` in epoch ms."""
    first, last = query.days
    names = [name for name in query.columns if name in TICK.names]
    for instrument in query.instruments:
        for day in calendar_days(first, last).tolist():
            start = int(day_start_ts(day))
            rows = read_bars(
                [instrument.pk],
                Period.TICK,
                max(start, query.start_ts),
                min(start + DAY_MS - 1, query.end_ts),
                columns=names,
            )
            if not len(rows):
                continue
            frame = rows.to_frame().rename(columns={"ts": "time"})
            frame["symbol"] = instrument.symbol
            yield frame[list(query.columns)]


def tick_schema(query: TickQuery, head: dict[str, Any]) -> pa.Schema:
    """Columns of an Arrow answer, the head in its metadata."""
    kinds = {column.name: _TYPES[column.kind] for column in TICK.columns}
    kinds |= {"symbol": pa.string(), "time": pa.timestamp("ms", tz="Asia/Shanghai")}
    return pa.schema(
        [pa.field(name, kinds[name]) for name in query.columns], metadata={"desk.ticks": orjson.dumps(head)}
    )


def _timed(query: TickQuery) -> Iterator[pd.DataFrame]:
    for frame in tick_frames(query):
        stamps: Int64Array = frame["time"].to_numpy(np.int64)
        yield frame.assign(time=pd.to_datetime(stamps, unit="ms", utc=True).tz_convert("Asia/Shanghai"))


def _nulls(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """``pd.NA`` of a nullable integer is no JSON: None is."""
    for frame in frames:
        yield frame.astype({name: object for name in ("pvolume", "transactions") if name in frame.columns}).where(
            frame.notna(), None
        )


def _columns(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return TICK_COLUMNS
    if unknown := [name for name in names if name not in TICK_COLUMNS]:
        raise Invalid(
            Code.FIELD_UNKNOWN,
            f"unknown field: {', '.join(str(name)[:20] for name in unknown[:10])}",
            field="fields",
            available=list(TICK_COLUMNS),
        )
    wanted = {"symbol", "time", "seq", *names}
    return tuple(name for name in TICK_COLUMNS if name in wanted)


def _params(query: TickQuery) -> dict[str, object]:
    symbols = [instrument.symbol for instrument in query.instruments]
    first, last = query.days
    return {
        "symbols": symbols[:20],
        "symbol_count": len(symbols),
        "period": Period.TICK.code,
        "start": day_date(first).isoformat(),
        "end": day_date(last).isoformat(),
    }
