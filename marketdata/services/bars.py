"""Bars, complete: what is missing becomes one repair job on the data worker of a QMT host."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from marketdata.choices import Basis
from marketdata.models import TradingDay
from marketdata.quotes.periods import date_ts
from marketdata.selectors import data_source
from marketdata.services.answers import answer_frames, answer_pieces
from marketdata.services.axis import CALENDAR_MARKET, last_closed_date
from marketdata.services.folding import answer_per_day
from marketdata.services.gaps import find_gaps
from marketdata.services.queue import recently_failed
from marketdata.services.readiness import (
    Readiness,
    deadline_after,
    evidence_days,
    repair_order,
    source_told,
    wait_for_job,
)
from marketdata.services.reading import read_frame
from marketdata.services.requests import Adjust, DataRequest, Query, request_resolve
from ops.clocks import MarketClock, market_clock
from ops.errors import Code, Unavailable

# A repair can uncover more to repair (an item that was widened, a count that reaches further back).
MAX_TURNS = 4


@dataclass(frozen=True, slots=True)
class BarsResult:
    """Bars or ticks, and what is known about their completeness.

    Attributes
    ----------
    frame
        Columns symbol, time (epoch ms; midnight of a day, right edge of a minute), open, high, low, close, volume
        (shares), amount (CNY), pre_close, suspended, or those of them that were asked for; of ticks those of
        `TICK_COLUMNS`. In the order of the symbols asked, then of time.
    source
        Where they come from, see `BarService.source` and `TickService.source`.
    evidence
        Instrument-days that the source lacks, by proven reason.
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


class BarService:
    """Bars of one host's market; asked through `MarketDataService`."""

    def __init__(self, host_name: str) -> None:
        self.host_name = host_name

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
        deadline = deadline_after(wait_seconds)
        for reach in self._reaches(query, request):
            narrowed = query.since(reach)
            readiness = self._ensure(narrowed, deadline, owner, retry_failed=retry_failed)
            if not readiness.complete or self._has_count(narrowed):
                break
        return narrowed, readiness

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

    def read(self, query: Query, readiness: Readiness | None = None) -> BarsResult:
        """Return what is stored, and how complete it is; downloads nothing."""
        if readiness is None:
            readiness = self._scan(query, market_clock(self.host_name))[0]
        return BarsResult(
            frame=read_frame(query, market_clock(self.host_name)),
            readiness=readiness,
            source=self.source(query),
            evidence=self._evidence(query),
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
        told = source_told(self.host_name, query.instrument_ids, query.period)
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
            "evidence": self._evidence(query),
            "missing_days": readiness.missing_days,
            "failures": readiness.failures,
        }

    def frames(self, query: Query) -> Iterator[pd.DataFrame]:
        """What is stored, piece by piece; see `answer_frames`."""
        return answer_frames(query, market_clock(self.host_name))

    def pieces(self, query: Query, head: dict[str, Any], *, form: str, time_format: str = "ms") -> Iterator[bytes]:
        """What is stored, written as JSON, CSV, Arrow or Parquet piece by piece; see `answer_pieces`."""
        return answer_pieces(query, market_clock(self.host_name), head, form=form, time_format=time_format)

    # ---------------------------------------------------------------------------- internals
    def _evidence(self, query: Query) -> dict[str, int]:
        return evidence_days(query.instrument_ids, query.period, query.start_date, query.end_date)

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


def _params(query: Query) -> dict[str, object]:
    symbols = [instrument.symbol for instrument in query.instruments]
    return {
        "symbols": symbols[:20],
        "symbol_count": len(symbols),
        "period": query.period.code,
        "start": query.start_date.isoformat(),
        "end": query.end_date.isoformat(),
    }
