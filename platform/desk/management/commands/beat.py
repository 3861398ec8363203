"""Run the scheduler of periodic tasks."""

from __future__ import annotations

from typing import Any

from desk.management.process import ProcessCommand


class Command(ProcessCommand):
    help = "Run Celery beat (one per installation)."

    def handle(self, *args: Any, **options: Any) -> None:
        from desk.beat import run_beat
        from desk.celery_app import app

        run_beat(app)
