"""`MarketDataService`: ask for bars, get them complete.

Database first. What is missing becomes one repair job on the data worker of a QMT host; the answer waits a while for it
and says when it could not.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction

from marketdata.choices import Basis
from marketdata.config import get_marketdata_config
from marketdata.models import TradingDay
from marketdata.quotes.periods import Int64Array, Period, date_ts, day_number
from marketdata.selectors import data_host, data_source, download_hosts, instrument_rows
from marketdata.services.answers import answer_pieces
from marketdata.services.axis import CALENDAR_MARKET, calendar_days, last_closed_date
from marketdata.services.coverage import CoverageRequest, Scope, scope_resolve
from marketdata.services.evidence import evidence_in_force
from marketdata.services.folding import answer_per_day
from marketdata.services.gaps import Gaps, find_gaps
from marketdata.services.queue import recently_failed, repair_request
from marketdata.services.reading import read_frame
from marketdata.services.requests import (
    Adjust,
    DataRequest,
    Query,
    parse_period,
    request_resolve,
    resolve_dates,
)
from marketdata.tasks import repair_wake
from ops.clocks import MarketClock, market_clock
from ops.errors import Code, Unavailable
from ops.models import Job

logger = logging.getLogger(__name__)

JOB_POLL_SECONDS = 0.1
# A repair can uncover more to repair (an item that was widened, a count that reaches further back).
MAX_TURNS = 4


@dataclass(frozen=True, slots=True)
class Readiness:
    """How complete the bars of a query are.

    Attributes
    ----------
    complete
        Every expected bar is stored, or proven not to exist.
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


@dataclass(frozen=True, slots=True)
class BarsResult:
    """Bars and what is known about their completeness.

    Attributes
    ----------
    frame
        Columns symbol, time (epoch ms; midnight of a day, right edge of a minute), open, high, low, close, volume
        (shares), amount (CNY), pre_close, suspended, or those of them that were asked for. In the order of the
        symbols asked, then of time.
    source
        Where the bars come from, see `MarketDataService.source`.
    evidence
        Instrument-days without a bar, by proven reason.
    """

    frame: pd.DataFrame
    readiness: Readiness
    source: dict[str, str | bool]
    evidence: dict[str, int]

    @property
    def complete(self) -> bool:
        return self.readiness.complete

    @property
    def job_id(self) -> uuid.UUID | None:
        return self.readiness.job_id


class MarketDataService:
    """Bars for Python callers, REST and commands alike.

    Parameters
    ----------
    host_name
        The QMT host whose market clock decides what "today" is and whose worker downloads; the first enabled one
        when omitted.
    """

    def __init__(self, host_name: str | None = None) -> None:
        self.host_name = host_name or data_host()

    def get(self, request: DataRequest, *, wait_seconds: float | None = None, owner: int | None = None) -> BarsResult:
        """Return bars, repairing what is missing first.

        Parameters
        ----------
        wait_seconds
            How long to wait for a repair; the configured time when omitted. After it, what is there is returned with
            the job under way.
        owner
            User id that a repair job will belong to.

        Raises
        ------
        Invalid
            See `request_resolve`; FACTORS_UNAVAILABLE when the source's history cannot be adjusted.
        Unavailable
            No host has reported its market clock yet.
        """
        query, readiness = self.prepare(request, wait_seconds=wait_seconds, owner=owner)
        return self.read(query, readiness)

    def prepare(
        self,
        request: DataRequest,
        *,
        wait_seconds: float | None = None,
        owner: int | None = None,
        retry_failed: bool = False,
    ) -> tuple[Query, Readiness]:
        """Check a request and repair what it needs; the bars themselves are not read.

        Parameters
        ----------
        retry_failed
            Try at once again what failed just now: a person asks for it.
        """
        query = self.resolve(request)
        deadline = time.monotonic() + _wait(wait_seconds)
        for reach in self._reaches(query, request):
            narrowed = query.since(reach)
            readiness = self._ensure(narrowed, deadline, owner, retry_failed=retry_failed)
            if not readiness.complete or self._has_count(narrowed):
                break
        return narrowed, readiness

    def ensure(
        self,
        request: DataRequest,
        *,
        wait_seconds: float | None = None,
        owner: int | None = None,
        retry_failed: bool = False,
    ) -> Readiness:
        """Repair what a request needs, without reading it; see `prepare`."""
        return self.prepare(request, wait_seconds=wait_seconds, owner=owner, retry_failed=retry_failed)[1]

    def resolve(self, request: DataRequest) -> Query:
        """Check a request completely; nothing is changed."""
        query = request_resolve(request, market_clock(self.host_name))
        source = data_source(self.host_name)
        if query.adjust is not Adjust.NONE and source and source.basis == Basis.FRONT_ADJUSTED:
            raise Unavailable(
                Code.FACTORS_UNAVAILABLE,
                f"the history of host {self.host_name} is front-adjusted already: only adjust=none can be answered",
                field="adjust",
                status=422,
                basis=str(source.basis),
            )
        return query

    def gaps(
        self,
        period: str = "1d",
        start: date | datetime | str | None = None,
        end: date | datetime | str | None = None,
        *,
        symbols: Sequence[str] | None = None,
    ) -> Gaps:
        """Scan a stored period for missing days, from segment headers alone; downloads nothing.

        Parameters
        ----------
        start, end
            As in a `DataRequest`.
        symbols
            The whole market when omitted.

        Raises
        ------
        Invalid
            PERIOD_UNKNOWN, PERIOD_NOT_AVAILABLE, the range's codes (see `request_resolve`), SYMBOL_UNKNOWN.
        """
        clock = market_clock(self.host_name)
        stored = parse_period(period)
        first, last = resolve_dates(start, end, clock)
        return find_gaps(instrument_rows(symbols=symbols), stored, first, last, clock=clock)

    def coverage_scope(self, request: CoverageRequest) -> Scope:
        """Check which instruments and days coverage is asked of, for the functions of `marketdata.services.coverage`."""
        return scope_resolve(request, market_clock(self.host_name))

    def read(self, query: Query, readiness: Readiness | None = None) -> BarsResult:
        """Return what is stored, and how complete it is; downloads nothing."""
        if readiness is None:
            readiness = self._scan(query, market_clock(self.host_name))[0]
        return BarsResult(
            frame=read_frame(query, market_clock(self.host_name)),
            readiness=readiness,
            source=self.source(query),
            evidence=evidence_days(query),
        )

    def source(self, query: Query) -> dict[str, str | bool]:
        """Where a query's bars come from.

        Returns
        -------
        dict
            host, basis, simulated, sdk_version of the host whose market clock counts; ``hosts``, those whose terminals
            the stored bars were downloaded from; ``stored_period``; ``adjust``; ``folded``, how the answer's bars were made
            (only when they are not the stored ones); ``open_day``, the date of a bar so far (only when one was asked for
            and a day is open).
        """
        told: dict[str, str | bool] = {"host": self.host_name}
        source = data_source(self.host_name)
        if source is not None:
            told |= {"basis": str(source.basis), "simulated": source.simulated, "sdk_version": source.sdk_version}
        ids = [instrument.pk for instrument in query.instruments]
        told["hosts"] = ",".join(download_hosts(ids, query.period))
        told["stored_period"] = query.period.code
        told["adjust"] = query.adjust.value
        if query.fold is not None:
            before = f", adjusted before: {query.adjust}" if query.adjust is not Adjust.NONE else ""
            told["folded"] = f"{query.code} from {query.period.code}{before}"
        if query.open_day and last_closed_date(clock := market_clock(self.host_name)) is None:
            told["open_day"] = clock.trade_date.isoformat()
        return told

    def head(self, query: Query, readiness: Readiness) -> dict[str, Any]:
        """What an answer says about its bars as a whole, in plain values."""
        return {
            "complete": readiness.complete,
            "period": query.code,
            "adjust": query.adjust.value,
            "source": self.source(query),
            "evidence": evidence_days(query),
            "missing_days": readiness.missing_days,
            "failures": readiness.failures,
        }

    def pieces(self, query: Query, head: dict[str, Any], *, form: str, time_format: str = "ms") -> Iterator[bytes]:
        """What is stored, written as JSON, CSV, Arrow or Parquet piece by piece; see `answer_pieces`."""
        return answer_pieces(query, market_clock(self.host_name), head, form=form, time_format=time_format)

    # ---------------------------------------------------------------------------- internals
    def _ensure(self, query: Query, deadline: float, owner: int | None, *, retry_failed: bool) -> Readiness:
        for _turn in range(MAX_TURNS):
            readiness, wanted = self._scan(query, market_clock(self.host_name), retry_failed=retry_failed)
            # Only what failed before this call is tried again, not what fails in it.
            retry_failed = False
            if not wanted:
                return readiness
            job = repair_order(
                ranges=wanted,
                period=query.period,
                host=self.host_name,
                owner=owner,
                params=_params(query),
            )
            if not wait_for_job(job.pk, deadline):
                return replace(readiness, job_id=job.pk)
        return self._scan(query, market_clock(self.host_name))[0]

    def _scan(
        self, query: Query, clock: MarketClock, *, retry_failed: bool = False
    ) -> tuple[Readiness, dict[int, list[tuple[int, int]]]]:
        """How complete the query is, and the ranges worth downloading now."""
        gaps = find_gaps(query.instruments, query.period, query.start_date, query.end_date, clock=clock)
        if gaps.complete:
            return Readiness(complete=True), {}
        ranges = gaps.ranges()
        failed = {} if retry_failed else recently_failed(ranges, query.period)
        symbols = {instrument.pk: instrument.symbol for instrument in query.instruments}
        readiness = Readiness(
            complete=False,
            missing_days=gaps.days_missing,
            failures={symbols[key]: error for key, error in failed.items()},
        )
        return readiness, {key: pairs for key, pairs in ranges.items() if key not in failed}

    def _reaches(self, query: Query, request: DataRequest) -> list[int]:
        """Starts to try, latest first: a count without a start reaches back as far as it must."""
        if query.count == -1 or request.start is not None:
            return [query.first_ts]
        days = math.ceil(query.count / answer_per_day(query.period, query.fold)) + 1
        known = (
            TradingDay.objects.filter(market=CALENDAR_MARKET, date__lte=query.end_date)
            .order_by("-date")
            .values_list("date", flat=True)
        )
        reaches: list[int] = []
        for factor in (1, 2, 5, 20):
            earlier: date | None = known[days * factor - 1 : days * factor].first()
            if earlier is None:
                break
            reaches.append(date_ts(earlier))
        return [*reaches, query.first_ts]

    def _has_count(self, query: Query) -> bool:
        """Whether every instrument that is old enough has the bars it was asked for."""
        if query.count == -1:
            return True
        frame = read_frame(replace(query, columns=("symbol", "time"), adjust=Adjust.NONE, open_day=False))
        counts = Counter(frame["symbol"].tolist())
        return all(
            counts[instrument.symbol] >= query.count
            for instrument in query.instruments
            if instrument.list_date is None or instrument.list_date < query.start_date
        )


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
    days = {key: sum(_between(trading, low, high) for low, high in pairs) for key, pairs in ranges.items()}
    with transaction.atomic():
        job = repair_request(ranges=ranges, days=days, period=period, host=host, owner=owner, params=params)
        transaction.on_commit(partial(repair_wake, job.pk, host), robust=True)
    return job


def evidence_days(query: Query) -> dict[str, int]:
    """Instrument-days of a query that are proven holes, by reason."""
    ids = [instrument.pk for instrument in query.instruments]
    low, high = day_number(query.start_date), day_number(query.end_date)
    trading = calendar_days(low, high)
    counts: Counter[str] = Counter()
    for _key, first, last, reason in evidence_in_force(ids, query.period, query.start_date, query.end_date):
        counts[reason] += _between(trading, max(first, low), min(last, high))
    return dict(counts)


def _between(days: Int64Array, low: int, high: int) -> int:
    """How many of the ascending days lie in [low, high]."""
    return int(np.searchsorted(days, high, "right") - np.searchsorted(days, low, "left"))


def _params(query: Query) -> dict[str, object]:
    symbols = [instrument.symbol for instrument in query.instruments]
    return {
        "symbols": symbols[:20],
        "symbol_count": len(symbols),
        "period": query.period.code,
        "start": query.start_date.isoformat(),
        "end": query.end_date.isoformat(),
    }


def _wait(seconds: float | None) -> float:
    return get_marketdata_config().bars.wait_seconds if seconds is None else max(seconds, 0.0)


def wait_for_job(job_id: uuid.UUID, deadline: float) -> bool:
    """Whether the job ended before the deadline."""
    while True:
        status = Job.objects.filter(pk=job_id).values_list("status", flat=True).first()
        if status is None or status in Job.FINAL:
            return True
        if (left := deadline - time.monotonic()) <= 0:
            return False
        time.sleep(min(JOB_POLL_SECONDS, left))
