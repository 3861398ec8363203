"""When a backup is due, which are kept, and what people are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desk.backup import service
from desk.backup.create import backups
from desk.backup.manifest import FILE_NAME
from desk.backup.retention import SHANGHAI, kept, prune
from desk.backup.service import backup_due, backup_run, watch_backups
from ops.audit import Actor
from ops.errors import Code, DeskError
from ops.models import Alert, AuditEvent, Installation, Job
from tests.backup.home import Home

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
ACTOR = Actor.system("tests")
PLANNED = datetime(2026, 11, 20, 2, 40, tzinfo=SHANGHAI)


@pytest.fixture
def old(home: Home) -> Home:
    """An installation of last year."""
    Installation.objects.update(created_at=PLANNED - timedelta(days=300))
    return home


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moment at which backups are made."""
    clock = [PLANNED]
    monkeypatch.setattr("desk.backup.create.wall_now", lambda: clock[0])
    return clock


def days(*numbers: int) -> list[datetime]:
    return [PLANNED - timedelta(days=number) for number in numbers]


def test_kept_are_the_last_of_each_day_week_and_month() -> None:
    moments = [PLANNED - timedelta(hours=12 * number) for number in range(200)]
    stay = kept(moments, daily=3, weekly=2, monthly=2)
    local = sorted(moment.strftime("%m-%d %H") for moment in stay)
    # 20 November 2026 is a Friday: the week before ended on Sunday 15th, October on Saturday 31st.
    assert local == ["10-31 14", "11-15 14", "11-18 14", "11-19 14", "11-20 02"]


def test_kept_newest_stays_whatever_the_rules_say() -> None:
    assert kept(days(5, 9), daily=1, weekly=0, monthly=0) == set(days(5))


def test_prune_deletes_what_no_rule_keeps_and_nothing_else(old: Home, at: list[datetime]) -> None:
    for at[0] in sorted(days(0, 1, 2, 3)):
        old.backup()
    stranger = old.backups / "notes"
    stranger.mkdir()
    broken = old.backups / "desk-20000101-000000"
    broken.mkdir()
    (broken / FILE_NAME).write_text("{")
    left = old.backups / ".making-desk-1-1"
    left.mkdir()
    gone = prune(old.backups, daily=2, weekly=1, monthly=1)
    assert len(gone) == 2
    assert [made.manifest.made_at for made in backups(old.backups)] == sorted(days(0, 1))
    assert stranger.exists()
    assert broken.exists()
    assert not left.exists()


@pytest.mark.parametrize(
    ("made", "now", "due"),
    [
        (None, timedelta(minutes=1), True),
        (timedelta(minutes=1), timedelta(hours=3), False),
        (timedelta(days=-1), timedelta(minutes=-1), False),
        (timedelta(days=-1), timedelta(minutes=1), True),
        (timedelta(days=-3), timedelta(minutes=-1), True),
    ],
)
def test_backup_is_due_once_a_day_and_a_missed_one_is_made_up_for(
    old: Home, at: list[datetime], made: timedelta | None, now: timedelta, due: bool
) -> None:
    if made is not None:
        at[0] = PLANNED + made
        old.backup()
    assert backup_due(old.config, PLANNED + now) is due


def test_backup_is_not_due_without_a_time_and_on_the_first_day(home: Home, old: Home) -> None:
    assert not backup_due(old.config.model_copy(update={"backup_time": ""}), PLANNED + timedelta(hours=1))
    Installation.objects.update(created_at=PLANNED + timedelta(minutes=1))
    assert not backup_due(old.config, PLANNED + timedelta(hours=1))


def test_backup_that_failed_is_tried_again_an_hour_later(old: Home) -> None:
    Job.objects.create(kind="backup", status=Job.Status.FAILED)
    Job.objects.update(created_at=PLANNED + timedelta(minutes=1))
    assert not backup_due(old.config, PLANNED + timedelta(minutes=30))
    assert backup_due(old.config, PLANNED + timedelta(minutes=62))


def test_backup_run_is_a_job_an_audit_event_and_proven(old: Home) -> None:
    made = backup_run(old.config, actor=ACTOR, verify=True)
    job = Job.objects.get()
    assert (job.status, job.result["folder"]) == (Job.Status.DONE, made.folder.name)
    assert (job.result["verified"], job.result["findings"]) == (True, [])
    assert AuditEvent.objects.filter(action="backup.made", actor_id="tests").count() == 1
    assert not Alert.objects.exists()


def test_backup_run_that_fails_is_told_until_one_succeeds(old: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk went away")

    with monkeypatch.context() as patch:
        patch.setattr(service, "backup_create", fails)
        with pytest.raises(OSError, match="went away"):
            backup_run(old.config, actor=ACTOR)
    assert Job.objects.get().status == Job.Status.FAILED
    assert Alert.objects.get(closed_at=None).dedup_key == service.FAILED_KEY
    backup_run(old.config, actor=ACTOR)
    assert not Alert.objects.filter(closed_at=None).exists()


def test_backup_run_beside_another_is_refused(old: Home) -> None:
    with service._one_at_a_time(old.backups), pytest.raises(DeskError) as caught:
        backup_run(old.config, actor=ACTOR)
    assert caught.value.code == Code.RESTORE_REFUSED
    assert not Job.objects.exists()


def test_backup_that_is_too_old_is_told_and_a_fresh_one_ends_it(old: Home, at: list[datetime]) -> None:
    old.backup()
    fresh = PLANNED.astimezone(UTC) + timedelta(hours=29)
    assert watch_backups(old.config, lambda: fresh) == timedelta(hours=29)
    assert not Alert.objects.exists()
    watch_backups(old.config, lambda: fresh + timedelta(hours=2))
    alert = Alert.objects.get()
    assert (alert.kind, alert.title) == ("backup.trouble", "The newest backup is 31 hours old")
    at[0] = fresh
    old.backup()
    watch_backups(old.config, lambda: fresh + timedelta(hours=2))
    assert not Alert.objects.filter(closed_at=None).exists()
