"""The life of a Job row: create, claim, progress, pause, finish or fail."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from ops.clocks import database_now, wall_now
from ops.logfacts import note_facts
from ops.models import Job
from ops.publish import publish

PROGRESS_INTERVAL_SECONDS = 0.5
RATE_WEIGHT = 1 / 3

_last_progress: dict[uuid.UUID, float] = {}
_lock = threading.Lock()


def job_payload(job: Job) -> dict[str, Any]:
    """Return what live listeners and the API show of a job."""
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "status": str(job.status),
        "owner": job.owner,
        "total": job.total,
        "done": job.done,
        "rate": job.rate,
        "seconds_left": job.seconds_left,
        "message": job.message,
        "result": job.result,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def job_create(
    *,
    kind: str,
    owner: int | None = None,
    params: dict[str, Any] | None = None,
    total: int = 0,
    message: str = "",
) -> Job:
    """Create a PENDING job. Enqueue its task after the commit, with the job's id alone."""
    return Job.objects.create(kind=kind, owner=owner, params=params or {}, total=total, message=message)


def job_start(job_id: uuid.UUID, *, total: int | None = None, message: str = "") -> bool:
    """Claim a PENDING job for running; False when it is not pending (any more)."""
    now = wall_now()
    values: dict[str, Any] = {"status": Job.Status.RUNNING, "started_at": now, "progressed_at": now}
    if total is not None:
        values["total"] = total
    if message:
        values["message"] = message
    claimed = Job.objects.filter(pk=job_id, status=Job.Status.PENDING).update(**values) == 1
    if claimed:
        note_facts(job_id=str(job_id))
        _announce(job_id)
    return claimed


def job_progress(
    job_id: uuid.UUID,
    *,
    done: int,
    total: int | None = None,
    message: str | None = None,
    force: bool = False,
) -> bool:
    """Record progress, at most twice a second per job; returns whether it was written.

    Progress never goes backwards and never touches a job that has ended.
    """
    with _lock:
        now = time.monotonic()
        if not force and now - _last_progress.get(job_id, -1.0) < PROGRESS_INTERVAL_SECONDS:
            return False
        _last_progress[job_id] = now
    values: dict[str, Any] = {"done": done, **_rate(job_id, done)}
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message[:500]
    rows = Job.objects.filter(pk=job_id, status=Job.Status.RUNNING, done__lte=done).update(**values)
    if rows:
        _announce(job_id)
    return rows == 1


def _rate(job_id: uuid.UUID, done: int) -> dict[str, Any]:
    """The new rate when something was done since the last look; the latest stretch weighs a third."""
    before = Job.objects.filter(pk=job_id).values("done", "rate", "progressed_at").first()
    if before is None or before["progressed_at"] is None or done <= before["done"]:
        return {}
    now = wall_now()
    seconds = max((now - before["progressed_at"]).total_seconds(), 0.001)
    latest = (done - before["done"]) / seconds
    rate = latest if before["rate"] is None else before["rate"] + (latest - before["rate"]) * RATE_WEIGHT
    return {"rate": rate, "progressed_at": now}


def job_pause(job_id: uuid.UUID) -> bool:
    """Hold a job that has not ended: nothing more of it is begun; False when it had ended or stands still already."""
    return _turn(job_id, (Job.Status.PENDING, Job.Status.RUNNING), {"status": Job.Status.PAUSED})


def job_resume(job_id: uuid.UUID) -> bool:
    """Let a paused job go on; False when it is not paused."""
    # The pause must not count as slowness.
    values = {"progressed_at": wall_now()}
    return _turn(job_id, (Job.Status.PAUSED,), {"status": Job.Status.RUNNING, **values}, started=True) or _turn(
        job_id, (Job.Status.PAUSED,), {"status": Job.Status.PENDING}
    )


def job_claim(*, kinds: Iterable[str], host: str, holder: str, seconds: float) -> Job | None:
    """Take the oldest job of these kinds that waits for a host, or whose holder let its lease run out.

    One conditional UPDATE decides who has it; None when there is none.
    """
    now = database_now()
    due = Job.objects.filter(kind__in=list(kinds), params__host=host).filter(
        Q(status=Job.Status.PENDING) | Q(status=Job.Status.RUNNING, lease_until__lt=now)
    )
    oldest = due.order_by("created_at").values_list("pk", flat=True).first()
    if oldest is None:
        return None
    started = wall_now()
    claimed = due.filter(pk=oldest).update(
        status=Job.Status.RUNNING,
        started_at=Coalesce("started_at", started),
        progressed_at=started,
        lease_holder=holder,
        lease_until=now + timedelta(seconds=seconds),
    )
    if not claimed:
        return None
    note_facts(job_id=str(oldest))
    _announce(oldest)
    return Job.objects.get(pk=oldest)


def jobs_renew(*, holder: str, seconds: float) -> int:
    """Extend the lease of the jobs a holder works on."""
    until = database_now() + timedelta(seconds=seconds)
    return Job.objects.filter(lease_holder=holder, status=Job.Status.RUNNING).update(lease_until=until)


def jobs_release(*, holder: str) -> int:
    """Give back the jobs a holder claimed and did not finish; another process, or the next start, takes them."""
    return Job.objects.filter(lease_holder=holder, status=Job.Status.RUNNING).update(
        status=Job.Status.PENDING, lease_holder="", lease_until=None
    )


def job_finish(
    job_id: uuid.UUID,
    *,
    status: str = Job.Status.DONE,
    result: dict[str, Any] | None = None,
    message: str = "",
) -> bool:
    """End a job as DONE, PARTIAL or CANCELLED; False when it had ended already."""
    values: dict[str, Any] = {"status": status, "result": result or {}}
    if status == Job.Status.DONE:
        values["done"] = F("total")
    if message:
        values["message"] = message[:500]
    return _end(job_id, values)


def job_fail(job_id: uuid.UUID, *, error: str, result: dict[str, Any] | None = None) -> bool:
    """End a job as FAILED with its error in words; False when it had ended already."""
    return _end(job_id, {"status": Job.Status.FAILED, "error": error[:4000], "result": result or {}})


def _end(job_id: uuid.UUID, values: dict[str, Any]) -> bool:
    with _lock:
        _last_progress.pop(job_id, None)
    note_facts(job_id=None)
    rows = Job.objects.filter(pk=job_id).exclude(status__in=Job.FINAL).update(finished_at=wall_now(), **values)
    if rows:
        _announce(job_id)
    return rows == 1


def _turn(job_id: uuid.UUID, before: tuple[str, ...], values: dict[str, Any], *, started: bool | None = None) -> bool:
    rows = Job.objects.filter(pk=job_id, status__in=before)
    if started is not None:
        rows = rows.filter(started_at__isnull=not started)
    turned = rows.update(**values) == 1
    if turned:
        _announce(job_id)
    return turned


def _announce(job_id: uuid.UUID) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is not None:
        publish("jobs", job_payload(job))
