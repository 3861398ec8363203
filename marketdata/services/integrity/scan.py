"""One run of the checker: which stretches changed since they were last checked, what is wrong with those."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from marketdata.choices import Basis, EvidenceReason, IntegrityCheck
from marketdata.models import DividendFactor, Evidence, Instrument, IntegrityMark
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import SegmentCorrupt
from marketdata.quotes.inspection import OpenedSegment, SegmentHead, segment_heads, segments_open
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, day_number, day_numbers, ts_date
from marketdata.quotes.reader import read_bars
from marketdata.selectors import data_host, data_source
from marketdata.services.axis import calendar_days, first_open_day, minute_labels
from marketdata.services.integrity.findings import Stretch, findings_store
from marketdata.services.integrity.rules import Hit, Subject, Surroundings, check_stretch, first_days_of
from ops.clocks import market_clock, wall_now
from qmt.codes import Board

CHECKED_PERIODS = (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5)
# Raise it when a rule changes: everything is checked anew.
RULES_VERSION = 2
INSTRUMENTS_PER_BATCH = {Period.DAY_1: 200, Period.MINUTE_1: 20, Period.MINUTE_5: 50}
_FIRST_DAY = day_number(date(1990, 12, 1))


RAW_CHECKS = ("OFF_TICK", "AMOUNT_OUTSIDE_PRICES", "BEYOND_LIMITS", "FACTOR_MISSING", "FACTOR_DIFFERS")
"""Checks that adjusted prices would fail by nature."""


@dataclass(slots=True)
class IntegritySummary:
    """What a run did.

    Attributes
    ----------
    stretches, checked
        How many there are, and how many had changed and were checked.
    found
        Findings of the checked stretches by check; `severe` of them new and severe.
    repaired
        Findings that are no longer found.
    basis
        What the prices are. Front-adjusted ones switch the checks of ticks, limits and factors off.
    """

    basis: str
    stretches: int = 0
    checked: int = 0
    found: Counter[str] = field(default_factory=Counter)
    severe: int = 0
    repaired: int = 0

    def as_dict(self) -> dict[str, object]:
        """As a job's result holds it."""
        off = [] if self.basis == Basis.RAW else list(RAW_CHECKS)
        return {
            "basis": self.basis,
            "stretches": self.stretches,
            "checked": self.checked,
            "found": dict(self.found),
            "severe": self.severe,
            "repaired": self.repaired,
            "checks_off": off,
        }


def integrity_run(
    *,
    periods: Sequence[Period] = CHECKED_PERIODS,
    instruments: Sequence[Instrument] | None = None,
    full: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> IntegritySummary:
    """Check stored stretches and keep what is found.

    Parameters
    ----------
    instruments
        All when omitted.
    full
        Check those too that are the same as when they were last checked.
    on_progress
        Told (instruments done, instruments with something to check), period by period; may raise to stop.

    Raises
    ------
    Unavailable
        No host is enabled, or none has told its market clock.
    """
    run = _Run(full=full)
    wanted = None if instruments is None else {row.pk for row in instruments}
    for period in periods:
        run.period(period, wanted, on_progress)
    return run.summary


class _Run:
    def __init__(self, *, full: bool) -> None:
        host = data_host()
        source = data_source(host)
        basis = Basis(source.basis) if source is not None else Basis.RAW
        clock = market_clock(host)
        self.summary = IntegritySummary(basis=basis.value)
        self._is_raw = basis is Basis.RAW
        self._full = full
        self._first_open = first_open_day(clock)
        self._calendar = calendar_days(_FIRST_DAY, day_number(clock.trade_date))

    def period(self, period: Period, wanted: set[int] | None, on_progress: Callable[[int, int], None]) -> None:
        """Check what changed of one period."""
        heads = [head for head in segment_heads(period) if wanted is None or head.instrument_id in wanted]
        self.summary.stretches += len(heads)
        prints = self._fingerprints(period, heads)
        known = {} if self._full else _marks(period)
        stale: dict[int, list[int]] = {}
        for head in heads:
            key = (head.instrument_id, head.bucket)
            if known.get(key) != prints[key]:
                stale.setdefault(head.instrument_id, []).append(head.bucket)
        ids = sorted(stale)
        size = INSTRUMENTS_PER_BATCH[period]
        for at in range(0, len(ids), size):
            part = ids[at : at + size]
            self._batch(period, {key: stale[key] for key in part}, prints)
            on_progress(min(at + size, len(ids)), len(ids))

    def _fingerprints(self, period: Period, heads: Sequence[SegmentHead]) -> dict[tuple[int, int], str]:
        """Of each stretch and of all that it is compared with."""
        factors = _factor_prints(self._is_raw)
        proofs = _proof_prints(period)
        daily: dict[tuple[int, int], str] = {}
        if period is not Period.DAY_1:
            daily = {
                (one.instrument_id, one.bucket): f"{one.version}.{one.checksum}" for one in segment_heads(Period.DAY_1)
            }
        found = {}
        for head in heads:
            key = (head.instrument_id, head.bucket)
            parts = (
                RULES_VERSION,
                self.summary.basis,
                head.version,
                head.checksum,
                factors.get(head.instrument_id, ""),
                proofs.get(head.instrument_id, ""),
                daily.get((head.instrument_id, head.bucket // 100), ""),
            )
            found[key] = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).hexdigest()
        return found

    def _batch(self, period: Period, stale: dict[int, list[int]], prints: dict[tuple[int, int], str]) -> None:
        ids = list(stale)
        subjects = self._subjects(ids)
        proven = _proven_days(ids, period, self._calendar)
        factors = _factors(ids) if self._is_raw else {}
        daily = _daily_bars(ids, period, stale)
        labels = np.empty(0, np.int64) if period is Period.DAY_1 else minute_labels(period)
        low = min(min(buckets) for buckets in stale.values())
        high = max(max(buckets) for buckets in stale.values())
        # The stretch before the first one gives the close before it.
        before: dict[int, tuple[int, float]] = {}
        found: dict[Stretch, list[Hit]] = {}
        marks: list[IntegrityMark] = []
        now = wall_now()
        for opened in segments_open(period, ids, (low - 1 if period is Period.DAY_1 else low, high)):
            key = opened.head.instrument_id
            if opened.head.bucket in stale[key] and key in subjects:
                around = Surroundings(
                    calendar=self._calendar,
                    is_raw=self._is_raw,
                    labels=labels,
                    factors=factors.get(key, {}),
                    proven=proven.get(key, frozenset()),
                    before=before.get(key),
                    daily=daily.get(key),
                    first_open_day=self._first_open,
                )
                stretch = Stretch(key, period.code, opened.head.bucket)
                found[stretch] = _hits(opened, period, subjects[key], around)
                fingerprint = prints[key, opened.head.bucket]
                marks.append(
                    IntegrityMark(
                        instrument_id=key,
                        period=period.code,
                        bucket=opened.head.bucket,
                        fingerprint=fingerprint,
                        checked_at=now,
                    )
                )
            if opened.rows is not None and len(opened.rows):
                last = len(opened.rows) - 1
                before[key] = int(day_numbers(opened.rows.ts[last])), float(opened.rows.values["close"][last])
        self._keep(found, marks)

    def _subjects(self, ids: Sequence[int]) -> dict[int, Subject]:
        return {
            row.pk: Subject(
                instrument_id=row.pk,
                board=Board(row.board),
                tick=row.tick,
                volume_unit=row.volume_unit,
                is_st=row.is_st,
                first_days=first_days_of(Board(row.board), row.list_date, self._calendar),
            )
            for row in Instrument.objects.filter(pk__in=ids)
        }

    def _keep(self, found: dict[Stretch, list[Hit]], marks: list[IntegrityMark]) -> None:
        kept = findings_store(found)
        # After the findings: a crash in between checks again, it never forgets.
        IntegrityMark.objects.bulk_create(
            marks,
            update_conflicts=True,
            unique_fields=["instrument", "period", "bucket"],
            update_fields=["fingerprint", "checked_at"],
            batch_size=500,
        )
        self.summary.checked += len(found)
        self.summary.severe += kept.severe
        self.summary.repaired += kept.repaired
        for hits in found.values():
            self.summary.found.update(hit.check.value for hit in hits)


def _hits(opened: OpenedSegment, period: Period, subject: Subject, around: Surroundings) -> list[Hit]:
    hits = check_stretch(opened.rows, period, subject, around) if opened.rows is not None else []
    if opened.trouble:
        check = IntegrityCheck.SEGMENT_CORRUPT if opened.rows is None else IntegrityCheck.HEADER_DIFFERS
        first, last = ts_date(opened.first_ts), ts_date(opened.last_ts)
        hits.append(Hit(check, first, last, 1, {"reason": opened.trouble, "version": opened.head.version}))
    return hits


def _marks(period: Period) -> dict[tuple[int, int], str]:
    rows = IntegrityMark.objects.filter(period=period.code).values_list("instrument_id", "bucket", "fingerprint")
    return {(key, bucket): fingerprint for key, bucket, fingerprint in rows}


def _factor_prints(is_raw: bool) -> dict[int, str]:  # noqa: FBT001 - one meaning
    if not is_raw:
        return {}
    parts: dict[int, list[str]] = {}
    for key, day, dr in DividendFactor.objects.order_by("date").values_list("instrument_id", "date", "dr"):
        parts.setdefault(key, []).append(f"{day}:{dr!r}")
    return {key: hashlib.blake2b("|".join(texts).encode(), digest_size=8).hexdigest() for key, texts in parts.items()}


def _proof_prints(period: Period) -> dict[int, str]:
    parts: dict[int, list[str]] = {}
    rows = Evidence.objects.filter(period=period.code).order_by("start_date")
    for key, first, last, reason in rows.values_list("instrument_id", "start_date", "end_date", "reason"):
        parts.setdefault(key, []).append(f"{first}{last}{reason}")
    return {key: hashlib.blake2b("|".join(texts).encode(), digest_size=8).hexdigest() for key, texts in parts.items()}


def _proven_days(ids: Iterable[int], period: Period, calendar: Int64Array) -> dict[int, frozenset[int]]:
    """Daily: days without a bar. Minutes: days of which no more minutes exist."""
    rows = Evidence.objects.filter(instrument_id__in=list(ids), period=period.code)
    if period is not Period.DAY_1:
        rows = rows.filter(reason=EvidenceReason.NO_TRADE)
    found: dict[int, set[int]] = {}
    for key, first, last in rows.values_list("instrument_id", "start_date", "end_date"):
        low, high = np.searchsorted(calendar, [day_number(first), day_number(last) + 1])
        found.setdefault(key, set()).update(calendar[low:high].tolist())
    return {key: frozenset(days) for key, days in found.items()}


def _factors(ids: Iterable[int]) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    rows = DividendFactor.objects.filter(instrument_id__in=list(ids))
    for key, day, dr in rows.values_list("instrument_id", "date", "dr"):
        found.setdefault(key, {})[day_number(day)] = dr
    return found


def _daily_bars(ids: Sequence[int], period: Period, stale: dict[int, list[int]]) -> dict[int, QuoteColumns]:
    """Daily bars of the months that are checked, per instrument; none for a check of daily bars."""
    if period is Period.DAY_1:
        return {}
    months = sorted({bucket for buckets in stale.values() for bucket in buckets})
    first = day_number(date(months[0] // 100, months[0] % 100, 1)) * DAY_MS - DAY_MS
    last = day_number(date(months[-1] // 100, months[-1] % 100, 1)) * DAY_MS + 32 * DAY_MS
    try:
        rows = read_bars(ids, Period.DAY_1, first, last)
    except SegmentCorrupt:
        # Found by the check of the daily bars themselves; sums wait until it is repaired.
        return {}
    return {key: rows.take(place) for key, place in rows.group_slices()}
