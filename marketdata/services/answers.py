"""Bars as JSON, CSV, Arrow or Parquet, read and written in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from marketdata.quotes.periods import Period, day_number, day_numbers
from marketdata.services.axis import bars_per_day
from marketdata.services.reading import read_frame
from marketdata.services.requests import Query
from marketdata.services.tables import arrow_pieces, csv_pieces, parquet_pieces
from ops.clocks import MarketClock

FORMS = ("json", "csv", "arrow", "parquet")

INSTRUMENTS_PER_PIECE = 64
# Stored bars read at once, about; a single instrument is never cut.
ROWS_PER_READ = 200_000
ROWS_PER_PIECE = 50_000
JSON_ROWS_PER_PIECE = 10_000
# Schema metadata of Arrow and Parquet: the same head that JSON has.
HEAD_KEY = "desk.bars"
_SHANGHAI_MS = 8 * 3_600_000

_TYPES = {
    **{name: pa.float64() for name in ("open", "high", "low", "close", "amount", "pre_close")},
    "symbol": pa.string(),
    "volume": pa.int64(),
    "suspended": pa.bool_(),
    "partial": pa.bool_(),
}


def answer_frames(query: Query, clock: MarketClock) -> Iterator[pd.DataFrame]:
    """The query's bars in order, at most `ROWS_PER_PIECE` at a time; ``time`` in epoch ms."""
    days = day_number(query.end_date) - day_number(query.start_date) + 1
    step = max(min(ROWS_PER_READ // (days * bars_per_day(query.period)), INSTRUMENTS_PER_PIECE), 1)
    for at in range(0, len(query.instruments), step):
        frame = read_frame(replace(query, instruments=query.instruments[at : at + step]), clock)
        for start in range(0, len(frame), ROWS_PER_PIECE):
            yield frame.iloc[start : start + ROWS_PER_PIECE]


def answer_pieces(
    query: Query, clock: MarketClock, head: dict[str, Any], *, form: str, time_format: str
) -> Iterator[bytes]:
    """The answer in a negotiated form.

    Parameters
    ----------
    head
        What is known about the bars as a whole, see `MarketDataService.head`. CSV has no place for it.
    form
        One of `FORMS`.
    time_format
        ``ms``, in Arrow and Parquet as timestamps of Shanghai; or ``iso``, text.
    """
    found = answer_frames(query, clock)
    if form in ("arrow", "parquet"):
        schema = bars_schema(query, head, time_format)
        tables = (_table(frame, schema, query, time_format) for frame in found)
        return (arrow_pieces if form == "arrow" else parquet_pieces)(schema, tables)
    if time_format == "iso":
        found = (_with_text_time(frame, query) for frame in found)
    return csv_pieces(query.columns, found) if form == "csv" else json_pieces(head, found)


def bars_schema(query: Query, head: dict[str, Any], time_format: str) -> pa.Schema:
    """Columns of an Arrow answer, the head in its metadata."""
    time = pa.string() if time_format == "iso" else pa.timestamp("ms", tz="Asia/Shanghai")
    fields = [pa.field(name, time if name == "time" else _TYPES[name]) for name in query.columns]
    return pa.schema(fields, metadata={HEAD_KEY: orjson.dumps(head)})


def _table(frame: pd.DataFrame, schema: pa.Schema, query: Query, time_format: str) -> pa.Table:
    if time_format == "iso":
        frame = _with_text_time(frame, query)
    columns = []
    for field in schema:
        values = pa.array(frame[field.name], from_pandas=True)
        # Stamps are integers already; a cast from text or to another unit is never needed.
        columns.append(
            values.cast(pa.int64()).cast(field.type) if pa.types.is_timestamp(field.type) else values.cast(field.type)
        )
    return pa.Table.from_arrays(columns, schema=schema)


def _with_text_time(frame: pd.DataFrame, query: Query) -> pd.DataFrame:
    return frame.assign(time=time_texts(frame["time"].to_numpy(np.int64), query.period))


def time_texts(stamps: Any, period: Period) -> Any:
    """``2023-03-17`` of a bar of days, ``2023-03-17T09:31:00+08:00`` of one of minutes."""
    if period is Period.DAY_1:
        return day_numbers(stamps).astype("datetime64[D]").astype(str)
    local = (stamps + _SHANGHAI_MS).astype("datetime64[ms]").astype("datetime64[s]")
    return np.char.add(local.astype(str), "+08:00")


def json_pieces(head: dict[str, Any], found: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    """One JSON object: what `head` says, then ``rows``, a list of objects; absent values are null."""
    yield orjson.dumps(head)[:-1] + b',"rows":['
    separator = b""
    for frame in found:
        names = list(frame.columns)
        for start in range(0, len(frame), JSON_ROWS_PER_PIECE):
            part = frame.iloc[start : start + JSON_ROWS_PER_PIECE]
            # orjson writes NaN as null, and floats as the shortest text that reads back as the same number.
            values = [part[name].tolist() for name in names]
            rows = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
            yield separator + orjson.dumps(rows)[1:-1]
            separator = b","
    yield b"]}"
