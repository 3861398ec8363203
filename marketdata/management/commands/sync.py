"""Complete the bars of instruments: `manage.py sync --symbols 600519.SH,000001.SZ --start 20180101`."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from marketdata.models import Instrument
from marketdata.services import DataRequest, MarketDataService, Readiness
from ops.clocks import wall_now
from ops.errors import DeskError
from ops.models import Job, ProcessHeartbeat

BAR_WIDTH = 30
POLL_SECONDS = 0.5
WORKER_SILENT = timedelta(seconds=30)


class Command(BaseCommand):
    help = "Download, verify and store whatever bars are missing; the data worker does the work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--symbols", required=True, help="comma-separated, or 'all'")
        parser.add_argument("--period", default="1d", help="1d (default) or 1m")
        parser.add_argument("--start", help="YYYYMMDD; from the listing when omitted")
        parser.add_argument("--end", help="YYYYMMDD; until now when omitted")
        parser.add_argument("--host", default=None, help="QMT host that downloads")
        parser.add_argument("--no-wait", action="store_true", help="start the job, print its id and return")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            service = MarketDataService(options["host"])
            request = DataRequest(_symbols(options["symbols"]), options["period"], options["start"], options["end"])
            readiness = service.ensure(request, wait_seconds=0, retry_failed=True)
            if options["no_wait"]:
                self._say_started(readiness)
                return
            while readiness.job_id is not None:
                self._follow(readiness.job_id, service.host_name)
                readiness = service.ensure(request, wait_seconds=0)
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        if not readiness.complete:
            raise CommandError(_failure(readiness))
        self.stdout.write(self.style.SUCCESS("Complete."))

    def _say_started(self, readiness: Readiness) -> None:
        if readiness.job_id is None:
            self.stdout.write("Complete." if readiness.complete else _failure(readiness))
        else:
            self.stdout.write(f"job {readiness.job_id}: {readiness.missing_days} instrument-days missing")

    def _follow(self, job_id: UUID, host: str) -> None:
        """Show the job's progress until it ends."""
        if not _worker_alive(host):
            self.stderr.write(
                f"The data worker of {host} is not running: the job waits for it (manage.py qmthost --host {host})."
            )
        shown = ""
        while True:
            job = Job.objects.get(pk=job_id)
            line = progress_line(job)
            if line != shown:
                self._show(line, shown)
                shown = line
            if job.is_final:
                self.stdout.write("")
                return
            time.sleep(POLL_SECONDS)

    def _show(self, line: str, before: str) -> None:
        if sys.stdout.isatty():
            self.stdout.write("\r" + line.ljust(len(before)), ending="")
            self.stdout.flush()
        else:
            self.stdout.write(line)


def progress_line(job: Job) -> str:
    """``[#####.....]  50% 105000/210000 instrument-days, 62000/s, 2 s left``."""
    part = job.done / job.total if job.total else 0.0
    filled = round(part * BAR_WIDTH)
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    return f"[{bar}] {part:4.0%} {job.message or job.get_status_display()}"


def _symbols(text: str) -> list[str]:
    if text == "all":
        return list(Instrument.objects.values_list("symbol", flat=True))
    return [part.strip() for part in text.split(",") if part.strip()]


def _worker_alive(host: str) -> bool:
    since = wall_now() - WORKER_SILENT
    return ProcessHeartbeat.objects.filter(name=f"session.data@{host}", last_loop_at__gt=since).exists()


def _failure(readiness: Readiness) -> str:
    lines = [f"Not complete: {readiness.missing_days} instrument-days are missing."]
    lines += [f"  {symbol}: {error}" for symbol, error in list(readiness.failures.items())[:20]]
    return "\n".join(lines)
