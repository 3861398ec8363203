"""The core worker's part of imports and exports: jobs done one at a time, taken over when a worker dies."""

from __future__ import annotations

from functools import partial
from typing import Any

from marketdata.choices import ImportState
from marketdata.models import BarImport
from marketdata.services import exports, imports
from ops.clocks import wall_now
from ops.errors import DeskError
from ops.jobs import job_claim, job_fail, job_finish, job_progress, jobs_renew
from ops.models import Job

PLACE = "platform"
LEASE_SECONDS = 120.0


class _Ended(Exception):
    """Somebody ended the job meanwhile."""


def transfers_work(holder: str) -> Job | None:
    """Do the oldest import or export that waits, or that a worker left; None when there is none."""
    job = job_claim(kinds=(imports.JOB_KIND, exports.JOB_KIND), host=PLACE, holder=holder, seconds=LEASE_SECONDS)
    if job is None:
        return None
    try:
        result = _import(job, holder) if job.kind == imports.JOB_KIND else _export(job, holder)
    except _Ended:
        _ended(job, "cancelled; what was stored before stays")
        return job
    except DeskError as error:
        _failed(job, f"{error.code}: {error.message}")
        return job
    except Exception as error:
        _failed(job, f"{type(error).__name__}: {error}")
        raise
    job_finish(job.pk, result=result, message=", ".join(f"{name} {value}" for name, value in result.items() if value))
    return job


def _import(job: Job, holder: str) -> dict[str, Any]:
    row = BarImport.objects.get(pk=job.params["import"])
    result = imports.import_run(row, job, on_turn=partial(_hold, holder))
    BarImport.objects.filter(pk=row.pk).update(state=ImportState.DONE, finished_at=wall_now(), result=result)
    return result


def _export(job: Job, holder: str) -> dict[str, Any]:
    def turn(done: int, total: int) -> None:
        _hold(holder)
        job_progress(job.pk, done=done, total=total, message=f"{done} of {total} instruments")

    return exports.export_run(job, on_turn=turn)


def _hold(holder: str) -> None:
    if not jobs_renew(holder=holder, seconds=LEASE_SECONDS):
        raise _Ended


def _failed(job: Job, error: str) -> None:
    job_fail(job.pk, error=error)
    _ended(job, error)


def _ended(job: Job, error: str) -> None:
    if job.kind == imports.JOB_KIND:
        BarImport.objects.filter(job=job.pk).update(
            state=ImportState.FAILED, finished_at=wall_now(), result={"error": error}
        )
