"""Runs of the checker as jobs: asked for by a person or a schedule, done by a core worker, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from marketdata.models import Instrument
from marketdata.quotes.periods import Period
from marketdata.selectors import instruments_by_symbol
from marketdata.services.integrity.findings import severe_open
from marketdata.services.integrity.scan import CHECKED_PERIODS, IntegritySummary, integrity_run
from marketdata.tasks import integrity_wake
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import database_now
from ops.errors import Code, DeskError, Invalid
from ops.jobs import job_claim, job_create, job_fail, job_finish, job_progress, jobs_renew
from ops.models import Job

logger = logging.getLogger(__name__)

JOB_KIND = "integrity"
# A run concerns the platform's own database, no host.
PLACE = "platform"
LEASE_SECONDS = 120.0
ALERT_KEY = "data.integrity"


class _Ended(Exception):
    """Somebody ended the job meanwhile."""


def integrity_request(
    *,
    periods: Sequence[Period] = CHECKED_PERIODS,
    symbols: Sequence[str] = (),
    full: bool = False,
    owner: int | None = None,
) -> Job:
    """Create a run and wake a core worker; a run like it that still waits is returned instead.

    Raises
    ------
    Invalid
        An unknown symbol, or a period that is not checked.
    """
    unchecked = [period.code for period in periods if period not in CHECKED_PERIODS]
    if unchecked or not periods:
        raise Invalid(Code.FIELD_INVALID, f"periods are some of {_codes(CHECKED_PERIODS)}", field="periods")
    params = {
        "host": PLACE,
        "periods": [period.code for period in periods],
        "symbols": list(instruments_by_symbol(symbols)) if symbols else [],
        "full": full,
    }
    with transaction.atomic():
        for waiting in Job.objects.filter(kind=JOB_KIND, status=Job.Status.PENDING, owner=owner):
            if waiting.params == params:
                return waiting
        job = job_create(kind=JOB_KIND, owner=owner, params=params, message="waiting for a worker")
        transaction.on_commit(partial(integrity_wake, job.pk), robust=True)
    return job


def integrity_work(holder: str) -> Job | None:
    """Do the oldest run that waits; None when there is none, or another one is under way."""
    if Job.objects.filter(kind=JOB_KIND, status=Job.Status.RUNNING, lease_until__gt=database_now()).exists():
        return None
    job = job_claim(kinds=(JOB_KIND,), host=PLACE, holder=holder, seconds=LEASE_SECONDS)
    if job is None:
        return None
    try:
        summary = integrity_run(
            periods=[Period.parse(code) for code in job.params["periods"]],
            instruments=_instruments(job),
            full=bool(job.params["full"]),
            on_progress=partial(_progress, job, holder),
        )
    except _Ended:
        return job
    except DeskError as error:
        job_fail(job.pk, error=f"{error.code}: {error.message}")
        return job
    except Exception as error:
        job_fail(job.pk, error=f"{type(error).__name__}: {error}")
        raise
    job_finish(job.pk, result=summary.as_dict(), message=summary_text(summary))
    if summary.severe:
        integrity_alert(summary)
    elif not severe_open():
        alert_clear(ALERT_KEY)
    return job


def summary_text(summary: IntegritySummary) -> str:
    """One line for people."""
    found = ", ".join(f"{check} {count}" for check, count in sorted(summary.found.items())) or "nothing found"
    return f"{summary.checked} of {summary.stretches} stretches checked: {found}; {summary.repaired} repaired"


def integrity_alert(summary: IntegritySummary) -> None:
    """Tell people about new severe findings."""
    alert_raise(
        AlertKind.INTEGRITY,
        Severity.CRITICAL,
        format_lazy(_("{count} new severe findings in stored bars"), count=summary.severe),
        {"found": summary_text(summary)},
        dedup_key=ALERT_KEY,
    )


def _instruments(job: Job) -> list[Instrument] | None:
    symbols = job.params["symbols"]
    return list(instruments_by_symbol(symbols).values()) if symbols else None


def _progress(job: Job, holder: str, done: int, total: int) -> None:
    if not jobs_renew(holder=holder, seconds=LEASE_SECONDS):
        raise _Ended
    # Each period counts its instruments anew, and progress never goes back: the text tells where it is.
    job_progress(job.pk, done=0, message=f"{done} of {total} instruments", force=done == total)


def _codes(periods: Sequence[Period]) -> str:
    return ", ".join(period.code for period in periods)
