"""The core worker's part: a back-test's job is claimed, its process started, watched and bounded.

A strategy's code is its author's: it runs in a process of its own (`manage.py backtest --job ID`), with bounds on memory and time, and
the worker that watches it lives on whatever becomes of it. A worker that dies takes the process with it; the job's lease runs out and
another worker starts it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from desk.settings.schema import ROOT, get_config
from ops.clocks import wall_now
from ops.errors import Code
from ops.jobs import job_claim, job_fail, job_finish, jobs_renew
from ops.models import Job
from trading.backtest.choices import BacktestState
from trading.backtest.models import Backtest
from trading.backtest.services.start import JOB_KIND
from trading.backtest.tasks import PLACE

LEASE_SECONDS: Final = 60.0
WATCH_SECONDS: Final = 0.5
_LEASH: Final = Path(__file__).resolve().parents[3] / "platform" / "desk" / "supervisor" / "leash.py"
_WORDS: Final = 2_000


def backtest_work(holder: str) -> Job | None:
    """Run the oldest back-test that waits, or that a worker left, to its end; None when there is none."""
    job = job_claim(kinds=(JOB_KIND,), host=PLACE, holder=holder, seconds=LEASE_SECONDS)
    if job is None:
        return None
    row = Backtest.objects.filter(job=job.pk).first()
    if row is None:
        job_fail(job.pk, error="its back-test was removed")
        return job
    # What a worker left half done begins again from nothing.
    Backtest.objects.filter(pk=row.pk, state__in=(BacktestState.WAITING, BacktestState.RUNNING)).update(
        state=BacktestState.RUNNING, started_at=wall_now()
    )
    _watch(job, row, holder)
    return job


def _watch(job: Job, row: Backtest, holder: str) -> None:
    limit = get_config().backtest_seconds
    until = time.monotonic() + limit
    # A file, not a pipe: nobody reads while the strategy writes.
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            _command(row),
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
        )
        try:
            while process.poll() is None:
                if not jobs_renew(holder=holder, seconds=LEASE_SECONDS):
                    process.kill()  # somebody gave it up
                elif time.monotonic() > until:
                    process.kill()
                    _fail(job, row, Code.STRATEGY_TOO_SLOW, f"not done after {limit:.0f} s")
                time.sleep(WATCH_SECONDS)
        finally:
            process.kill()
            process.communicate()
        words.seek(max(words.seek(0, os.SEEK_END) - _WORDS, 0))
        told = words.read().decode("utf-8", "replace")
    _settle(job, row, process.returncode, told)


def _command(row: Backtest) -> list[str]:
    """The run's process, which ends when this one does."""
    return [
        sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()),
        sys.executable, str(ROOT / "manage.py"), "backtest", "--run", str(row.pk),
    ]  # fmt: skip


def _settle(job: Job, row: Backtest, code: int, words: str) -> None:
    """The job's end follows the row's; a process that ended without a word has failed."""
    row.refresh_from_db()
    if row.state == BacktestState.RUNNING:
        last = words.strip().splitlines()[-1:] or [""]
        _fail(job, row, Code.STRATEGY_FAILED, f"its process ended with exit code {code}: {last[0][:300]}")
    elif row.state == BacktestState.DONE:
        total = row.figures.get("total_return", 0.0)
        job_finish(job.pk, result={"backtest": str(row.pk), "total_return": total}, message=f"return {total:+.2%}")
    elif row.state == BacktestState.FAILED:
        job_fail(job.pk, error=f"{row.code}: {row.message.splitlines()[-1] if row.message else ''}")


def _fail(job: Job, row: Backtest, code: Code, message: str) -> None:
    Backtest.objects.filter(pk=row.pk, state=BacktestState.RUNNING).update(
        state=BacktestState.FAILED, code=str(code), message=message, finished_at=wall_now()
    )
    job_fail(job.pk, error=f"{code}: {message}")
