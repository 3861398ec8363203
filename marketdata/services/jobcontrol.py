"""What people do to jobs: pause, resume, cancel, try the failed part again. Each is audited."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus
from marketdata.models import RepairItem, RepairLink
from marketdata.quotes.periods import Period
from marketdata.services.progress import JOB_KIND, job_refresh
from marketdata.services.queue import repair_request
from marketdata.tasks import repair_wake
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict
from ops.jobs import job_finish, job_pause, job_resume
from ops.models import Job

UNFINISHED = (RepairStatus.FAILED, RepairStatus.CANCELLED)


def sync_job_cancel(*, actor: Actor, job: Job) -> int:
    """Cancel a job and what only it waits for; returns the number of items given up.

    A batch that is being downloaded ends its round; what it stores stays.

    Raises
    ------
    Conflict
        `JOB_ENDED`.
    """
    with transaction.atomic():
        shared = RepairLink.objects.exclude(job_id=job.pk).exclude(job__status__in=Job.FINAL)
        own = RepairItem.objects.filter(repairlink__job_id=job.pk, status__in=OPEN_REPAIR_STATUSES)
        # In the order of their keys, as a worker that ends its batch locks them.
        given_up = own.exclude(pk__in=shared.values("item_id")).select_for_update(of=("self",)).order_by("pk")
        cancelled = RepairItem.objects.filter(pk__in=list(given_up.values_list("pk", flat=True))).update(
            status=RepairStatus.CANCELLED, updated_at=wall_now()
        )
        if not job_finish(job.pk, status=Job.Status.CANCELLED, message="cancelled"):
            raise _ended(job)
        audit.record(actor=actor, action="job.cancelled", target=f"job:{job.pk}", after={"items": cancelled})
    return cancelled


def sync_job_pause(*, actor: Actor, job: Job) -> None:
    """Begin nothing more that only this job waits for. A batch that is being downloaded ends its round.

    Raises
    ------
    Conflict
        `JOB_NOT_PAUSABLE` for a job without parts, `JOB_ENDED`, or `CONFLICT` when it is paused already.
    """
    if job.kind != JOB_KIND:
        raise Conflict(Code.JOB_NOT_PAUSABLE, f"a job of kind {job.kind} has no parts to hold back", kind=job.kind)
    with transaction.atomic():
        if not job_pause(job.pk):
            raise _ended(job) if _is_final(job) else Conflict(Code.CONFLICT, f"job {job.pk} is paused already")
        audit.record(actor=actor, action="job.paused", target=f"job:{job.pk}", after={"status": "PAUSED"})


def sync_job_resume(*, actor: Actor, job: Job) -> None:
    """Let a paused job go on.

    Raises
    ------
    Conflict
        `JOB_ENDED`, or `CONFLICT` when it is not paused.
    """
    with transaction.atomic():
        if not job_resume(job.pk):
            raise _ended(job) if _is_final(job) else Conflict(Code.CONFLICT, f"job {job.pk} is not paused")
        audit.record(actor=actor, action="job.resumed", target=f"job:{job.pk}", after={"status": "RUNNING"})
        transaction.on_commit(partial(_go_on, job), robust=True)


def sync_job_retry(*, actor: Actor, owner: int | None, job: Job) -> Job:
    """Try again, in a new job, what an ended one did not achieve; the old one stays as it is.

    Raises
    ------
    Conflict
        `JOB_NOTHING_FAILED`; `CONFLICT` while the job is under way.
    """
    if not _is_final(job):
        raise Conflict(Code.CONFLICT, f"job {job.pk} has not ended")
    items = list(RepairItem.objects.filter(repairlink__job_id=job.pk, status__in=UNFINISHED))
    if not items:
        raise Conflict(Code.JOB_NOTHING_FAILED, f"nothing of job {job.pk} failed")
    first = items[0]
    with transaction.atomic():
        again = repair_request(
            ranges={item.instrument_id: item.day_ranges for item in items},
            days={item.instrument_id: item.days for item in items},
            period=Period.parse(first.period),
            host=first.host,
            owner=owner,
            params={**job.params, "retry_of": str(job.pk), "symbol_count": len(items)},
        )
        audit.record(actor=actor, action="job.retried", target=f"job:{job.pk}", after={"job": str(again.pk)})
        transaction.on_commit(partial(repair_wake, again.pk, first.host), robust=True)
    return again


def _go_on(job: Job) -> None:
    job_refresh(job.pk)
    host = RepairItem.objects.filter(repairlink__job_id=job.pk).values_list("host", flat=True).first()
    if host is not None:
        repair_wake(job.pk, host)


def _is_final(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, status__in=Job.FINAL).exists()


def _ended(job: Job) -> Conflict:
    return Conflict(Code.JOB_ENDED, f"job {job.pk} has ended already")
