"""Orders for repair: made, waited for, and what is said of them."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
from django.db import transaction

from marketdata.config import get_marketdata_config
from marketdata.quotes.periods import Int64Array, Period, day_number
from marketdata.selectors import data_source, download_hosts
from marketdata.services.axis import calendar_days
from marketdata.services.evidence import evidence_in_force
from marketdata.services.queue import repair_request
from marketdata.tasks import repair_wake
from ops.models import Job

JOB_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Readiness:
    """How complete the bars or ticks of a query are.

    Attributes
    ----------
    complete
        Every expected bar (of ticks: every closed day) is stored, or proven not to exist.
    job_id
        The repair that is still under way; None when there is none.
    missing_days
        Instrument-days that are neither stored nor proven.
    failures
        Error per symbol whose repair failed just now: it is not tried again at once.
    """

    complete: bool
    job_id: uuid.UUID | None = None
    missing_days: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def repair_order(
    *,
    ranges: dict[int, list[tuple[int, int]]],
    period: Period,
    host: str,
    owner: int | None = None,
    params: dict[str, object] | None = None,
) -> Job:
    """Create a repair job and wake the data worker; with Redis away the worker's poll finds it."""
    every = [pair for pairs in ranges.values() for pair in pairs]
    trading = calendar_days(min(pair[0] for pair in every), max(pair[1] for pair in every))
    days = {key: sum(days_between(trading, low, high) for low, high in pairs) for key, pairs in ranges.items()}
    with transaction.atomic():
        job = repair_request(ranges=ranges, days=days, period=period, host=host, owner=owner, params=params)
        transaction.on_commit(partial(repair_wake, job.pk, host), robust=True)
    return job


def evidence_days(ids: Sequence[int], period: Period, start: date, end: date) -> dict[str, int]:
    """Instrument-days between two dates that are proven holes, by reason."""
    low, high = day_number(start), day_number(end)
    trading = calendar_days(low, high)
    counts: Counter[str] = Counter()
    for _key, first, last, reason in evidence_in_force(list(ids), period, start, end):
        counts[reason] += days_between(trading, max(first, low), min(last, high))
    return dict(counts)


def source_told(host_name: str, ids: Sequence[int], period: Period) -> dict[str, str | bool]:
    """What every answer says of its source: the host whose market clock counts, and those it was downloaded from."""
    told: dict[str, str | bool] = {"host": host_name}
    source = data_source(host_name)
    if source is not None:
        told |= {"basis": str(source.basis), "simulated": source.simulated, "sdk_version": source.sdk_version}
    told["hosts"] = ",".join(download_hosts(list(ids), period))
    return told


def days_between(days: Int64Array, low: int, high: int) -> int:
    """How many of the ascending days lie in [low, high]."""
    return int(np.searchsorted(days, high, "right") - np.searchsorted(days, low, "left"))


def deadline_after(seconds: float | None) -> float:
    """Monotonic time until which a request waits for its repair; after the configured time when none is given."""
    return time.monotonic() + (get_marketdata_config().bars.wait_seconds if seconds is None else max(seconds, 0.0))


def wait_for_job(job_id: uuid.UUID, deadline: float) -> bool:
    """Whether the job ended before the deadline."""
    while True:
        status = Job.objects.filter(pk=job_id).values_list("status", flat=True).first()
        if status is None or status in Job.FINAL:
            return True
        if (left := deadline - time.monotonic()) <= 0:
            return False
        time.sleep(min(JOB_POLL_SECONDS, left))
