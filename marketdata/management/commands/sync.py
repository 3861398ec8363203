"""Complete the bars of instruments: `manage.py sync --symbols 600519.SH,000001.SZ --start 20180101`."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from marketdata.models import Instrument
from marketdata.services import DataRequest, MarketDataService, Readiness
from marketdata.services.jobcontrol import sync_job_cancel, sync_job_pause, sync_job_resume, sync_job_retry
from marketdata.services.sharing import session_name
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, DeskError, NotFound
from ops.models import Job, ProcessHeartbeat

POLL_SECONDS = 0.5
WORKER_SILENT = timedelta(seconds=30)
ACTS = ("pause", "resume", "cancel", "retry", "follow")


class Command(BaseCommand):
    help = "Download, verify and store whatever bars are missing; or steer such a job. The data workers do the work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--symbols", help="comma-separated, or 'all'")
        parser.add_argument("--period", default="1d", help="1d (default), 1m or 5m")
        parser.add_argument("--start", help="YYYYMMDD; from the listing when omitted")
        parser.add_argument("--end", help="YYYYMMDD; until now when omitted")
        parser.add_argument("--host", default=None, help="QMT host whose market clock says what is missing")
        parser.add_argument("--no-wait", action="store_true", help="start the job, print its id and return")
        steer = parser.add_mutually_exclusive_group()
        for act in ACTS:
            steer.add_argument(f"--{act}", type=UUID, metavar="JOB", help=f"{act} this job instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for act in ACTS:
                if options.get(act) is not None:
                    self._steer(act, options[act], no_wait=options["no_wait"])
                    return
            if not options["symbols"]:
                raise CommandError("--symbols is needed: comma-separated, or 'all'.")
            self._complete(options)
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error

    def _complete(self, options: dict[str, Any]) -> None:
        service = MarketDataService(options["host"])
        request = DataRequest(_symbols(options["symbols"]), options["period"], options["start"], options["end"])
        readiness = service.ensure(request, wait_seconds=0, retry_failed=True)
        if options["no_wait"]:
            self._say_started(readiness)
            return
        while readiness.job_id is not None:
            self._warn_without_worker(service.host_name)
            self._follow(readiness.job_id)
            if Job.objects.filter(pk=readiness.job_id, status=Job.Status.CANCELLED).exists():
                raise CommandError(f"Job {readiness.job_id} was cancelled.")
            readiness = service.ensure(request, wait_seconds=0)
        if not readiness.complete:
            raise CommandError(_failure(readiness))
        self.stdout.write(self.style.SUCCESS("Complete."))

    def _steer(self, act: str, job_id: UUID, *, no_wait: bool) -> None:
        actor = Actor.system("manage.py sync")
        job = _job(job_id)
        if act == "pause":
            sync_job_pause(actor=actor, job=job)
        elif act == "resume":
            sync_job_resume(actor=actor, job=job)
        elif act == "cancel":
            sync_job_cancel(actor=actor, job=job)
        elif act == "retry":
            job = sync_job_retry(actor=actor, owner=job.owner, job=job)
        job.refresh_from_db()
        self.stdout.write(f"job {job.pk}: {job.status}")
        if act in ("resume", "retry", "follow") and not no_wait:
            self._follow(job.pk)

    def _say_started(self, readiness: Readiness) -> None:
        if readiness.job_id is None:
            self.stdout.write("Complete." if readiness.complete else _failure(readiness))
        else:
            self.stdout.write(f"job {readiness.job_id}: {readiness.missing_days} instrument-days missing")

    def _warn_without_worker(self, host: str) -> None:
        since = wall_now() - WORKER_SILENT
        if not ProcessHeartbeat.objects.filter(name=session_name(host), last_loop_at__gt=since).exists():
            self.stderr.write(
                f"The data worker of {host} is not running: the job waits for it (manage.py qmthost --host {host})."
            )

    def _follow(self, job_id: UUID) -> None:
        """Show the job's progress until it ends: a bar on a terminal, one line per change elsewhere."""
        console = Console(file=self.stdout)  # type: ignore[arg-type]  # has write, flush and isatty
        if console.is_terminal:
            self._follow_bar(job_id, console)
        else:
            self._follow_lines(job_id)

    def _follow_bar(self, job_id: UUID, console: Console) -> None:
        columns = (
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=None, pace="")
            for job in _states(job_id):
                bar.update(task, completed=job.done, total=job.total, description=_words(job), pace=_pace(job))

    def _follow_lines(self, job_id: UUID) -> None:
        shown = ""
        for job in _states(job_id):
            line = progress_line(job)
            if line != shown:
                self.stdout.write(line)
                shown = line


def progress_line(job: Job) -> str:
    """Such as `` 50% 105000/210000 instrument-days; downloading …, 62000/s, 2 s left``."""
    part = job.done / job.total if job.total else 0.0
    return ", ".join(filter(None, (f"{part:4.0%} {_words(job)}", _pace(job))))


def _states(job_id: UUID) -> Iterator[Job]:
    """The job as it goes, its end included."""
    while True:
        job = _job(job_id)
        yield job
        if job.is_final:
            return
        time.sleep(POLL_SECONDS)


def _pace(job: Job) -> str:
    if job.rate is None or job.is_final:
        return ""
    left = job.seconds_left
    return f"{job.rate:.0f}/s" + ("" if left is None else f", {left:.0f} s left")


def _words(job: Job) -> str:
    return job.message or str(job.get_status_display())


def _job(job_id: UUID) -> Job:
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound(Code.JOB_NOT_FOUND, f"there is no job {job_id}")
    return job


def _symbols(text: str) -> list[str]:
    if text == "all":
        return list(Instrument.objects.values_list("symbol", flat=True))
    return [part.strip() for part in text.split(",") if part.strip()]


def _failure(readiness: Readiness) -> str:
    lines = [f"Not complete: {readiness.missing_days} instrument-days are missing."]
    lines += [f"  {symbol}: {error}" for symbol, error in list(readiness.failures.items())[:20]]
    return "\n".join(lines)
