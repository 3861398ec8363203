"""The whole proof of the audit trail: chains, anchors among them, signed anchors in the file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.anchor_file import AnchorFile, AnchorKeyError
from ops.anchors import anchors_verify
from ops.audit import ChainReport, chains_verify
from ops.clocks import wall_now
from ops.jobs import job_create, job_fail, job_finish, job_progress, job_start
from ops.models import AuditChain, Job

JOB_KIND = "audit.verify"
ALERT_KEY = "audit.broken"
SHOWN_PROBLEMS = 20
GIVEN_UP_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Outcome of a proof."""

    chains: tuple[ChainReport, ...]
    anchors: int
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        return not self.problems

    @property
    def events(self) -> int:
        return sum(report.events for report in self.chains)


def anchor_file() -> AnchorFile:
    """The signed anchors of this machine's state folder."""
    return AnchorFile(settings.STATE_DIR)


def audit_check(*, public_key_pem: str | None = None, job_id: uuid.UUID | None = None) -> AuditReport:
    """Prove everything. Reads only; people may go on working.

    Parameters
    ----------
    public_key_pem
        A key kept elsewhere, to prove the signed anchors with.
    job_id
        Job that shows the progress.
    """
    reports: list[ChainReport] = []
    for chain in chains_verify():
        reports.append(chain)
        if job_id is not None:
            job_progress(job_id, done=len(reports), message=chain.chain)
    problems = [f"{chain.chain}: broken at #{chain.sequence}: {chain.problem}" for chain in reports if not chain.intact]
    problems += anchors_verify()
    file = anchor_file()
    try:
        problems += file.verify(public_key_pem)
    except AnchorKeyError as error:
        problems.append(str(error))
    report = AuditReport(tuple(reports), file.count(), tuple(problems))
    tell(report.problems)
    return report


def tell(problems: Sequence[str]) -> None:
    """Raise the alert that the trail is broken, or end it."""
    if not problems:
        alert_clear(ALERT_KEY)
        return
    alert_raise(
        AlertKind.AUDIT_BROKEN,
        Severity.CRITICAL,
        format_lazy(_("The audit trail is broken in {count} places"), count=len(problems)),
        {f"problem_{number}": text for number, text in enumerate(problems[:SHOWN_PROBLEMS], start=1)},
        dedup_key=ALERT_KEY,
    )


def check_requested(owner: int) -> Job:
    """The job that proves the trail: the one that waits or runs already, or a new one."""
    open_jobs = Job.objects.filter(kind=JOB_KIND).exclude(status__in=Job.FINAL).order_by("-created_at")
    running = open_jobs.first()
    if running is not None and running.started_at is not None and wall_now() - running.started_at > GIVEN_UP_AFTER:
        job_fail(running.pk, error="its worker was stopped before the end")
        running = open_jobs.first()
    if running is not None:
        return running
    return job_create(kind=JOB_KIND, owner=owner, total=AuditChain.objects.count(), message="queued")


def run_check_job(job_id: uuid.UUID) -> str:
    """Run a requested proof; returns the job's status afterwards."""
    if not job_start(job_id, message="running"):
        return "not pending"
    try:
        report = audit_check(job_id=job_id)
    except Exception as error:
        job_fail(job_id, error=f"the proof could not be finished: {type(error).__name__}")
        raise
    result = report_view(report)
    if report.intact:
        job_finish(job_id, result=result, message=f"{len(report.chains)} chains, {report.events} events: intact")
        return Job.Status.DONE
    job_fail(job_id, error=report.problems[0], result=result)
    return Job.Status.FAILED


def report_view(report: AuditReport) -> dict[str, Any]:
    """The report as data."""
    return {
        "intact": report.intact,
        "chains": len(report.chains),
        "events": report.events,
        "anchors": report.anchors,
        "problems": list(report.problems[:SHOWN_PROBLEMS]),
    }
