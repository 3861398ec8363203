"""The life of a Job row: create, progress, finish or fail."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from django.db.models import F

from ops.clocks import wall_now
from ops.models import Job
from ops.publish import publish

PROGRESS_INTERVAL_SECONDS = 0.5

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
    values: dict[str, Any] = {"status": Job.Status.RUNNING, "started_at": wall_now()}
    if total is not None:
        values["total"] = total
    if message:
        values["message"] = message
    claimed = Job.objects.filter(pk=job_id, status=Job.Status.PENDING).update(**values) == 1
    if claimed:
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
    values: dict[str, Any] = {"done": done}
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message[:500]
    rows = Job.objects.filter(pk=job_id, status=Job.Status.RUNNING, done__lte=done).update(**values)
    if rows:
        _announce(job_id)
    return rows == 1


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
    rows = Job.objects.filter(pk=job_id).exclude(status__in=Job.FINAL).update(finished_at=wall_now(), **values)
    if rows:
        _announce(job_id)
    return rows == 1


def _announce(job_id: uuid.UUID) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is not None:
        publish("jobs", job_payload(job))
