"""Periodic tasks of the operations layer (see CELERY_BEAT_SCHEDULE)."""

from __future__ import annotations

import logging

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
    """Anchor every audit chain in the platform's chain, then prove them all."""
    from ops.anchors import anchor, anchors_verify
    from ops.audit import chains_verify

    anchor()
    reports = list(chains_verify())
    problems = [f"{report.chain}#{report.sequence}: {report.problem}" for report in reports if not report.intact]
    problems += anchors_verify()
    for problem in problems:
        log.critical("the audit trail is broken: %s", problem)
    return {"chains": len(reports), "problems": len(problems)}
