"""How far repair jobs are: written from the state of their items, by whoever changed one."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, Sum

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus
from marketdata.models import RepairItem, RepairLink
from ops.jobs import job_fail, job_finish, job_progress, job_start
from ops.models import Job

JOB_KIND = "marketdata.repair"


def jobs_refresh(item_ids: Sequence[int], *, message: str = "", force: bool = False) -> None:
    """Bring the jobs that wait for these items up to date; `force` for words that must not be lost to the rate of writes."""
    for job_id in waiting_jobs(item_ids):
        job_refresh(job_id, message=message, force=force)


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


def job_refresh(job_id: uuid.UUID, *, message: str = "", force: bool = False) -> None:
    """Write a job's progress, or its end when no item is open any more."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None or job.is_final:
        return
    links = RepairLink.objects.filter(job_id=job_id)
    open_links = links.filter(item__status__in=OPEN_REPAIR_STATUSES)
    left = sum(min(days, item_days) for days, item_days in open_links.values_list("days", "item__days"))
    done = max(job.total - left, 0)
    if open_links.exists():
        job_progress(job_id, done=done, message=_progress_text(job, done, message), force=force)
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
    return f"{text}; {message}" if message else text


def waiting_jobs(item_ids: Sequence[int]) -> list[uuid.UUID]:
    """Ids of the jobs that have not ended and wait for any of these items."""
    return list(
        RepairLink.objects.filter(item_id__in=item_ids)
        .exclude(job__status__in=Job.FINAL)
        .values_list("job_id", flat=True)
        .distinct()
    )
