"""Stored bars as files: any range, written in pieces, never in memory as a whole."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
from django.db import transaction

from desk.settings.schema import get_config
from marketdata.choices import Basis
from marketdata.models import Instrument
from marketdata.quotes.periods import Period, ts_date
from marketdata.quotes.reader import coverage
from marketdata.selectors import data_source, instruments_by_symbol
from marketdata.services.reading import read_frame
from marketdata.services.requests import Adjust, DataRequest
from marketdata.services.service import MarketDataService
from marketdata.services.tables import arrow_pieces, csv_pieces, parquet_pieces
from marketdata.tasks import transfers_wake
from ops.clocks import market_clock
from ops.errors import Code, Invalid, NotFound
from ops.jobs import job_create
from ops.models import Job

logger = logging.getLogger(__name__)

JOB_KIND = "export"
PLACE = "platform"
PERIODS = (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5)
KEPT_SECONDS = 7 * 86_400
COLUMNS = ("symbol", "time", "open", "high", "low", "close", "volume", "amount", "pre_close", "suspended")
_GROUP = {Period.DAY_1: 64, Period.MINUTE_1: 1, Period.MINUTE_5: 4}


class ExportFormat(StrEnum):
    """What a file may be."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """What to export. No symbols: every instrument that has bars; no bound: as far as they reach."""

    period: Period
    file_format: ExportFormat
    symbols: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    adjust: Adjust = Adjust.NONE


def export_spec(
    *,
    period: str,
    file_format: str,
    symbols: list[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    adjust: str = "none",
) -> ExportSpec:
    """Check a wish.

    Raises
    ------
    Invalid
        An unknown symbol, a period that is not stored, a format or adjustment that does not exist, a range that is reversed.
    """
    if period not in {one.code for one in PERIODS}:
        raise Invalid(
            Code.PERIOD_NOT_AVAILABLE, f"exported are {', '.join(one.code for one in PERIODS)}", field="period"
        )
    if file_format not in set(ExportFormat):
        raise Invalid(Code.FIELD_INVALID, f"format must be one of {', '.join(ExportFormat)}", field="format")
    if adjust not in set(Adjust):
        raise Invalid(Code.ADJUST_UNKNOWN, f"adjust must be one of {', '.join(Adjust)}", field="adjust")
    if start is not None and end is not None and start > end:
        raise Invalid(Code.RANGE_REVERSED, f"start={start} is after end={end}", field="start")
    named = tuple(instruments_by_symbol(symbols)) if symbols else ()
    return ExportSpec(Period.parse(period), ExportFormat(file_format), named, start, end, Adjust(adjust))


def export_pieces(
    spec: ExportSpec, *, on_turn: Callable[[int, int], None] = lambda _done, _total: None
) -> Iterator[bytes]:
    """The file's bytes, some instruments and a year at a time.

    Parameters
    ----------
    on_turn
        Told (instruments done, instruments); may raise to stop.

    Raises
    ------
    Unavailable
        ``FACTORS_UNAVAILABLE`` for an adjustment of a history that is adjusted already.
    """
    service = MarketDataService()
    source = data_source(service.host_name)
    basis = source.basis if source is not None else Basis.RAW.value
    frames = _frames(service, spec, on_turn)
    if spec.file_format is ExportFormat.CSV:
        return csv_pieces(COLUMNS, frames)
    schema = _schema(spec, basis)
    tables = (pa.Table.from_pandas(frame[list(COLUMNS)], schema=schema, preserve_index=False) for frame in frames)
    write = parquet_pieces if spec.file_format is ExportFormat.PARQUET else arrow_pieces
    return write(schema, tables)


def _frames(
    service: MarketDataService, spec: ExportSpec, on_turn: Callable[[int, int], None]
) -> Iterator[pd.DataFrame]:
    rows = Instrument.objects.with_symbols(spec.symbols) if spec.symbols else Instrument.objects.all()
    ids = dict(rows.values_list("pk", "symbol"))
    stored = coverage(sorted(ids), spec.period)
    have = np.array([key for key in stored.instrument_id.tolist() if key in ids], np.int64)
    have = have[np.argsort([ids[int(key)] for key in have])] if len(have) else have
    if not len(have):
        return
    first = max(ts_date(int(stored.first_ts.min())), spec.start or date.min)
    last = min(ts_date(int(stored.last_ts.max())), spec.end or date.max)
    size = _GROUP[spec.period]
    clock = market_clock(service.host_name)
    for at in range(0, len(have), size):
        symbols = [ids[int(key)] for key in have[at : at + size]]
        for year in range(first.year, last.year + 1):
            begin, finish = max(first, date(year, 1, 1)), min(last, date(year, 12, 31), clock.trade_date)
            if begin > finish:
                continue
            query = service.resolve(DataRequest(symbols, spec.period.code, begin, finish, adjust=spec.adjust.value))
            frame = read_frame(query, clock)
            if not frame.empty:
                yield frame
        on_turn(min(at + size, len(have)), len(have))


def _schema(spec: ExportSpec, basis: str) -> pa.Schema:
    kinds = {"symbol": pa.string(), "time": pa.int64(), "volume": pa.int64(), "suspended": pa.bool_()}
    told = {
        "basis": basis,
        "adjust": spec.adjust.value,
        "period": spec.period.code,
        "time": "epoch ms; Shanghai midnight of a day, right edge of a minute",
        "volume": "shares",
        "amount": "CNY",
    }
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in COLUMNS], metadata=told)


def export_to_file(
    spec: ExportSpec, path: Path, *, on_turn: Callable[[int, int], None] = lambda _done, _total: None
) -> int:
    """Write the file, whole or not at all; returns its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as file:
            for piece in export_pieces(spec, on_turn=on_turn):
                file.write(piece)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path.stat().st_size


# -------------------------------------------------------------------------------------- jobs
def export_request(spec: ExportSpec, *, owner: int) -> Job:
    """Create an export job and wake a core worker; the file is fetched from the job when it is done."""
    # Refused now what could not be done then.
    MarketDataService().resolve(DataRequest([_any_symbol(spec)], spec.period.code, adjust=spec.adjust.value, count=1))
    params = {
        "host": PLACE,
        "period": spec.period.code,
        "format": spec.file_format.value,
        "symbols": list(spec.symbols),
        "start": spec.start.isoformat() if spec.start else None,
        "end": spec.end.isoformat() if spec.end else None,
        "adjust": spec.adjust.value,
    }
    with transaction.atomic():
        job = job_create(kind=JOB_KIND, owner=owner, params=params, message="waiting for a worker")
        transaction.on_commit(partial(transfers_wake, job.pk), robust=True)
    return job


def _any_symbol(spec: ExportSpec) -> str:
    symbol = spec.symbols[0] if spec.symbols else Instrument.objects.values_list("symbol", flat=True).first()
    if symbol is None:
        raise Invalid(Code.SYMBOL_UNKNOWN, "no instrument is known yet", field="symbols")
    return symbol


def export_run(job: Job, *, on_turn: Callable[[int, int], None]) -> dict[str, Any]:
    """Write a job's file; files of jobs long ended are removed on the way."""
    _prune()
    given = job.params
    spec = export_spec(
        period=given["period"],
        file_format=given["format"],
        symbols=given["symbols"],
        start=date.fromisoformat(given["start"]) if given["start"] else None,
        end=date.fromisoformat(given["end"]) if given["end"] else None,
        adjust=given["adjust"],
    )
    path = _folder() / f"{job.pk}.{spec.file_format}"
    size = export_to_file(spec, path, on_turn=on_turn)
    return {"file": f"bars_{spec.period.code}.{spec.file_format}", "bytes": size}


def export_file(job: Job) -> tuple[Path, str]:
    """The file of an export job, and what to call it.

    Raises
    ------
    NotFound
        ``FILE_NOT_FOUND``: the job is no export, is not done, or its file was removed after a week.
    """
    path = _folder() / f"{UUID(str(job.pk))}.{job.params.get('format', '')}"
    if job.kind != JOB_KIND or job.status != Job.Status.DONE or not path.is_file():
        raise NotFound(Code.FILE_NOT_FOUND, job=str(job.pk), status_of_job=str(job.status))
    return path, str(job.result["file"])


def _folder() -> Path:
    return get_config().state_dir / "exports"


def _prune() -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in _folder().glob("*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
