"""Ticks, complete: from the database, of archived days from their files; what is missing is downloaded first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from marketdata.models import Instrument, TickArchive
from marketdata.quotes.columns import TICK, Kind, QuoteColumns
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, day_date, day_number, day_start_ts, ts_date
from marketdata.quotes.reader import read_bars
from marketdata.quotes.segments import merge
from marketdata.services.answers import json_pieces
from marketdata.services.archived import archived_ticks, archived_volumes, archives_between
from marketdata.services.axis import calendar_days, first_open_day
from marketdata.services.bars import BarsResult
from marketdata.services.evidence import runs
from marketdata.services.queue import recently_failed
from marketdata.services.readiness import (
    Readiness,
    deadline_after,
    evidence_days,
    repair_order,
    source_told,
    wait_for_job,
)
from marketdata.services.requests import (
    Adjust,
    DataRequest,
    Fill,
    parse_count,
    resolve_range,
    resolve_symbols,
)
from marketdata.services.tables import arrow_pieces, csv_pieces, parquet_pieces
from marketdata.services.tickdays import missing_tick_days
from ops.clocks import MarketClock, market_clock
from ops.errors import Code, Invalid

TICK_COLUMNS = ("symbol", "time", *TICK.names)
MAX_INSTRUMENT_DAYS = 250
"""Most days over all instruments of one request: about a million ticks."""
MAX_TURNS = 3

_SHANGHAI_MS = 8 * 3_600_000
_TYPES = {Kind.FLOAT: pa.float64(), Kind.INT: pa.int64()}


@dataclass(frozen=True, slots=True)
class TickQuery:
    """A request that was found answerable. Stamps are epoch ms, both ends included."""

    instruments: tuple[Instrument, ...]
    start_ts: int
    end_ts: int
    columns: tuple[str, ...]
    count: int = -1

    @property
    def instrument_ids(self) -> list[int]:
        return [instrument.pk for instrument in self.instruments]

    @property
    def days(self) -> tuple[int, int]:
        """First and last day number."""
        return day_number(ts_date(self.start_ts)), day_number(ts_date(self.end_ts))


class TickService:
    """Ticks of one host's market; asked through `MarketDataService`."""

    def __init__(self, host_name: str) -> None:
        self.host_name = host_name

    def prepare(
        self,
        request: DataRequest,
        *,
        wait_seconds: float | None = None,
        owner: int | None = None,
        retry_failed: bool = False,
    ) -> tuple[TickQuery, Readiness]:
        """Check a request and repair what it needs; the ticks themselves are not read.

        Raises
        ------
        Invalid
            As of `resolve_ticks`.
        Unavailable
            No host has reported its market clock yet.
        ArchiveDamaged
            An archived day's file is not what it should be.
        """
        query = resolve_ticks(request, market_clock(self.host_name))
        deadline = deadline_after(wait_seconds)
        for _turn in range(MAX_TURNS):
            readiness, wanted = self._scan(query, retry_failed=retry_failed)
            # Only what failed before this call is tried again, not what fails in it.
            retry_failed = False
            if not wanted:
                return query, readiness
            job = repair_order(
                ranges=wanted, period=Period.TICK, host=self.host_name, owner=owner, params=_params(query)
            )
            if not wait_for_job(job.pk, deadline):
                return query, replace(readiness, job_id=job.pk)
        return query, self._scan(query)[0]

    def read(self, query: TickQuery, readiness: Readiness | None = None) -> BarsResult:
        """Return what is stored or archived, and how complete it is; downloads nothing."""
        frames = list(tick_frames(query))
        return BarsResult(
            frame=pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(query.columns)),
            readiness=readiness or self._scan(query)[0],
            source=self.source(query),
            evidence=self._evidence(query),
        )

    def source(self, query: TickQuery) -> dict[str, str | bool]:
        """Where a query's ticks come from.

        Returns
        -------
        dict
            host, basis, simulated, sdk_version and ``hosts`` as of bars; ``archive``, the days that were read from
            archived files; ``open_day``, the date of which there is what was captured so far: whether that is all,
            nobody can know yet.
        """
        first, last = query.days
        told = source_told(self.host_name, query.instrument_ids, Period.TICK)
        told["stored_period"] = Period.TICK.code
        if archives := archives_between(first, last):
            told["archive"] = ",".join(day_date(day).isoformat() for day in sorted(archives))
        open_day = first_open_day(market_clock(self.host_name))
        if first <= open_day <= last:
            told["open_day"] = day_date(open_day).isoformat()
        return told

    def head(self, query: TickQuery, readiness: Readiness) -> dict[str, Any]:
        """What is known about an answer as a whole, the same names as of bars."""
        return {
            "complete": readiness.complete,
            "period": Period.TICK.code,
            "adjust": Adjust.NONE.value,
            "source": self.source(query),
            "evidence": self._evidence(query),
            "missing_days": readiness.missing_days,
            "failures": readiness.failures,
        }

    def pieces(self, query: TickQuery, head: dict[str, Any], *, form: str, time_format: str = "ms") -> Iterator[bytes]:
        """The answer as JSON, CSV, Arrow or Parquet, a day of an instrument at a time."""
        found = tick_frames(query)
        if form in ("arrow", "parquet"):
            schema = tick_schema(query, head, time_format)
            timed = _timed if time_format == "ms" else _texted
            tables = (pa.Table.from_pandas(timed(frame), schema=schema, preserve_index=False) for frame in found)
            return (arrow_pieces if form == "arrow" else parquet_pieces)(schema, tables)
        if time_format == "iso":
            found = map(_texted, found)
        return csv_pieces(query.columns, found) if form == "csv" else json_pieces(head, map(_nulls, found))

    def _evidence(self, query: TickQuery) -> dict[str, int]:
        return evidence_days(query.instrument_ids, Period.TICK, ts_date(query.start_ts), ts_date(query.end_ts))

    def _scan(
        self, query: TickQuery, *, retry_failed: bool = False
    ) -> tuple[Readiness, dict[int, list[tuple[int, int]]]]:
        """How whole the closed days are, and what is worth downloading now."""
        first, last = query.days
        missing = missing_tick_days(
            query.instruments,
            first,
            last,
            market_clock(self.host_name),
            archived=archived_volumes(query.instrument_ids, first, last),
        )
        if not missing:
            return Readiness(complete=True), {}
        symbols = {instrument.pk: instrument.symbol for instrument in query.instruments}
        failed = {} if retry_failed else recently_failed(missing, Period.TICK)
        readiness = Readiness(
            complete=False,
            missing_days=sum(map(len, missing.values())),
            failures={symbols[key]: error for key, error in failed.items()},
        )
        calendar = calendar_days(first, last)
        return readiness, {key: runs(days, calendar) for key, days in missing.items() if key not in failed}


def resolve_ticks(request: DataRequest, clock: MarketClock) -> TickQuery:
    """Check a request for ticks completely; nothing is changed.

    What differs from bars: without a start the range is the last trading day before its end; ``fields`` are of
    `TICK_COLUMNS`; prices are raw, and a hole is no row, so that adjust, fill and open_day keep their defaults; the
    open day's ticks are in the answer as far as they were captured.

    Raises
    ------
    Invalid
        FIELD_INVALID (adjust, fill, open_day, count), FIELD_REQUIRED, RANGE_INVALID, RANGE_REVERSED, RANGE_IN_FUTURE,
        SYMBOL_UNKNOWN, RANGE_TOO_LARGE, FIELD_UNKNOWN.
    """
    given = {"adjust": request.adjust, "fill": request.fill, "open_day": request.open_day}
    for name, value in (("adjust", Adjust.NONE.value), ("fill", Fill.NONE.value), ("open_day", False)):
        if given[name] != value:
            raise Invalid(Code.FIELD_INVALID, f"{name} is for bars: ticks are answered as they came", field=name)
    count = parse_count(request.count)
    instruments = resolve_symbols(request.symbols)
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
    return TickQuery(instruments, start_ts, end_ts, _columns(request.fields), count)


def tick_frames(query: TickQuery) -> Iterator[pd.DataFrame]:
    """The query's ticks, one instrument and day at a time; ``time`` in epoch ms.

    Raises
    ------
    ArchiveDamaged
        An archived day's file is not what it should be.
    """
    archives = archives_between(*query.days)
    for instrument in query.instruments:
        for day, skipped in _tick_days(query, instrument, archives):
            rows = _day_rows(query, instrument, day, archives.get(day))
            if len(rows) == 0:
                continue
            frame = rows.take(slice(skipped, None)).to_frame().rename(columns={"ts": "time"})
            frame["symbol"] = instrument.symbol
            yield frame[list(query.columns)]


def _tick_days(
    query: TickQuery, instrument: Instrument, archives: Mapping[int, TickArchive]
) -> Iterator[tuple[int, int]]:
    """Days that have ticks of the answer, in order, and how many of the day's first ones are not part of it."""
    days: list[int] = calendar_days(*query.days).tolist()
    if query.count == -1:
        yield from ((day, 0) for day in days)
        return
    wanted = query.count
    found: list[tuple[int, int]] = []
    for day in reversed(days):
        rows = len(_day_rows(replace(query, columns=()), instrument, day, archives.get(day)))
        found.append((day, max(rows - wanted, 0)))
        wanted -= rows
        if wanted <= 0:
            break
    yield from reversed(found)


def _day_rows(query: TickQuery, instrument: Instrument, day: int, archive: TickArchive | None) -> QuoteColumns:
    """One day's ticks in the range, from the database and, of an archived day, the file; of both the database's win."""
    names = [name for name in query.columns if name in TICK.names]
    start = int(day_start_ts(day))
    first, last = max(start, query.start_ts), min(start + DAY_MS - 1, query.end_ts)
    rows = read_bars([instrument.pk], Period.TICK, first, last, columns=names)
    if archive is None:
        return rows
    kept = archived_ticks(archive, [instrument.pk], names)
    return merge(kept.take((kept.ts >= first) & (kept.ts <= last)), rows)


def tick_schema(query: TickQuery, head: dict[str, Any], time_format: str = "ms") -> pa.Schema:
    """Columns of an Arrow answer, the head in its metadata."""
    kinds = {column.name: _TYPES[column.kind] for column in TICK.columns}
    time = pa.string() if time_format == "iso" else pa.timestamp("ms", tz="Asia/Shanghai")
    kinds |= {"symbol": pa.string(), "time": time}
    return pa.schema(
        [pa.field(name, kinds[name]) for name in query.columns], metadata={"desk.ticks": orjson.dumps(head)}
    )


def _timed(frame: pd.DataFrame) -> pd.DataFrame:
    stamps: Int64Array = frame["time"].to_numpy(np.int64)
    return frame.assign(time=pd.to_datetime(stamps, unit="ms", utc=True).tz_convert("Asia/Shanghai"))


def _texted(frame: pd.DataFrame) -> pd.DataFrame:
    stamps: Int64Array = frame["time"].to_numpy(np.int64)
    local = (stamps + _SHANGHAI_MS).astype("datetime64[ms]")
    return frame.assign(time=np.char.add(local.astype(str), "+08:00"))


def _nulls(frame: pd.DataFrame) -> pd.DataFrame:
    """``pd.NA`` of a nullable integer is no JSON: None is."""
    columns = [name for name in frame.columns if isinstance(frame[name].dtype, pd.Int64Dtype)]
    plain = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in columns}
    return frame.assign(**plain)


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
