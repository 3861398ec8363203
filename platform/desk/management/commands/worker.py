"""Run one Celery worker: `manage.py worker core`, or `trade`/`data`/`reads` of a QMT host."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from desk.management.process import ProcessCommand
from desk.settings.schema import get_config
from desk.worker.roles import ROLES


class Command(ProcessCommand):
    help = "Run one worker (the supervisor and qmthost start these)."
    runs_on_host = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", choices=sorted(ROLES))
        parser.add_argument("--host", default="", help="QMT host of a trade, data or reads worker")

    def process_name(self, options: Mapping[str, Any]) -> str:
        return ROLES[options["role"]].process_name(options["host"])

    def handle(self, *args: Any, role: str, host: str, **options: Any) -> None:
        chosen = ROLES[role]
        if chosen.per_host != bool(host):
            need = "needs --host NAME" if chosen.per_host else "takes no --host"
            raise CommandError(f"A {role} worker {need}.")
        own = get_config().qmt_host
        if own and own != host:
            raise CommandError(f"This machine is the QMT host {own} (DESK_QMT_HOST): it runs that host's workers only.")
        from desk.celery_app import app
        from desk.worker.runner import run_worker

        sys.exit(run_worker(app, chosen, host))
