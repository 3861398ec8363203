"""The backup as people and the schedule ask for it: one at a time, its outcome on record, old ones removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from desk.backup.create import Made, Say, backup_create, backups
from desk.backup.errors import refused
from desk.backup.proof import backup_prove
from desk.backup.retention import SHANGHAI, prune
from desk.settings.schema import DeskConfig
from desk.supervisor.lock import AlreadyRunning, SupervisorLock
from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now
from ops.jobs import job_create, job_fail, job_finish, job_start
from ops.models import Installation, Job

JOB_KIND: Final = "backup"
FAILED_KEY: Final = "backup.failed"
OLD_KEY: Final = "backup.old"
RETRY_AFTER: Final = timedelta(hours=1)
SHOWN_FINDINGS: Final = 20


def passphrase_of(config: DeskConfig) -> str:
    """What encrypts this installation's backups; blank: nothing."""
    return "" if config.backup_passphrase is None else config.backup_passphrase.get_secret_value()


def backup_run(config: DeskConfig, *, actor: Actor, verify: bool = False, say: Say = lambda _text: None) -> Made:
    """Make one backup, prove it if wanted, remove what retention does not keep; the outcome is a job, an audit event and an alert.

    Raises
    ------
    DeskError
        RESTORE_REFUSED: another one is being made. What `backup_create` and `backup_prove` raise.
    """
    root = config.backup_folder
    with _one_at_a_time(root):
        job = job_create(kind=JOB_KIND, message="running", params={"by": actor.label})
        job_start(job.pk)
        try:
            made = backup_create(root, passphrase=passphrase_of(config), say=say)
            findings = None
            if verify:
                report = backup_prove(made, root, passphrase=passphrase_of(config), say=say)
                findings = [str(finding) for finding in report.findings]
            gone = prune(
                root,
                daily=config.backup_keep_daily,
                weekly=config.backup_keep_weekly,
                monthly=config.backup_keep_monthly,
            )
        except Exception as error:
            job_fail(job.pk, error=f"{type(error).__name__}: {error}")
            _tell_failed(f"{error}")
            raise
        facts = _facts(made, findings=findings, removed=len(gone))
        with transaction.atomic():
            audit.record(actor=actor, action="backup.made", target=f"backup:{made.folder.name}", after=facts)
        job_finish(job.pk, result=facts, message=f"{made.folder.name}, {made.manifest.stored_bytes / 1e6:.1f} MB")
    if trouble := [*made.manifest.problems, *(findings or [])]:
        _tell_failed(trouble[0], made.folder.name)
    else:
        alert_clear(FAILED_KEY)
    alert_clear(OLD_KEY)
    return made


def _facts(made: Made, *, findings: list[str] | None, removed: int) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "folder": made.folder.name,
        "made_at": manifest.made_at.isoformat(timespec="seconds"),
        "stored_bytes": manifest.stored_bytes,
        "content_bytes": manifest.content_bytes,
        "seconds": manifest.seconds,
        "encrypted": manifest.encrypted,
        "verified": findings is not None,
        "findings": (findings or [])[:SHOWN_FINDINGS],
        "removed": removed,
        "problems": list(manifest.problems),
    }


def _tell_failed(reason: str, folder: str = "") -> None:
    alert_raise(
        AlertKind.BACKUP,
        Severity.CRITICAL,
        _("A backup failed") if not folder else _("What was backed up is not sound"),
        {"reason": reason, "folder": folder},
        dedup_key=FAILED_KEY,
    )


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    try:
        with SupervisorLock(root / ".lock"):
            yield
    except AlreadyRunning as error:
        raise refused("a backup is being made already", pid=error.pid) from error


def newest(root: Path) -> Made | None:
    """The newest complete backup."""
    complete = [made for made in backups(root) if not made.manifest.problems]
    return complete[-1] if complete else None


def backup_due(config: DeskConfig, now: datetime) -> bool:
    """Whether the day's backup is to be made now: its time has come, there is none of after it, and none failed a moment ago."""
    if not config.backup_time:
        return False
    local = now.astimezone(SHANGHAI)
    hour, minute = map(int, config.backup_time.split(":"))
    planned = datetime.combine(local.date(), time(hour, minute), SHANGHAI)
    if local < planned:
        planned -= timedelta(days=1)
    last = newest(config.backup_folder)
    if last is not None and last.manifest.made_at >= planned:
        return False
    # A new installation waits for its first night.
    created = Installation.objects.filter(pk=Installation.SINGLETON).values_list("created_at", flat=True).first()
    if created is None or created > planned:
        return False
    recent = Job.objects.filter(kind=JOB_KIND, created_at__gt=now - RETRY_AFTER)
    return not recent.exists()


def watch_backups(config: DeskConfig, clock: Callable[[], datetime] = wall_now) -> timedelta | None:
    """Raise when the newest complete backup is too old, or when there is none; returns its age."""
    if not config.backup_time:
        alert_clear(OLD_KEY)
        return None
    now = clock()
    last = newest(config.backup_folder)
    since = None if last is None else last.manifest.made_at
    if since is None:
        since = (
            Installation.objects.filter(pk=Installation.SINGLETON).values_list("created_at", flat=True).first() or now
        )
    age = now - since
    if age <= timedelta(hours=config.backup_max_age_hours):
        alert_clear(OLD_KEY)
        return age
    alert_raise(
        AlertKind.BACKUP,
        Severity.CRITICAL,
        _("There is no backup yet")
        if last is None
        else format_lazy(_("The newest backup is {hours} hours old"), hours=f"{age.total_seconds() / 3600:.0f}"),
        {"newest": "" if last is None else last.folder.name, "folder": str(config.backup_folder)},
        dedup_key=OLD_KEY,
    )
    return age
