"""Housekeeping of the ledger."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab

from desk.celery_app import app
from trading.ledger.retention import account_events_prune


@shared_task(name="ledger.account_events_prune", ignore_result=True)
def prune_account_events() -> dict[str, int]:
    """Forget account events that no client can still need."""
    return {"deleted": account_events_prune()}


app.conf.beat_schedule.update(
    {
        "ledger-account-events-prune": {
            "task": "ledger.account_events_prune",
            "schedule": crontab(minute=17),
        }
    }
)
