"""Run the engine: live bars from the quote stream, and what else follows it."""

from __future__ import annotations

from typing import Any

from desk.management.process import ProcessCommand, stop_event_on_signals


class Command(ProcessCommand):
    help = "Run the engine (live bars and what follows the quotes; no SDK in it)."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event_on_signals()
        from desk.engine import run

        run(stop)
