"""Market data: every segment decoded and held against its checksum and header, every archive against its row."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Max, Min

from desk.verify.report import Report
from marketdata.models import TickArchive
from marketdata.quotes.inspection import segments_open
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Period

INSTRUMENTS_AT_ONCE = 20


def verify_segments(report: Report) -> None:
    """Read every segment. A damaged one does not hide the others."""
    for period in Period:
        rows = QuoteSegment.objects.using("quotes").filter(period=period.value)
        span = rows.aggregate(first=Min("bucket"), last=Max("bucket"))
        if span["first"] is None:
            continue
        ids = sorted(rows.order_by().values_list("instrument_id", flat=True).distinct())
        for some in _batches(ids):
            for opened in segments_open(period, some, (span["first"], span["last"])):
                report.checked["segments"] += 1
                if opened.rows is not None:
                    report.checked["bars and ticks"] += len(opened.rows)
                if opened.trouble:
                    head = opened.head
                    subject = f"{period.code} of instrument {head.instrument_id}, {head.bucket}"
                    report.find("quotes", subject, opened.trouble)


def _batches(ids: list[int]) -> list[list[int]]:
    return [ids[at : at + INSTRUMENTS_AT_ONCE] for at in range(0, len(ids), INSTRUMENTS_AT_ONCE)]


def verify_archives(report: Report, folder: Path) -> None:
    """Hold every archived day's file against the row that names it."""
    for archive in TickArchive.objects.order_by("trade_date"):
        report.checked["archived days"] += 1
        if problem := _archive_problem(archive, folder / archive.path):
            report.find("quotes", f"archive of {archive.trade_date}", problem)


def _archive_problem(archive: TickArchive, path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != archive.sha256:
            return "its SHA-256 differs"
        count = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return f"{archive.path} is not there"
    except (OSError, pa.ArrowException) as error:
        return f"it cannot be read: {type(error).__name__}"
    return "" if count == archive.rows else f"it has {count} ticks, not {archive.rows}"
