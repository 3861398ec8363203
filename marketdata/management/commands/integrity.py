"""Check stored bars: `manage.py integrity`, `manage.py integrity --list`, `manage.py integrity --symbols 600519.SH --full`."""

from __future__ import annotations

import os
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata.choices import FindingSeverity, FindingState
from marketdata.models import IntegrityFinding
from marketdata.quotes.periods import Period
from marketdata.services.integrity import CHECKED_PERIODS, integrity_request, integrity_work
from ops.errors import DeskError
from ops.models import Job

POLL_SECONDS = 0.5
SHOWN = 50


class Command(BaseCommand):
    help = "Check stored bars against the calendar, the exchanges' limits, the factors and each other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--symbols", default="", help="comma-separated; every instrument when omitted")
        parser.add_argument(
            "--period", choices=[period.code for period in CHECKED_PERIODS], help="every one when omitted"
        )
        parser.add_argument("--full", action="store_true", help="check those too that did not change")
        parser.add_argument("--list", action="store_true", help="only show the open findings")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["list"]:
            try:
                self._run(options)
            except DeskError as error:
                raise CommandError(f"{error.code}: {error.message}") from error
        severe = self._show()
        if severe:
            raise CommandError(f"{severe} severe findings are open.", returncode=2)

    def _run(self, options: dict[str, Any]) -> None:
        periods = (Period.parse(options["period"]),) if options["period"] else CHECKED_PERIODS
        symbols = [part.strip() for part in options["symbols"].split(",") if part.strip()]
        job = integrity_request(periods=periods, symbols=symbols, full=options["full"])
        while not job.is_final:
            # Runs that waited before ours are done first; one that a worker does is waited for.
            if integrity_work(f"integrity@{socket.gethostname()}:{os.getpid()}") is None:
                time.sleep(POLL_SECONDS)
            job = Job.objects.get(pk=job.pk)
        if job.status != Job.Status.DONE:
            raise CommandError(job.error or f"the run was {job.status.lower()}")
        self.stdout.write(job.message)
        if off := job.result["checks_off"]:
            self.stdout.write(f"The history is {job.result['basis']}: not checked are {', '.join(off)}.")

    def _show(self) -> int:
        """Print open findings, severe ones first; returns how many are severe."""
        found = IntegrityFinding.objects.filter(state=FindingState.OPEN).select_related("instrument")
        order = [FindingSeverity.SEVERE, FindingSeverity.WARNING, FindingSeverity.INFO]
        counts = {severity: found.filter(severity=severity).count() for severity in order}
        self.stdout.write(", ".join(f"{count} {severity.lower()}" for severity, count in counts.items()) + " open")
        left = SHOWN
        for severity in order:
            for row in found.filter(severity=severity).order_by("check_name", "instrument__symbol", "bucket")[:left]:
                span = row.start_date if row.start_date == row.end_date else f"{row.start_date}..{row.end_date}"
                self.stdout.write(
                    f"  #{row.pk} {row.severity:7} {row.check_name:22} {row.instrument.symbol} {row.period} {span} {row.rows} bars"
                )
                left -= 1
        return counts[FindingSeverity.SEVERE]
