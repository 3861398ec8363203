"""Run the engine: live bars from the quote stream."""

from __future__ import annotations

from typing import Any

from desk.management.process import ProcessCommand, stop_event_on_signals


class Command(ProcessCommand):
    help = "Run the engine (live bars; no SDK in it)."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event_on_signals()
        from marketdata.engine import run

        run(stop)
