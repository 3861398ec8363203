"""Bringing bars in from a file: looked at first, stored only when a person confirmed it.

Precedence: what a terminal delivered stays. An imported day is stored only where no bar of that day is; a later download of the same day
replaces the imported bars, and nothing a file says ever replaces a terminal's.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from django.db import transaction

from desk.settings.schema import get_config
from marketdata.choices import Basis, ImportState
from marketdata.models import BarImport, ImportedDays
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, day_date, day_number, day_numbers
from marketdata.quotes.reader import read_bars
from marketdata.quotes.store import segments_merge
from marketdata.selectors import data_host, data_source
from marketdata.services.axis import calendar_days, first_open_day
from marketdata.services.evidence import evidence_withdraw, runs
from marketdata.services.imports.files import (
    ENCODINGS,
    MAX_FILE_BYTES,
    format_of,
    head_of,
    open_table,
    safe_name,
    too_large,
)
from marketdata.services.imports.parsing import (
    ALIASES,
    AMOUNT_UNITS,
    VOLUME_UNITS,
    Market,
    Parsed,
    Reading,
    detected_period,
    parse_table,
    span_of,
)
from marketdata.services.landed import bars_of_frames
from marketdata.services.requests import FIRST_DATE
from marketdata.services.status import SyncNote, status_write
from marketdata.tasks import transfers_wake
from ops import audit
from ops.audit import Actor
from ops.clocks import market_clock, wall_now
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.jobs import job_create, job_progress
from ops.models import Job

logger = logging.getLogger(__name__)

JOB_KIND = "import"
PLACE = "platform"
PERIODS = (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5)
HEAD_ROWS = 10


def reading_of(*, name: str, options: dict[str, Any]) -> Reading:
    """Check how a file is to be read.

    Raises
    ------
    Invalid
        ``FILE_FORMAT_UNKNOWN``, or an option that is none.
    """
    columns = options.get("columns") or {}
    if not isinstance(columns, dict) or not all(
        key in ALIASES and isinstance(value, str) for key, value in columns.items()
    ):
        raise Invalid(
            Code.FIELD_INVALID, f"columns maps some of {', '.join(ALIASES)} to the file's names", field="columns"
        )
    return Reading(
        kind=format_of(name),
        encoding=_one_of("encoding", options.get("encoding") or "utf-8", ENCODINGS),
        period=Period.parse(_one_of("period", options.get("period"), tuple(period.code for period in PERIODS))),
        basis=Basis(_one_of("basis", options.get("basis"), tuple(Basis.values))),
        volume_unit=_one_of("volume_unit", options.get("volume_unit"), VOLUME_UNITS),
        amount_unit=_one_of("amount_unit", options.get("amount_unit") or "yuan", AMOUNT_UNITS),
        symbol=str(options.get("symbol") or ""),
        columns=columns,
    )


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        code = Code.FIELD_INVALID if value else Code.FIELD_REQUIRED
        raise Invalid(code, f"{name} must be one of {', '.join(choices)}", field=name)
    return str(value)


def import_preview(*, actor: Actor, owner: int, name: str, content: BinaryIO, options: dict[str, Any]) -> BarImport:
    """Keep an uploaded file and say what it holds; no bar is stored.

    Raises
    ------
    Invalid
        The file or an option is refused: nothing is kept.
    """
    clean = safe_name(name)
    reading = reading_of(name=clean, options=options)
    digest, size, path = _keep(content)
    try:
        source = open_table(path, reading.kind, reading.encoding)
        parsed = parse_table(source, reading, _market())
    except Invalid:
        if not BarImport.objects.filter(digest=digest).exists():
            path.unlink(missing_ok=True)
        raise
    row = BarImport(
        file_name=clean,
        digest=digest,
        size=size,
        options={key: value for key, value in options.items() if value},
        period=reading.period.code,
        basis=reading.basis,
        preview=_preview(source, parsed, reading),
        owner=owner,
        owner_label=actor.label[:200],
        created_at=wall_now(),
    )
    row.save(force_insert=True)
    return row


def _preview(source: pd.DataFrame, parsed: Parsed, reading: Reading) -> dict[str, Any]:
    span = span_of(parsed.bars)
    found = detected_period(source, parsed.mapping["time"])
    notes = list(parsed.notes)
    if found and found != reading.period.code:
        notes.append(f"the times look like {found} bars, not {reading.period.code}")
    source_row = data_source(data_host())
    if source_row is not None and source_row.basis != reading.basis:
        notes.append(f"stored prices are {source_row.basis}: a file of {reading.basis} prices will be refused")
    return {
        "mapping": parsed.mapping,
        "head": head_of(source, HEAD_ROWS),
        "rows": parsed.rows,
        "good_rows": len(parsed.bars),
        "instruments": int(parsed.bars["instrument_id"].nunique()),
        "first_date": span[0] if span else None,
        "last_date": span[1] if span else None,
        "detected_period": found,
        "problems": parsed.problems,
        "problem_counts": dict(parsed.counts),
        "notes": notes,
    }


def import_get(import_id: uuid.UUID, *, owner: int | None) -> BarImport:
    """Return an import of a person, or of anybody (None).

    Raises
    ------
    NotFound
        ``IMPORT_NOT_FOUND``, the same for one that is somebody else's.
    """
    rows = BarImport.objects.filter(pk=import_id)
    row = (rows if owner is None else rows.filter(owner=owner)).first()
    if row is None:
        raise NotFound(Code.IMPORT_NOT_FOUND, id=str(import_id))
    return row


def import_confirm(*, actor: Actor, row: BarImport, skip_problems: bool = False) -> Job:
    """Have a looked-at file stored. Audited.

    Parameters
    ----------
    skip_problems
        Store the good rows although others have problems.

    Raises
    ------
    Conflict
        ``IMPORT_SETTLED``, ``IMPORT_HAS_PROBLEMS``, or ``BASIS_DIFFERS``.
    """
    counts = row.preview["problem_counts"]
    if counts and not skip_problems:
        raise Conflict(
            Code.IMPORT_HAS_PROBLEMS, f"{sum(counts.values())} rows cannot be stored", counts=counts, status=422
        )
    if not row.preview["good_rows"]:
        raise Conflict(Code.IMPORT_HAS_PROBLEMS, "no row can be stored", counts=counts, status=422)
    _refuse_other_basis(row)
    with transaction.atomic():
        job = job_create(
            kind=JOB_KIND,
            owner=row.owner,
            params={"host": PLACE, "import": str(row.pk)},
            message="waiting for a worker",
        )
        claimed = BarImport.objects.filter(pk=row.pk, state=ImportState.PREVIEWED).update(
            state=ImportState.CONFIRMED, confirmed_at=wall_now(), job=job.pk
        )
        if not claimed:
            raise Conflict(Code.IMPORT_SETTLED, id=str(row.pk), state=row.state)
        audit.record(
            actor=actor,
            action="import.confirmed",
            target=f"import:{row.pk}",
            after={"file": row.file_name, "digest": row.digest, "rows": row.preview["good_rows"], "skipped": counts},
        )
        transaction.on_commit(partial(transfers_wake, job.pk), robust=True)
    return job


def _refuse_other_basis(row: BarImport) -> None:
    source = data_source(data_host())
    if source is not None and source.basis != row.basis:
        raise Conflict(
            Code.BASIS_DIFFERS, f"stored prices are {source.basis}, the file's {row.basis}", status=422, field="basis"
        )


def import_run(row: BarImport, job: Job, *, on_turn: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Store a confirmed file; returns what was stored and what was left alone. Safe to repeat.

    Raises
    ------
    Invalid
        The kept file is gone or is no longer what was looked at.
    """
    path = _folder() / row.digest
    if not path.is_file():
        raise NotFound(Code.FILE_NOT_FOUND, file=row.file_name)
    reading = reading_of(name=row.file_name, options=row.options)
    parsed = parse_table(open_table(path, reading.kind, reading.encoding), reading, _market())
    groups = list(parsed.bars.groupby("instrument_id", sort=True))
    stored = kept = 0
    for number, (key, part) in enumerate(groups, 1):
        on_turn()
        fresh = _without_stored_days(row, int(str(key)), part, reading.period)
        stored += _store(row, int(str(key)), fresh, reading.period)
        kept += len(part) - len(fresh)
        job_progress(job.pk, done=number, total=len(groups), message=f"{number} of {len(groups)} instruments")
    return {"stored": stored, "kept_existing": kept, "skipped": dict(parsed.counts)}


def _without_stored_days(row: BarImport, key: int, bars: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Leave out every day of which any bar is stored, but for those this very import began with before it was cut short."""
    stamps = bars["ts"].to_numpy(np.int64)
    days = day_numbers(stamps)
    there = read_bars([key], period, int(stamps.min()) - DAY_MS, int(stamps.max()) + DAY_MS, columns=())
    own = np.zeros(len(days), np.bool_)
    for mine in ImportedDays.objects.filter(source=row, instrument=key, period=period.code):
        own |= (days >= day_number(mine.start_date)) & (days <= day_number(mine.end_date))
    return bars[own | ~np.isin(days, np.unique(day_numbers(there.ts)))]


def _store(row: BarImport, key: int, bars: pd.DataFrame, period: Period) -> int:
    if bars.empty:
        return 0
    numbers = day_numbers(bars["ts"].to_numpy(np.int64))
    days: Int64Array = np.unique(numbers)
    stretches = runs(days, calendar_days(int(days[0]), int(days[-1])))
    # Where they come from first: bars without an origin could never be told from a terminal's.
    with transaction.atomic():
        ImportedDays.objects.filter(source=row, instrument=key, period=period.code).delete()
        ImportedDays.objects.bulk_create(
            [
                ImportedDays(
                    source=row,
                    instrument_id=key,
                    period=period.code,
                    start_date=day_date(first),
                    end_date=day_date(last),
                    bars=int(((numbers >= first) & (numbers <= last)).sum()),
                )
                for first, last in stretches
            ]
        )
    segments_merge(period=period, rows=bars_of_frames({key: bars.rename(columns={"ts": "time"})}))
    evidence_withdraw(days={key: days}, period=period)
    note = f"import: {row.file_name}, {row.digest[:12]}, by {row.owner_label}"
    status_write(period=period, host="", notes=[SyncNote(instrument_id=key, rows=len(bars), note=note)])
    return len(bars)


def _market() -> Market:
    clock = market_clock(data_host())
    days = calendar_days(day_number(FIRST_DATE), day_number(clock.trade_date))
    return Market(days, first_open_day(clock))


def _keep(content: BinaryIO) -> tuple[str, int, Path]:
    """Store a file under its digest, no further than the limit; its own name is never a path."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{uuid.uuid4().hex}"
    digest, size = hashlib.sha256(), 0
    try:
        with draft.open("wb") as file:
            while part := content.read(1 << 20):
                size += len(part)
                if size > MAX_FILE_BYTES:
                    raise too_large("bytes", size, MAX_FILE_BYTES)
                digest.update(part)
                file.write(part)
        if not size:
            raise Invalid(Code.FILE_UNREADABLE, "the file is empty", field="file")
        path = folder / digest.hexdigest()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return digest.hexdigest(), size, path


def _folder() -> Path:
    return get_config().state_dir / "imports"
