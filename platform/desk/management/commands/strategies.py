"""Keep the processes of strategies."""

from __future__ import annotations

from typing import Any

from desk.management.process import ProcessCommand, stop_event_on_signals
from desk.settings.schema import get_config


class Command(ProcessCommand):
    help = "Find strategies, and keep one process for each run that is wanted."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_event_on_signals()
        from desk.strategies import Keeper
        from desk.supervisor.embedded import heartbeat_ages

        config = get_config()
        config.run_dir.mkdir(parents=True, exist_ok=True)
        Keeper(config, ages=heartbeat_ages).run(stop)
