"""Indicators of stored bars: closed ones only, completed like every other request for bars.

More bars are read than are answered: a recursive mean depends on everything before it, so each answer looks back until
what came earlier cannot be seen any more. The same bar so has the same value whatever range was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from marketdata.config import get_marketdata_config
from marketdata.indicators import Bars, Wish, compute, parse_wishes, warm_up
from marketdata.models import TradingDay
from marketdata.quotes.periods import Period, ts_date
from marketdata.services.answers import json_pieces, time_texts
from marketdata.services.axis import CALENDAR_MARKET
from marketdata.services.folding import answer_per_day
from marketdata.services.readiness import Readiness
from marketdata.services.requests import PARTIAL, DataRequest, Query
from marketdata.services.service import MarketDataService
from marketdata.services.tables import arrow_pieces, csv_pieces, parquet_pieces
from ops.clocks import market_clock

FORMS = ("json", "csv", "arrow", "parquet")
HEAD_KEY = "desk.indicators"
ROWS_PER_PIECE = 50_000
DECIMALS = 6
"""Of the values: finer than any tick, and free of the noise of binary fractions."""
_READ = ("high", "low", "close", "suspended")


@dataclass(frozen=True, slots=True)
class IndicatorRequest:
    """Indicators of some instruments over a closed range.

    Attributes
    ----------
    indicators
        As in ``MA(5,10,20),MACD,KDJ(9,3,3)``; see `marketdata.indicators.CATALOGUE`.
    symbols, period, start, end, count, adjust
        As in a `DataRequest`; they name the bars that are answered, not those that are read for them.
    """

    symbols: Sequence[str]
    indicators: str
    period: str = "1d"
    start: date | datetime | str | None = None
    end: date | datetime | str | None = None
    count: int = -1
    adjust: str = "none"


@dataclass(frozen=True, slots=True)
class IndicatorQuery:
    """A request that was found answerable.

    Attributes
    ----------
    bars
        What is read, the bars before the answer included.
    first_ts, count
        What is answered of it.
    """

    wishes: tuple[Wish, ...]
    bars: Query
    first_ts: int
    count: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The answer's columns: symbol, time, then each indicator's."""
        return ("symbol", "time", *(column for wish in self.wishes for column in wish.columns))


@dataclass(frozen=True, slots=True)
class IndicatorsResult:
    """Indicator values, and how complete the bars below them are.

    Attributes
    ----------
    frame
        `IndicatorQuery.columns`; float64 of six decimals, NaN where an instrument has too few bars.
    """

    frame: pd.DataFrame
    readiness: Readiness


class IndicatorService:
    """Indicators for Python callers, rules and REST alike, of one host's market."""

    def __init__(self, host_name: str | None = None) -> None:
        self._bars = MarketDataService(host_name)

    def get(
        self, request: IndicatorRequest, *, wait_seconds: float | None = None, owner: int | None = None
    ) -> IndicatorsResult:
        """Return indicator values, repairing missing bars first.

        Raises
        ------
        Invalid
            INDICATOR_UNKNOWN, FIELD_REQUIRED, FIELD_INVALID (see `parse_wishes`), and what a `DataRequest` raises.
        Unavailable
            No host has reported its market clock yet.
        """
        query, readiness = self.prepare(request, wait_seconds=wait_seconds, owner=owner)
        return IndicatorsResult(self.read(query), readiness)

    def prepare(
        self, request: IndicatorRequest, *, wait_seconds: float | None = None, owner: int | None = None
    ) -> tuple[IndicatorQuery, Readiness]:
        """Check a request and repair the bars that it needs; they are not read."""
        wishes = parse_wishes(request.indicators)
        asked = self._bars.resolve(_data_request(request, request.start, request.count))
        before = warm_up(wishes)
        start = request.start if request.start is None else _earlier(asked, before)
        count = request.count if request.count == -1 else request.count + before
        bars, readiness = self._bars.prepare(
            _data_request(request, start, count), wait_seconds=wait_seconds, owner=owner
        )
        return IndicatorQuery(wishes, cast(Query, bars), asked.first_ts, request.count), readiness

    def read(self, query: IndicatorQuery) -> pd.DataFrame:
        """Compute from what is stored; downloads nothing."""
        frame = _closed(self._bars.read(query.bars, Readiness(complete=True)).frame, query.bars, self._bars.host_name)
        parts = [
            _of_one(query, str(symbol), bars) for symbol, bars in frame.groupby("symbol", sort=False, observed=True)
        ]
        if not parts:
            return pd.DataFrame({name: [] for name in query.columns})
        return pd.concat(parts, ignore_index=True)

    def head(self, query: IndicatorQuery, readiness: Readiness) -> dict[str, Any]:
        """What an answer says about itself as a whole, in plain values."""
        told = self._bars.head(query.bars, readiness)
        return told | {"look_back": warm_up(query.wishes), "columns": list(query.columns)}

    def pieces(self, query: IndicatorQuery, head: dict[str, Any], *, form: str, time_format: str) -> Iterator[bytes]:
        """The answer as JSON, CSV, Arrow or Parquet, piece by piece.

        Parameters
        ----------
        form
            One of `FORMS`.
        time_format
            ``ms`` or ``iso``, as of bars.
        """
        frame = self.read(query)
        if time_format == "iso":
            frame = frame.assign(time=time_texts(frame["time"].to_numpy(np.int64), query.bars.period))
        frames = (frame.iloc[at : at + ROWS_PER_PIECE] for at in range(0, len(frame), ROWS_PER_PIECE))
        if form == "json":
            return json_pieces(head, frames)
        if form == "csv":
            return csv_pieces(query.columns, frames)
        schema = _schema(query, head, time_format)
        tables = (_table(part, schema) for part in frames)
        return (arrow_pieces if form == "arrow" else parquet_pieces)(schema, tables)


def _data_request(request: IndicatorRequest, start: date | datetime | str | None, count: int) -> DataRequest:
    return DataRequest(
        symbols=request.symbols,
        period=request.period,
        start=start,
        end=request.end,
        count=count,
        adjust=request.adjust,
        fields=_READ,
    )


def _earlier(query: Query, bars: int) -> date:
    """A trading day that has so many bars between it and the query's start, or the oldest known."""
    first = ts_date(query.first_ts)
    days = math.ceil(bars / answer_per_day(query.period, query.fold)) + 1
    known = TradingDay.objects.filter(market=CALENDAR_MARKET, date__lt=first).order_by("-date")
    dates = list(known.values_list("date", flat=True)[:days])
    return dates[-1] if dates else first


def _closed(frame: pd.DataFrame, query: Query, host_name: str) -> pd.DataFrame:
    """Bars that are over, of days on which the instrument was not suspended."""
    keep = ~frame["suspended"].to_numpy(np.bool_)
    if PARTIAL in frame.columns:
        keep &= ~frame[PARTIAL].to_numpy(np.bool_)
    if query.period is not Period.DAY_1:
        grace_ms = get_marketdata_config().bars.live_grace_seconds * 1000
        now_ms = market_clock(host_name).market_time.timestamp() * 1000
        keep &= frame["time"].to_numpy(np.int64) <= now_ms - grace_ms
    return frame[keep]


def _of_one(query: IndicatorQuery, symbol: str, bars: pd.DataFrame) -> pd.DataFrame:
    arrays = Bars(*(bars[name].to_numpy(np.float64) for name in ("high", "low", "close")))
    times = bars["time"].to_numpy(np.int64)
    values = {name: np.round(column, DECIMALS) for name, column in compute(query.wishes, arrays).items()}
    answer = pd.DataFrame({"symbol": symbol, "time": times, **values})
    answer = answer[times >= query.first_ts]
    return answer if query.count == -1 else answer.tail(query.count)


def _schema(query: IndicatorQuery, head: dict[str, Any], time_format: str) -> pa.Schema:
    time = pa.string() if time_format == "iso" else pa.timestamp("ms", tz="Asia/Shanghai")
    values = [pa.field(name, pa.float64()) for name in query.columns[2:]]
    fields = [pa.field("symbol", pa.string()), pa.field("time", time), *values]
    return pa.schema(fields, metadata={HEAD_KEY: orjson.dumps(head)})


def _table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    columns = [pa.array(frame[field.name], from_pandas=True).cast(field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)
