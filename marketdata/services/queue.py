"""The repair queue: rows that are asked for, claimed, renewed and ended. No terminal in sight.

Celery and the runtime's poll only wake the worker; these rows decide what it does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus, RepairTrouble
from marketdata.config import get_marketdata_config
from marketdata.models import RepairItem, RepairLink
from marketdata.models.repair import ranges_dump, ranges_end, ranges_load
from marketdata.quotes.periods import Period
from marketdata.services.progress import JOB_KIND, waiting_jobs
from marketdata.services.ranges import Ranges, ranges_minus, ranges_union
from marketdata.services.sharing import Reach
from ops.clocks import database_now, wall_now
from ops.jobs import job_create, job_start
from ops.models import Job


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed item as it was at the claim."""

    item_id: int
    instrument_id: int
    period: Period
    ranges: Ranges
    version: int
    attempts: int
    repeats: int
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
                    until=ranges_end(ranges[instrument_id]),
                    priority=priority,
                    not_before=now,
                    updated_at=now,
                )
                for instrument_id in remaining
            ],
            ignore_conflicts=True,
            batch_size=500,
        )
        rows = RepairItem.objects.filter(period=period.code, status__in=OPEN_REPAIR_STATUSES).order_by("pk")
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
        until=ranges_end(merged),
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
def items_due(reach: Reach, now: datetime) -> QuerySet[RepairItem]:
    """Items a host may take at `now`: waiting, or held by somebody who let the lease run out.

    Not those that only paused jobs wait for, and not of an instrument that is being worked on already: two terminals
    must not download the same day bars for two of its periods.
    """
    wanted = RepairLink.objects.filter(item_id=OuterRef("pk"), job__status__in=(Job.Status.PENDING, Job.Status.RUNNING))
    busy = RepairItem.objects.filter(
        instrument_id=OuterRef("instrument_id"), status=RepairStatus.RUNNING, lease_until__gte=now
    )
    return RepairItem.objects.filter(
        Q(status=RepairStatus.PENDING, not_before__lte=now) | Q(status=RepairStatus.RUNNING, lease_until__lt=now),
        reach.items(),
        Exists(wanted),
        ~Exists(busy),
    )


def items_claim(*, reach: Reach, holder: str, limit: int, helpers: int = 1) -> list[Claim]:
    """Claim the next items of one period: small jobs first, then the oldest.

    An item whose holder let its lease run out is taken over.

    Parameters
    ----------
    limit
        Most items.
    helpers
        Hosts that share the queue now: one takes no more than its part of what is due.
    """
    now = database_now()
    due = items_due(reach, now)
    first = due.order_by("priority", "not_before", "pk").values_list("period", flat=True).first()
    if first is None:
        return []
    if helpers > 1:
        limit = min(limit, -(-due.filter(period=first).count() // helpers))
    picked = list(
        due.filter(period=first).order_by("priority", "not_before", "pk").values_list("pk", flat=True)[:limit]
    )
    # The token marks exactly what this claim got, should another worker race for the same rows.
    token = f"{holder}#{uuid.uuid4().hex[:12]}"
    due.filter(pk__in=picked).update(
        status=RepairStatus.RUNNING,
        source_host=reach.host,
        lease_holder=token,
        lease_until=now + timedelta(seconds=get_marketdata_config().repair.lease_seconds),
        attempts=F("attempts") + 1,
        updated_at=wall_now(),
    )
    items = list(RepairItem.objects.filter(lease_holder=token, status=RepairStatus.RUNNING))
    for job_id in waiting_jobs([item.pk for item in items]):
        job_start(job_id, message="running")
    return [
        Claim(
            item.pk,
            item.instrument_id,
            Period.parse(item.period),
            item.day_ranges,
            item.version,
            item.attempts,
            item.repeats,
            token,
        )
        for item in items
    ]


def items_renew(*, holder: str) -> int:
    """Extend the lease of everything the holder works on."""
    until = database_now() + timedelta(seconds=get_marketdata_config().repair.lease_seconds)
    with transaction.atomic():
        held = list(_locked(lease_holder__startswith=f"{holder}#").values_list("pk", flat=True))
        return RepairItem.objects.filter(pk__in=held).update(lease_until=until) if held else 0


def items_release(*, holder: str, trouble: RepairTrouble | None = None, error: str = "") -> int:
    """Give back what the holder claimed and did not finish, at once and without counting the round."""
    return RepairItem.objects.filter(lease_holder__startswith=f"{holder}#", status=RepairStatus.RUNNING).update(
        status=RepairStatus.PENDING,
        attempts=F("attempts") - 1,
        trouble=trouble or "",
        error=error[:400],
        lease_holder="",
        lease_until=None,
        updated_at=wall_now(),
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """What a round did for one claimed item.

    Attributes
    ----------
    remaining, remaining_days
        What is still missing, as ranges and counted; finished when nothing is.
    retry_at
        When what remains gets another round; None fails the item for good.
    """

    claim: Claim
    rows_stored: int
    remaining: Ranges
    remaining_days: int
    error: str
    trouble: RepairTrouble | None
    repeats: int
    retry_at: datetime | None


def items_end(ended: Iterable[Ended]) -> None:
    """Record what a round did, all items in one transaction.

    What was added to an item while it ran is left for another round. An item that was cancelled or taken over meanwhile
    is left alone.
    """
    rounds = {each.claim.item_id: each for each in ended}
    alike: dict[bytes, tuple[dict[str, Any], list[int]]] = {}
    with transaction.atomic():
        for item in _locked(pk__in=rounds):
            # The token: a holder whose lease ran out must not end what another one works on now.
            if item.lease_holder == rounds[item.pk].claim.token:
                values = _end(item, rounds[item.pk])
                alike.setdefault(orjson.dumps(values), (values, []))[1].append(item.pk)
        # Most items of a batch end in the same way: a statement for those that do.
        for values, item_ids in alike.values():
            RepairItem.objects.filter(pk__in=item_ids).update(
                **values, lease_holder="", lease_until=None, updated_at=wall_now()
            )


def failures_over(instrument_ids: Iterable[int], period: Period) -> list[str]:
    """Hosts whose failed items of a period have all been completed since, as far as these instruments were among them."""
    failed = RepairItem.objects.filter(period=period.code, status=RepairStatus.FAILED)
    completed = RepairItem.objects.filter(
        instrument_id=OuterRef("instrument_id"), period=period.code, status=RepairStatus.DONE, pk__gt=OuterRef("pk")
    )
    hosts = failed.filter(instrument_id__in=list(instrument_ids)).order_by().values_list("source_host", flat=True)
    concerned = set(hosts.distinct())
    if not concerned:
        return []
    standing = failed.filter(~Exists(completed), source_host__in=concerned).order_by()
    return sorted(concerned - set(standing.values_list("source_host", flat=True).distinct()))


def _end(item: RepairItem, ended: Ended) -> dict[str, Any]:
    """What becomes of a locked item."""
    grown = item.version != ended.claim.version
    added = ranges_minus(ranges_load(item.ranges), ended.claim.ranges) if grown else []
    left = ranges_union([*ended.remaining, *added])
    values: dict[str, Any] = {
        "rows_stored": item.rows_stored + ended.rows_stored,
        "ranges": ranges_dump(left),
        "days": ended.remaining_days if not added else item.days,
        "error": ended.error[:400],
        "trouble": ended.trouble or "",
        "repeats": ended.repeats,
        "version": item.version + 1,
    }
    if left:
        values["until"] = ranges_end(left)
    if added:
        values |= {"status": RepairStatus.PENDING, "not_before": wall_now(), "attempts": 0, "repeats": 0}
    elif not ended.remaining:
        values |= {"status": RepairStatus.DONE}
    elif ended.retry_at is not None:
        values |= {"status": RepairStatus.PENDING, "not_before": ended.retry_at}
    else:
        values |= {"status": RepairStatus.FAILED}
    return values


def _locked(**which: Any) -> QuerySet[RepairItem]:
    """Items that are being worked on. Locked in the order of their keys: two who lock several do not wait in a ring."""
    return RepairItem.objects.select_for_update().filter(status=RepairStatus.RUNNING, **which).order_by("pk")
