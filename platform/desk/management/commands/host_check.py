"""Say whether this machine can serve as a QMT host: `manage.py host_check`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.settings.schema import get_config


class Command(BaseCommand):
    help = "Check clock, time zone, links and terminal of this QMT host; exit code 1 when something needs a person."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="", help="name of the QMT host; default: the one this machine is")

    def handle(self, *args: Any, host: str, **options: Any) -> None:
        from desk.doctor.finding import written
        from desk.hosts.checks import host_findings

        config = get_config()
        name = host or config.qmt_host
        if not name:
            raise CommandError("This machine is no QMT host (DESK_QMT_HOST is not set): name one with --host.")
        if written(host_findings(config, name), self):
            sys.exit(1)
