"""Run one run of a strategy; the keeper starts this."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from desk.management.process import ProcessCommand, stop_event_on_signals


class Command(ProcessCommand):
    help = "Run one run of a strategy until it ends. `manage.py strategies` starts and watches these."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="number of the run")

    def process_name(self, options: Mapping[str, Any]) -> str:
        return f"strategy.{options['run']}"

    def handle(self, *args: Any, run: int, **options: Any) -> None:
        stop = stop_event_on_signals()
        from trading.strategies.runtime.process import run_process

        sys.exit(run_process(run, stop))
