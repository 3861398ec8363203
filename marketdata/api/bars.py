"""Bars as JSON or CSV, written in pieces: a large answer is never held as text in one part."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from asgiref.sync import sync_to_async

from marketdata.quotes.periods import Period, day_numbers
from marketdata.services.reading import read_frame
from marketdata.services.requests import Query
from ops.clocks import MarketClock

INSTRUMENTS_PER_PIECE = 64
_SHANGHAI_MS = 8 * 3_600_000


def pieces(query: Query, clock: MarketClock, time_format: str) -> Iterator[pd.DataFrame]:
    """The query's bars, some instruments at a time, with the time column as the answer shows it."""
    instruments = query.instruments
    for at in range(0, len(instruments), INSTRUMENTS_PER_PIECE):
        part = replace(query, instruments=instruments[at : at + INSTRUMENTS_PER_PIECE])
        frame = read_frame(part, clock)
        if time_format == "iso":
            frame["time"] = time_texts(frame["time"].to_numpy(np.int64), query.period)
        yield frame


def time_texts(stamps: Any, period: Period) -> Any:
    """``2023-03-17`` of a daily bar, ``2023-03-17T09:31:00+08:00`` of a minute."""
    if period is Period.DAY_1:
        return day_numbers(stamps).astype("datetime64[D]").astype(str)
    local = (stamps + _SHANGHAI_MS).astype("datetime64[ms]").astype("datetime64[s]")
    return np.char.add(local.astype(str), "+08:00")


def json_pieces(head: dict[str, Any], frames: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    """One JSON object: what `head` says, then ``rows``, a list of objects; absent values are null."""
    yield orjson.dumps(head)[:-1] + b',"rows":['
    separator = b""
    for frame in frames:
        if frame.empty:
            continue
        columns = [_json_column(frame[name]) for name in frame.columns]
        names = list(frame.columns)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        yield separator + orjson.dumps(rows)[1:-1]
        separator = b","
    yield b"]}"


def _json_column(column: pd.Series[Any]) -> list[Any]:
    # orjson writes NaN as null, and floats as the shortest text that reads back as the same number.
    return list(column.tolist())


def csv_pieces(columns: Sequence[str], frames: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    """A header line, then one line per bar; an absent value is an empty field, suspended is 0 or 1."""
    yield ",".join(columns).encode() + b"\n"
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    for frame in frames:
        if "suspended" in frame.columns:
            frame["suspended"] = frame["suspended"].astype(np.int8)
        buffer = io.BytesIO()
        pa.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), buffer, options)
        yield buffer.getvalue()


async def as_async(iterator: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Drive a synchronous iterator from the event loop, each step on a thread: database reads stay off the loop."""

    def step() -> bytes | None:
        return next(iterator, None)

    while (piece := await sync_to_async(step)()) is not None:
        yield piece
