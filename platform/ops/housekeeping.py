"""What is thrown away, and after how long. Orders, fills and the audit trail never are."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings

from ops.models import Job, ProcessHeartbeat

JOBS_KEPT = timedelta(days=30)
HEARTBEATS_KEPT = timedelta(days=7)


def prune(now: datetime) -> dict[str, int]:
    """Delete ended jobs, heartbeats of processes long gone and expired sessions.

    Returns
    -------
    dict
        Deleted rows, of jobs and heartbeats.
    """
    jobs, _ = Job.objects.filter(status__in=Job.FINAL, finished_at__lt=now - JOBS_KEPT).delete()
    heartbeats, _ = ProcessHeartbeat.objects.filter(last_loop_at__lt=now - HEARTBEATS_KEPT).delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return {"jobs": jobs, "heartbeats": heartbeats}
