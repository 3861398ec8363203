"""Periodic tasks that look at several applications at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import shared_task

log = logging.getLogger(__name__)


@shared_task(name="desk.watch", ignore_result=True)
def watch() -> dict[str, int]:
    """Look at everything that could have gone wrong unnoticed; alerts say what has."""
    from alerts.watch import watch_expected_processes, watch_sessions
    from desk.settings.schema import get_config
    from marketdata.watch import watch_quotes
    from ops.alerts.watches import settled, watch_disk

    watches: list[Callable[[], object]] = [lambda: watch_disk(get_config().state_dir)]
    if settled():
        watches += [watch_expected_processes, watch_sessions, watch_quotes]
    failed = sum(not _look(look) for look in watches)
    return {"watches": len(watches), "failed": failed}


@shared_task(name="desk.backup", ignore_result=True)
def backup() -> dict[str, str]:
    """Make the day's backup when its time has come, and tell people when there has been none for too long."""
    from desk.backup.child import backup_if_due

    return {"backup": backup_if_due()}


def _look(look: Callable[[], object]) -> bool:
    """Run one watch; a failing one does not blind the others."""
    try:
        look()
    except Exception:
        log.exception("a watch failed")
        return False
    return True
