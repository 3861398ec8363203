"""Life of a Job row."""

from __future__ import annotations

import uuid

import pytest

from ops.jobs import job_create, job_fail, job_finish, job_progress, job_start
from ops.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def running_job(total: int = 10) -> uuid.UUID:
    job = job_create(kind="test", total=total)
    assert job_start(job.pk)
    return job.pk


def test_job_start_twice_claims_once() -> None:
    job = job_create(kind="test")
    assert job_start(job.pk) is True
    assert job_start(job.pk) is False


def test_job_progress_within_half_a_second_is_written_once() -> None:
    job_id = running_job()
    assert job_progress(job_id, done=1) is True
    assert job_progress(job_id, done=2) is False
    assert Job.objects.get(pk=job_id).done == 1


def test_job_progress_backwards_changes_nothing() -> None:
    job_id = running_job()
    job_progress(job_id, done=5, force=True)
    assert job_progress(job_id, done=3, force=True) is False
    assert Job.objects.get(pk=job_id).done == 5


def test_job_progress_before_start_changes_nothing() -> None:
    job = job_create(kind="test", total=3)
    assert job_progress(job.pk, done=1, force=True) is False
    job.refresh_from_db()
    assert (job.status, job.done) == (Job.Status.PENDING, 0)


def test_job_finish_done_counts_everything_and_keeps_the_result() -> None:
    job_id = running_job(total=7)
    assert job_finish(job_id, result={"rows": 12}) is True
    job = Job.objects.get(pk=job_id)
    assert (job.status, job.done, job.result) == (Job.Status.DONE, 7, {"rows": 12})
    assert job.finished_at is not None


def test_job_fail_after_finish_changes_nothing() -> None:
    job_id = running_job()
    job_finish(job_id)
    assert job_fail(job_id, error="late") is False
    assert Job.objects.get(pk=job_id).status == Job.Status.DONE


def test_job_fail_keeps_the_error_and_the_progress() -> None:
    job_id = running_job()
    job_progress(job_id, done=4, force=True)
    assert job_fail(job_id, error="terminal is down") is True
    job = Job.objects.get(pk=job_id)
    assert (job.status, job.error, job.done) == (Job.Status.FAILED, "terminal is down", 4)
