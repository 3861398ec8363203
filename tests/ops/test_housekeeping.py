"""What is pruned, and what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ops.clocks import wall_now
from ops.housekeeping import prune
from ops.models import Job, ProcessHeartbeat

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def job(status: str, days: int) -> Job:
    return Job.objects.create(kind="test", status=status, finished_at=wall_now() - timedelta(days=days))


def test_prune_deletes_ended_jobs_after_thirty_days_only() -> None:
    old, recent, running = job("DONE", 31), job("FAILED", 29), job("RUNNING", 99)
    assert prune(wall_now())["jobs"] == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {recent.pk, running.pk}
    assert old.pk not in Job.objects.values_list("pk", flat=True)


def test_prune_forgets_processes_unheard_of_for_a_week() -> None:
    now = wall_now()
    for name, days in (("old", 8), ("engine", 6)):
        at = now - timedelta(days=days)
        ProcessHeartbeat.objects.create(name=name, host="h", pid=1, started_at=at, last_loop_at=at)
    assert prune(now)["heartbeats"] == 1
    assert [row.name for row in ProcessHeartbeat.objects.all()] == ["engine"]
