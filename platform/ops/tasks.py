"""Periodic and requested tasks of the operations layer (see CELERY_BEAT_SCHEDULE)."""

from __future__ import annotations

import logging
import uuid

from celery import shared_task

from ops.clocks import wall_now

log = logging.getLogger(__name__)


@shared_task(name="ops.housekeeping", ignore_result=True)
def housekeeping() -> dict[str, int]:
    """Delete what has outlived its use."""
    from ops.housekeeping import prune

    return prune(wall_now())


@shared_task(name="ops.audit_anchor", ignore_result=True)
def audit_anchor() -> dict[str, int]:
    """Anchor every audit chain in the platform's chain and in the signed file, then prove them all."""
    from ops.anchor_file import AnchorKeyError
    from ops.anchors import anchor
    from ops.audit_check import anchor_file, audit_check

    anchor()
    try:
        anchor_file().append()
    except (AnchorKeyError, OSError) as error:
        # The proof below names it too, as a problem of the trail.
        log.critical("the audit chains could not be signed: %s", error)
    report = audit_check()
    for problem in report.problems:
        log.critical("the audit trail is broken: %s", problem)
    return {"chains": len(report.chains), "problems": len(report.problems)}


@shared_task(name="ops.audit_verify", ignore_result=True)
def audit_verify(job_id: str) -> dict[str, str]:
    """Run a requested proof of the audit trail."""
    from ops.audit_check import run_check_job

    return {"status": run_check_job(uuid.UUID(job_id))}
