"""Proofs that a hole is not ours to fill: written after a download, read by the gap scan, withdrawn on contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import transaction

from marketdata.choices import EvidenceReason
from marketdata.config import get_marketdata_config
from marketdata.models import Evidence, SourceDepth
from marketdata.quotes.periods import Int64Array, Period, day_date, day_number
from ops.clocks import wall_now

# Reasons that say "there is no bar on these days"; NO_TRADE says "what is there is all there is".
EMPTY_REASONS = (EvidenceReason.SOURCE_EMPTY, EvidenceReason.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Proof:
    """Days of one instrument that one download proved, as day numbers on the trading calendar."""

    instrument_id: int
    days: Int64Array
    reason: EvidenceReason
    detail: str = ""


def evidence_record(
    *,
    proofs: Sequence[Proof],
    period: Period,
    calendar: Int64Array,
    host: str,
    sdk_version: str,
) -> int:
    """Store proofs; neighbouring trading days become one range. Returns the number of ranges.

    Parameters
    ----------
    calendar
        All trading days around the proven ones, ascending: decides which days are neighbours.

    Notes
    -----
    A day proven again keeps its count of proofs, and with it the pause until the next re-check grows: 1, 7, 30 days.
    """
    now = wall_now()
    recheck_days = get_marketdata_config().repair.recheck_days
    rows: list[Evidence] = []
    with transaction.atomic():
        earlier = set(
            Evidence.objects.filter(
                instrument_id__in={proof.instrument_id for proof in proofs}, period=period.code
            ).values_list("instrument_id", flat=True)
        )
        for proof in proofs:
            for first, last in runs(proof.days, calendar):
                start, end = day_date(first), day_date(last)
                checks = 1
                if proof.instrument_id in earlier:
                    checks += _cut(proof.instrument_id, period, start, end, proof.reason)
                pause = recheck_days[min(checks, len(recheck_days)) - 1]
                rows.append(
                    Evidence(
                        instrument_id=proof.instrument_id,
                        period=period.code,
                        start_date=start,
                        end_date=end,
                        reason=proof.reason,
                        host=host,
                        sdk_version=sdk_version,
                        detail=proof.detail[:200],
                        checks=checks,
                        recorded_at=now,
                        recheck_at=now + timedelta(days=pause),
                    )
                )
        Evidence.objects.bulk_create(rows)
    return len(rows)


def evidence_withdraw(*, days: Mapping[int, Int64Array], period: Period) -> int:
    """Cut days out of "there is no bar" evidence because bars of them turned up. Returns the number of ranges touched."""
    touched = 0
    with transaction.atomic():
        known = set(
            Evidence.objects.filter(
                instrument_id__in=list(days), period=period.code, reason__in=EMPTY_REASONS
            ).values_list("instrument_id", flat=True)
        )
        for instrument_id in known:
            numbers = days[instrument_id]
            for row in list(
                Evidence.objects.filter(
                    instrument_id=instrument_id,
                    period=period.code,
                    reason__in=EMPTY_REASONS,
                    start_date__lte=day_date(int(numbers.max())),
                    end_date__gte=day_date(int(numbers.min())),
                )
            ):
                hit = [day_date(int(day)) for day in numbers if row.start_date <= day_date(int(day)) <= row.end_date]
                for day in hit:
                    _cut(instrument_id, period, day, day, None)
                touched += bool(hit)
    return touched


def evidence_forget(*, instrument_ids: Iterable[int]) -> int:
    """Drop all evidence of instruments whose listing, suspension or factors changed."""
    deleted, _ = Evidence.objects.filter(instrument_id__in=list(instrument_ids)).delete()
    return deleted


def evidence_in_force(
    instrument_ids: Sequence[int], period: Period, start: date, end: date
) -> list[tuple[int, int, int, str]]:
    """Ranges that count today: (instrument id, first day, last day, reason), days as numbers.

    The instruments are filtered here, not by the database: one scan of the period beats thousands of parameters.
    """
    wanted = set(instrument_ids)
    rows = Evidence.objects.filter(
        period=period.code, start_date__lte=end, end_date__gte=start, recheck_at__gt=wall_now()
    )
    if len(wanted) <= 500:
        rows = rows.filter(instrument_id__in=wanted)
    return [
        (instrument_id, day_number(first), day_number(last), reason)
        for instrument_id, first, last, reason in rows.order_by().values_list(
            "instrument_id", "start_date", "end_date", "reason"
        )
        if instrument_id in wanted
    ]


def evidence_rows(instrument_ids: Sequence[int], period: Period) -> dict[int, list[Evidence]]:
    """What is recorded per instrument id, oldest first, in force or to be checked again."""
    rows: dict[int, list[Evidence]] = {}
    for row in Evidence.objects.filter(instrument_id__in=instrument_ids, period=period.code).order_by("start_date"):
        rows.setdefault(row.instrument_id, []).append(row)
    return rows


def source_depth_day(host: str, period: Period) -> int | None:
    """Oldest day number the host serves for a period; None when no limit is known."""
    first = (
        SourceDepth.objects.filter(host=host, period=period.code, recheck_at__gt=wall_now())
        .values_list("first_date", flat=True)
        .first()
    )
    return None if first is None else day_number(first)


def runs(days: Int64Array, calendar: Int64Array) -> list[tuple[int, int]]:
    """Group days that follow each other on the calendar into (first, last) pairs."""
    if not len(days):
        return []
    ordered = np.unique(days)
    positions = np.searchsorted(calendar, ordered)
    cuts = np.flatnonzero(np.diff(positions) != 1) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(ordered, cuts)]


def _cut(instrument_id: int, period: Period, start: date, end: date, reason: EvidenceReason | None) -> int:
    """Remove [start, end] from what is recorded, keeping the ends that stick out.

    Returns the largest number of proofs among the removed parts of the same reason.
    """
    checks = 0
    overlapping = Evidence.objects.filter(
        instrument_id=instrument_id, period=period.code, start_date__lte=end, end_date__gte=start
    )
    for row in overlapping:
        if row.reason == reason:
            checks = max(checks, row.checks)
        before = (row.start_date, start - timedelta(days=1))
        after = (end + timedelta(days=1), row.end_date)
        row.delete()
        for first, last in (before, after):
            if first <= last:
                row.pk = None
                row.start_date, row.end_date = first, last
                row.save(force_insert=True)
    return checks
