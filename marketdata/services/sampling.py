"""The sampling check: a few stored bars are downloaded again and compared with what is stored."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes import reader
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import DAY_MS, Period, day_date, day_numbers, day_start_ts, ts_date
from marketdata.services.axis import calendar_days, minute_labels
from marketdata.services.landed import Landed
from marketdata.services.validation import Checks, check_bars
from marketdata.tasks import repair_wake
from ops.alerts import AlertKind, Severity, alert_raise
from ops.clocks import MarketClock
from ops.jobs import job_claim, job_create, job_fail, job_finish, job_progress, jobs_release
from ops.models import Job
from qmt.errors import DownloadThrottled, QmtError, TerminalDown
from qmt.gateway import Period as TerminalPeriod
from qmt.gateway import QuoteGateway

JOB_KIND = "marketdata.sampling"
COMPARED = ("open", "high", "low", "close", "volume", "amount")
#: Most differences that a job's result lists.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class SampleSource:
    """The terminal a sample is compared with.

    Attributes
    ----------
    before_call
        Waits for the next download call's turn.
    """

    gateway: QuoteGateway
    host: str
    before_call: Callable[[], object] = lambda: None


def sampling_request(clock: MarketClock) -> Job:
    """Create a sampling job for the host's data worker."""
    with transaction.atomic():
        job = job_create(kind=JOB_KIND, params={"host": clock.host}, message="waiting for the data worker")
        transaction.on_commit(partial(repair_wake, job.pk, clock.host), robust=True)
    return job


def sampling_run(source: SampleSource, *, holder: str, first_open_day: int) -> bool:
    """Do the oldest sampling job that waits for the host; False when none does.

    Raises
    ------
    TerminalDown
        The link is lost: the job was given back.
    """
    seconds = get_marketdata_config().repair.lease_seconds
    job = job_claim(kinds=(JOB_KIND,), host=source.host, holder=holder, seconds=seconds)
    if job is None:
        return False
    try:
        result = _compare_all(source, job, first_open_day)
    except (TerminalDown, DownloadThrottled):
        jobs_release(holder=holder)
        raise
    except QmtError as error:
        job_fail(job.pk, error=f"{type(error).__name__}: {error}")
        return True
    text = f"{result['bars']} bars of {result['instruments']} instruments compared, {result['different']} differ"
    job_finish(job.pk, result=result, message=text)
    if result["different"]:
        alert_raise(
            AlertKind.SAMPLE_DIFFERS,
            Severity.WARNING,
            format_lazy(_("{count} stored bars differ from the terminal's"), count=result["different"]),
            {"examples": "; ".join(result["differences"][:5]), "job": str(job.pk)},
            dedup_key=f"data.sample_differs:{source.host}",
            host=source.host,
        )
    return True


def _compare_all(source: SampleSource, job: Job, first_open_day: int) -> dict[str, Any]:
    config = get_marketdata_config().sync
    # The job's own number draws the sample: a worker that takes it over compares the same bars.
    chance = random.Random(job.pk.int)  # noqa: S311
    picked = [
        (Period.parse(code), instrument)
        for code in config.periods
        for instrument in _pick(Period.parse(code), config.sample_symbols, chance)
    ]
    found: dict[str, Any] = {"instruments": len(picked), "bars": 0, "different": 0, "differences": []}
    for number, (period, instrument) in enumerate(picked, 1):
        days = _pick_days(instrument, period, config.sample_days, first_open_day, chance)
        for day in days:
            bars, differences = _compare(source, instrument, period, day)
            found["bars"] += bars
            found["different"] += len(differences)
            found["differences"] += differences[: SHOWN - len(found["differences"])]
        job_progress(job.pk, done=number, total=len(picked), message=f"{instrument.symbol} {period.code}")
    return found


def _pick(period: Period, count: int, chance: random.Random) -> list[Instrument]:
    ids = sorted(QuoteSegment.objects.filter(period=period).values_list("instrument_id", flat=True).distinct())
    drawn = chance.sample(ids, min(count, len(ids)))
    found = Instrument.objects.in_bulk(drawn)
    return [found[key] for key in drawn if key in found]


def _pick_days(
    instrument: Instrument, period: Period, count: int, first_open_day: int, chance: random.Random
) -> Sequence[int]:
    """Days with stored bars from a segment drawn at random."""
    buckets = list(
        QuoteSegment.objects.filter(instrument_id=instrument.pk, period=period).values_list("first_ts", "last_ts")
    )
    if not buckets:
        return []
    first, last = chance.choice(sorted(buckets))
    stamps = reader.read_bars([instrument.pk], period, first, last, columns=[]).ts
    days = [day for day in np.unique(day_numbers(stamps)).tolist() if day < first_open_day]
    return sorted(chance.sample(days, min(count, len(days))))


def _compare(source: SampleSource, instrument: Instrument, period: Period, day: int) -> tuple[int, list[str]]:
    """Bars compared of one day, and how each differing one differs."""
    bounds = f"{day_date(day):%Y%m%d}000000", f"{day_date(day):%Y%m%d}235959"
    source.before_call()
    deadline = get_marketdata_config().repair.download_deadline_seconds
    source.gateway.download([instrument.symbol], TerminalPeriod(period.code), *bounds, deadline_seconds=deadline)
    frames = source.gateway.read_local([instrument.symbol], TerminalPeriod(period.code), *bounds)
    labels = np.zeros(1, dtype=np.int64) if period is Period.DAY_1 else minute_labels(period)
    landed = Landed.of_frames({instrument.pk: frames.get(instrument.symbol, pd.DataFrame())})
    told = check_bars(landed, Checks(calendar_days(day, day), labels)).rows
    start = int(day_start_ts(day))
    stored = reader.read_bars([instrument.pk], period, start, start + DAY_MS - 1)
    name = f"{instrument.symbol} {period.code}"
    return len(stored), [f"{name} {text}" for text in _differences(stored, told)]


def _differences(stored: QuoteColumns, told: QuoteColumns) -> list[str]:
    known = {int(ts): at for at, ts in enumerate(told.ts.tolist())}
    found = []
    for at, ts in enumerate(stored.ts.tolist()):
        other = known.pop(int(ts), None)
        if other is None:
            found.append(f"{_moment(ts)}: the terminal has no such bar")
            continue
        for column in COMPARED:
            ours, theirs = _value(stored, column, at), _value(told, column, other)
            if ours != theirs:
                found.append(f"{_moment(ts)}: {column} is {ours}, the terminal's {theirs}")
                break
    return [*found, *(f"{_moment(ts)}: not stored" for ts in sorted(known))]


def _value(rows: QuoteColumns, column: str, at: int) -> Any:
    """One value; None for NULL."""
    mask = rows.nulls.get(column)
    return None if mask is not None and mask[at] else rows.values[column][at].item()


def _moment(ts: int) -> str:
    stamp = pd.Timestamp(ts, unit="ms", tz="Asia/Shanghai")
    return ts_date(ts).isoformat() if stamp.hour == 0 else f"{stamp:%Y-%m-%d %H:%M}"
