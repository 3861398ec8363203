"""Findings as rows: kept up to date by runs, settled by runs and by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from marketdata.choices import FindingSeverity, FindingState, IntegrityCheck
from marketdata.models import IntegrityFinding, IntegrityMark
from marketdata.quotes.periods import Period, day_number
from marketdata.quotes.store import segment_discard
from marketdata.selectors import data_host
from marketdata.services.integrity.rules import Hit
from marketdata.services.readiness import repair_order
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.models import Job

RUN = "integrity run"
MAX_NOTE = 400

# What a fresh download of the same days can put right. A bar on a day without trading is not among it: nothing would replace it.
REPAIRABLE = frozenset(
    {
        IntegrityCheck.SEGMENT_CORRUPT,
        IntegrityCheck.HEADER_DIFFERS,
        IntegrityCheck.DUPLICATE,
        IntegrityCheck.PRICE_NOT_POSITIVE,
        IntegrityCheck.OPEN_MISSING,
        IntegrityCheck.NEGATIVE_VOLUME,
        IntegrityCheck.OHLC_ORDER,
        IntegrityCheck.BEYOND_LIMITS,
        IntegrityCheck.DAY_INCOMPLETE,
        IntegrityCheck.DAY_DIFFERS,
    }
)
# The stretch itself cannot be trusted: it has to go before its days can be fetched anew.
_DISCARDED = frozenset({IntegrityCheck.SEGMENT_CORRUPT, IntegrityCheck.HEADER_DIFFERS, IntegrityCheck.DUPLICATE})


class Stretch(NamedTuple):
    """What a finding belongs to."""

    instrument_id: int
    period: str
    bucket: int


@dataclass(slots=True)
class Kept:
    """What became of a batch's findings."""

    severe: int = 0
    repaired: int = 0


def findings_store(found: Mapping[Stretch, Sequence[Hit]]) -> Kept:
    """Bring the findings of checked stretches up to date: new ones opened, known ones corrected, gone ones repaired."""
    kept = Kept()
    if not found:
        return kept
    now = wall_now()
    known: dict[tuple[Stretch, str], IntegrityFinding] = {}
    unsettled = IntegrityFinding.objects.exclude(state=FindingState.REPAIRED).filter(
        instrument_id__in={stretch.instrument_id for stretch in found},
        period__in={stretch.period for stretch in found},
    )
    for row in unsettled:
        known[Stretch(row.instrument_id, row.period, row.bucket), row.check_name] = row
    created: list[IntegrityFinding] = []
    changed: list[IntegrityFinding] = []
    for stretch, hits in found.items():
        for hit in hits:
            key = (stretch, hit.check.value)
            if key not in known:
                created.append(_new(stretch, hit, now))
                kept.severe += hit.severity is FindingSeverity.SEVERE
                continue
            row = known.pop(key)
            if row.state == FindingState.ACKNOWLEDGED and hit.rows > row.rows:
                row.state, row.settled_at, row.settled_by = FindingState.OPEN, None, ""
                kept.severe += hit.severity is FindingSeverity.SEVERE
            _describe(row, hit, now)
            changed.append(row)
    for (stretch, _check), row in known.items():
        if stretch in found:
            row.state, row.settled_at, row.settled_by = FindingState.REPAIRED, now, RUN
            changed.append(row)
            kept.repaired += 1
    with transaction.atomic():
        IntegrityFinding.objects.bulk_create(created, batch_size=500)
        IntegrityFinding.objects.bulk_update(changed, [*_FACTS, "state", "settled_at", "settled_by"], batch_size=200)
    return kept


_FACTS = ("severity", "start_date", "end_date", "rows", "facts", "seen_at")


def _new(stretch: Stretch, hit: Hit, now: datetime) -> IntegrityFinding:
    row = IntegrityFinding(**stretch._asdict(), check_name=hit.check.value, found_at=now)
    _describe(row, hit, now)
    return row


def _describe(row: IntegrityFinding, hit: Hit, now: datetime) -> None:
    row.severity, row.start_date, row.end_date = hit.severity, hit.start, hit.end
    row.rows, row.facts, row.seen_at = hit.rows, hit.facts, now


def severe_open() -> int:
    """How many severe findings nobody has settled."""
    return IntegrityFinding.objects.filter(state=FindingState.OPEN, severity=FindingSeverity.SEVERE).count()


def finding_get(finding_id: int) -> IntegrityFinding:
    """Return a finding.

    Raises
    ------
    NotFound
        ``FINDING_NOT_FOUND``.
    """
    row = IntegrityFinding.objects.select_related("instrument").filter(pk=finding_id).first()
    if row is None:
        raise NotFound(Code.FINDING_NOT_FOUND, finding=finding_id)
    return row


def finding_acknowledge(*, actor: Actor, finding_id: int, note: str) -> IntegrityFinding:
    """Let a finding stay, with the reason in words. Audited.

    Raises
    ------
    NotFound
        ``FINDING_NOT_FOUND``.
    Invalid
        Without a reason, or with one that is too long.
    Conflict
        ``FINDING_SETTLED``: it is settled already.
    """
    reason = note.strip()
    if not reason or len(reason) > MAX_NOTE:
        raise Invalid(Code.FIELD_INVALID, f"note is a reason of at most {MAX_NOTE} characters", field="note")
    row = finding_get(finding_id)
    with transaction.atomic():
        settled = IntegrityFinding.objects.filter(pk=row.pk, state=FindingState.OPEN).update(
            state=FindingState.ACKNOWLEDGED, settled_at=wall_now(), settled_by=actor.label[:200], note=reason
        )
        if not settled:
            raise Conflict(Code.FINDING_SETTLED, finding=row.pk, state=row.state)
        audit.record(
            actor=actor,
            action="integrity.acknowledged",
            target=f"finding:{row.pk}",
            after={"check": row.check_name, "symbol": row.instrument.symbol, "period": row.period, "note": reason},
        )
    return finding_get(row.pk)


def finding_repair(*, actor: Actor, owner: int | None, finding_id: int) -> Job:
    """Have the days of a finding downloaded anew. Audited. The next run says whether it helped.

    A stretch that cannot be read is discarded first: its days count as missing until the download has landed.

    Raises
    ------
    NotFound
        ``FINDING_NOT_FOUND``.
    Conflict
        ``FINDING_SETTLED``: a run no longer finds it.
    Invalid
        ``FINDING_NOT_REPAIRABLE``: no download can put it right.
    Unavailable
        No host is enabled.
    """
    row = finding_get(finding_id)
    check = IntegrityCheck(row.check_name)
    if row.state == FindingState.REPAIRED:
        raise Conflict(Code.FINDING_SETTLED, finding=row.pk, state=row.state)
    if check not in REPAIRABLE:
        raise Invalid(Code.FINDING_NOT_REPAIRABLE, status=422, finding=row.pk, check=check.value)
    host = data_host()
    period = Period.parse(row.period)
    if check in _DISCARDED:
        segment_discard(period=period, instrument_id=row.instrument_id, bucket=row.bucket)
    days = (day_number(row.start_date), day_number(row.end_date))
    with transaction.atomic():
        job = repair_order(
            ranges={row.instrument_id: [days]},
            period=period,
            host=host,
            owner=owner,
            params={"finding": row.pk, "symbols": [row.instrument.symbol], "period": row.period},
        )
        IntegrityFinding.objects.filter(pk=row.pk).update(repair_job=job.pk)
        # What comes back may be what was there: checked either way.
        IntegrityMark.objects.filter(instrument=row.instrument_id, period=row.period, bucket=row.bucket).delete()
        audit.record(
            actor=actor,
            action="integrity.repair_ordered",
            target=f"finding:{row.pk}",
            after={"check": row.check_name, "symbol": row.instrument.symbol, "period": row.period, "job": str(job.pk)},
        )
    return job
