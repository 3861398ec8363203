"""The round of the rules, on the core worker."""

from __future__ import annotations

from celery import shared_task

from desk.celery_app import app
from trading.barrules.services import rules_judge

ROUND_SECONDS = 15.0


@shared_task(name="barrules.judge", ignore_result=True)
def judge_rules() -> dict[str, int]:
    """Judge what is due. A round that is lost or doubled changes nothing: bars are judged once, by whoever comes first."""
    return {"signals": rules_judge()}


app.conf.beat_schedule.update(
    {
        "barrules-judge": {
            "task": "barrules.judge",
            "schedule": ROUND_SECONDS,
            "options": {"expires": ROUND_SECONDS},
        }
    }
)
