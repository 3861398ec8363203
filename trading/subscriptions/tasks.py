"""The round of the plans, on the core worker."""

from __future__ import annotations

from celery import shared_task

from desk.celery_app import app
from trading.subscriptions.services import run_plans

ROUND_SECONDS = 10.0


@shared_task(name="subscriptions.run_plans", ignore_result=True)
def run_subscription_plans() -> dict[str, int]:
    """Subscribe what is due. A round that is lost or doubled changes nothing: the next one finds what is missing."""
    return run_plans()


app.conf.beat_schedule.update(
    {
        "subscriptions-run-plans": {
            "task": "subscriptions.run_plans",
            "schedule": ROUND_SECONDS,
            "options": {"expires": ROUND_SECONDS},
        }
    }
)
