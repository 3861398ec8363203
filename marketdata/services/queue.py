"""The repair queue: rows that are asked for, claimed, renewed and ended. No terminal in sight.

Celery and the runtime's poll only wake the worker; these rows decide what it does.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus
from marketdata.config import get_marketdata_config
from marketdata.models import RepairItem, RepairLink
from marketdata.models.repair import ranges_dump, ranges_load
from marketdata.quotes.periods import Period
from ops import audit
from ops.audit import Actor
from ops.clocks import database_now, wall_now
from ops.errors import Code, Conflict
from ops.jobs import job_create, job_fail, job_finish, job_progress, job_start
from ops.models import Job

JOB_KIND = "marketdata.repair"

Ranges = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed item as it was at the claim."""

    item_id: int
    instrument_id: int
    period: Period
    ranges: Ranges
    version: int
    attempts: int
    token: str


# ------------------------------------------------------------------------------- asking
def repair_request(
    *,
    ranges: Mapping[int, Ranges],
    days: Mapping[int, int],
    period: Period,
    host: str,
    owner: int | None = None,
    params: dict[str, Any] | None = None,
) -> Job:
    """Create a job for missing ranges; holes that somebody already waits for are shared, not doubled.

    Parameters
    ----------
    ranges
        Missing (first, last) day numbers per instrument id.
    days
        Missing trading days per instrument id.
    """
    total = sum(days.values())
    with transaction.atomic():
        job = job_create(kind=JOB_KIND, owner=owner, params=params or {}, total=total, message="queued")
        open_items = _open_items(ranges, days, period, host, priority=len(str(total)) - 1)
        RepairLink.objects.bulk_create(
            RepairLink(job=job, item_id=item_id, days=days[instrument_id])
            for instrument_id, item_id in open_items.items()
        )
    return job


def _open_items(
    ranges: Mapping[int, Ranges],
    days: Mapping[int, int],
    period: Period,
    host: str,
    *,
    priority: int,
) -> dict[int, int]:
    """Item id per instrument id, created or widened so that it covers the wanted ranges."""
    covered: dict[int, int] = {}
    # A worker may end an item between our look and our change; then a new one is made.
    while remaining := [key for key in ranges if key not in covered]:
        now = wall_now()
        RepairItem.objects.bulk_create(
            [
                RepairItem(
                    host=host,
                    instrument_id=instrument_id,
                    period=period.code,
                    ranges=ranges_dump(ranges[instrument_id]),
                    days=days[instrument_id],
                    priority=priority,
                    not_before=now,
                    updated_at=now,
                )
                for instrument_id in remaining
            ],
            ignore_conflicts=True,
            batch_size=500,
        )
        rows = RepairItem.objects.filter(period=period.code, status__in=OPEN_REPAIR_STATUSES)
        if len(remaining) <= 500:
            rows = rows.filter(instrument_id__in=remaining)
        wanted = set(remaining)
        for item in rows:
            if item.instrument_id in wanted and _widen(
                item, ranges[item.instrument_id], days[item.instrument_id], priority
            ):
                covered[item.instrument_id] = item.pk
    return covered


def _widen(item: RepairItem, wanted: Ranges, days: int, priority: int) -> bool:
    """Make an open item cover `wanted`; False when it ended or changed meanwhile."""
    held = item.day_ranges
    merged = ranges_union([*held, *wanted])
    if merged == ranges_union(held) and item.priority <= priority:
        return True
    changed = RepairItem.objects.filter(pk=item.pk, version=item.version, status__in=OPEN_REPAIR_STATUSES).update(
        ranges=ranges_dump(merged),
        days=max(item.days, days),
        priority=min(item.priority, priority),
        version=F("version") + 1,
        updated_at=wall_now(),
    )
    return changed == 1


def recently_failed(instrument_ids: Iterable[int], period: Period) -> dict[int, str]:
    """Error per instrument id whose repair failed within the cool-down."""
    since = wall_now() - timedelta(seconds=get_marketdata_config().repair.failed_cooldown_seconds)
    wanted = set(instrument_ids)
    rows = RepairItem.objects.filter(period=period.code, status=RepairStatus.FAILED, updated_at__gt=since).values_list(
        "instrument_id", "error"
    )
    return {instrument_id: error for instrument_id, error in rows if instrument_id in wanted}


# ------------------------------------------------------------------------------ working
def items_claim(*, host: str, holder: str, limit: int) -> list[Claim]:
    """Claim the next items of one period: small jobs first, then the oldest.

    An item whose holder let its lease run out is taken over.
    """
    now = database_now()
    due = RepairItem.objects.filter(host=host).filter(
        Q(status=RepairStatus.PENDING, not_before__lte=now) | Q(status=RepairStatus.RUNNING, lease_until__lt=now)
    )
    first = due.order_by("priority", "not_before", "pk").values_list("period", flat=True).first()
    if first is None:
        return []
    picked = list(
        due.filter(period=first).order_by("priority", "not_before", "pk").values_list("pk", flat=True)[:limit]
    )
    # The token marks exactly what this claim got, should another worker race for the same rows.
    token = f"{holder}#{uuid.uuid4().hex[:12]}"
    due.filter(pk__in=picked).update(
        status=RepairStatus.RUNNING,
        lease_holder=token,
        lease_until=now + timedelta(seconds=get_marketdata_config().repair.lease_seconds),
        attempts=F("attempts") + 1,
        updated_at=wall_now(),
    )
    items = list(RepairItem.objects.filter(lease_holder=token, status=RepairStatus.RUNNING))
    for job_id in _waiting_jobs([item.pk for item in items]):
        job_start(job_id, message="running")
    return [
        Claim(
            item.pk,
            item.instrument_id,
            Period.parse(item.period),
            item.day_ranges,
            item.version,
            item.attempts,
            token,
        )
        for item in items
    ]


def items_renew(*, holder: str) -> int:
    """Extend the lease of everything the holder works on."""
    until = database_now() + timedelta(seconds=get_marketdata_config().repair.lease_seconds)
    return RepairItem.objects.filter(lease_holder__startswith=f"{holder}#", status=RepairStatus.RUNNING).update(
        lease_until=until
    )


def items_release(*, holder: str) -> int:
    """Give back what the holder claimed and did not finish, at once and without counting the round."""
    return RepairItem.objects.filter(lease_holder__startswith=f"{holder}#", status=RepairStatus.RUNNING).update(
        status=RepairStatus.PENDING,
        attempts=F("attempts") - 1,
        lease_holder="",
        lease_until=None,
        updated_at=wall_now(),
    )


def item_end(
    *,
    claim: Claim,
    rows_stored: int,
    remaining: Ranges,
    remaining_days: int,
    error: str,
    retry_at: datetime | None,
) -> None:
    """Record what a round did: finished, another round at `retry_at`, or failed for good.

    When the item was widened while it ran, what was added is left for another round.
    """
    while True:
        # The token: a holder whose lease ran out must not end what another one works on now.
        held = RepairItem.objects.filter(pk=claim.item_id, status=RepairStatus.RUNNING, lease_holder=claim.token)
        item = held.first()
        if item is None:
            return  # cancelled or taken over meanwhile
        grown = item.version != claim.version
        added = ranges_minus(ranges_load(item.ranges), claim.ranges) if grown else []
        left = ranges_union([*remaining, *added])
        values: dict[str, Any] = {
            "rows_stored": F("rows_stored") + rows_stored,
            "ranges": ranges_dump(left),
            "days": remaining_days if not added else item.days,
            "error": error[:400],
            "version": F("version") + 1,
            "lease_holder": "",
            "lease_until": None,
            "updated_at": wall_now(),
        }
        if added:
            values |= {"status": RepairStatus.PENDING, "not_before": wall_now(), "attempts": 0}
        elif not remaining:
            values |= {"status": RepairStatus.DONE}
        elif retry_at is not None:
            values |= {"status": RepairStatus.PENDING, "not_before": retry_at}
        else:
            values |= {"status": RepairStatus.FAILED}
        if held.filter(version=item.version).update(**values):
            return


def repair_cancel(*, actor: Actor, job: Job) -> int:
    """Cancel a job and what only it waits for; returns the number of items given up.

    A batch that is being downloaded ends its round; what it stores stays.

    Raises
    ------
    Conflict
        The job has ended already.
    """
    with transaction.atomic():
        shared = RepairLink.objects.exclude(job_id=job.pk).exclude(job__status__in=Job.FINAL)
        cancelled = (
            RepairItem.objects.filter(repairlink__job_id=job.pk, status__in=OPEN_REPAIR_STATUSES)
            .exclude(pk__in=shared.values("item_id"))
            .update(status=RepairStatus.CANCELLED, updated_at=wall_now())
        )
        if not job_finish(job.pk, status=Job.Status.CANCELLED, message="cancelled"):
            raise Conflict(Code.CONFLICT, f"job {job.pk} has ended already")
        audit.record(actor=actor, action="job.cancelled", target=f"job:{job.pk}", after={"items": cancelled})
    return cancelled


# ------------------------------------------------------------------------------ reporting
def jobs_refresh(item_ids: Sequence[int], *, message: str = "") -> None:
    """Bring the jobs that wait for these items up to date."""
    for job_id in _waiting_jobs(item_ids):
        job_refresh(job_id, message=message)


def jobs_sweep(*, host: str) -> int:
    """End jobs whose items have all ended, after a crash between the two writes."""
    stuck = (
        Job.objects.filter(kind=JOB_KIND, repair_items__host=host)
        .exclude(status__in=Job.FINAL)
        .annotate(open_items=Count("repair_items", filter=Q(repair_items__status__in=OPEN_REPAIR_STATUSES)))
        .filter(open_items=0)
    )
    job_ids = list(stuck.values_list("pk", flat=True))
    for job_id in job_ids:
        job_refresh(job_id)
    return len(job_ids)


def job_refresh(job_id: uuid.UUID, *, message: str = "") -> None:
    """Write a job's progress, or its end when no item is open any more."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None or job.is_final:
        return
    links = RepairLink.objects.filter(job_id=job_id)
    open_links = links.filter(item__status__in=OPEN_REPAIR_STATUSES)
    left = sum(min(days, item_days) for days, item_days in open_links.values_list("days", "item__days"))
    done = max(job.total - left, 0)
    if open_links.exists():
        job_progress(job_id, done=done, message=_progress_text(job, done, message))
        return
    statuses = Counter(links.values_list("item__status", flat=True))
    failures = _failures(job_id)
    result: dict[str, Any] = {
        "items": dict(statuses),
        "rows_stored": links.aggregate(rows=Sum("item__rows_stored"))["rows"] or 0,
        "failed": failures,
    }
    failed = statuses[RepairStatus.FAILED] + statuses[RepairStatus.CANCELLED]
    if job.status == Job.Status.PENDING:
        job_start(job_id)
    if not failed:
        job_finish(job_id, result=result, message=_progress_text(job, job.total, ""))
    elif failed < len(links):
        text = f"{failed} of {len(links)} instruments failed"
        job_finish(job_id, status=Job.Status.PARTIAL, result=result, message=text)
    else:
        first = next(iter(failures.values()), "every instrument failed")
        job_fail(job_id, error=first, result=result)


def _failures(job_id: uuid.UUID) -> dict[str, str]:
    """Error per symbol, the first hundred."""
    rows = (
        RepairItem.objects.filter(repairlink__job_id=job_id, status=RepairStatus.FAILED)
        .order_by("instrument__symbol")
        .values_list("instrument__symbol", "error")[:100]
    )
    return dict(rows)


def _progress_text(job: Job, done: int, message: str) -> str:
    text = f"{done}/{job.total} instrument-days"
    if job.started_at is not None:
        seconds = max((wall_now() - job.started_at).total_seconds(), 0.001)
        text += f", {done / seconds:.0f}/s"
        if 0 < done < job.total:
            text += f", {(job.total - done) * seconds / done:.0f} s left"
    return f"{text}; {message}" if message else text


def _waiting_jobs(item_ids: Sequence[int]) -> list[uuid.UUID]:
    return list(
        RepairLink.objects.filter(item_id__in=item_ids)
        .exclude(job__status__in=Job.FINAL)
        .values_list("job_id", flat=True)
        .distinct()
    )


# --------------------------------------------------------------------------------- ranges
def ranges_union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Merge overlapping and touching ranges, ascending."""
    merged: Ranges = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def ranges_minus(ranges: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]) -> Ranges:
    """What of `ranges` is not in `taken`."""
    left = ranges_union(ranges)
    for cut_first, cut_last in taken:
        parts: Ranges = []
        for first, last in left:
            if cut_last < first or cut_first > last:
                parts.append((first, last))
                continue
            if first < cut_first:
                parts.append((first, cut_first - 1))
            if last > cut_last:
                parts.append((cut_last + 1, last))
        left = parts
    return left
