"""`MarketDataService`: ask for bars or ticks, get them complete.

Database first. What is missing becomes one repair job on the data worker of a QMT host; the answer waits a while for it
and says when it could not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from marketdata.quotes.periods import Period
from marketdata.selectors import data_host, instrument_rows
from marketdata.services.bars import BarService, BarsResult
from marketdata.services.coverage import CoverageRequest, Scope, scope_resolve
from marketdata.services.gaps import Gaps, find_gaps
from marketdata.services.readiness import Readiness
from marketdata.services.requests import DataRequest, Query, parse_period, resolve_dates
from marketdata.services.ticks import TickQuery, TickService
from ops.clocks import market_clock

AnyQuery = Query | TickQuery
"""A request that was found answerable, of bars or of ticks."""


class MarketDataService:
    """Bars and ticks for Python callers, REST and commands alike.

    Parameters
    ----------
    host_name
        The QMT host whose market clock decides what "today" is and whose worker downloads; the first enabled one
        when omitted.
    """

    def __init__(self, host_name: str | None = None) -> None:
        self.host_name = host_name or data_host()
        self._bars = BarService(self.host_name)
        self._ticks = TickService(self.host_name)

    def get(self, request: DataRequest, *, wait_seconds: float | None = None, owner: int | None = None) -> BarsResult:
        """Return bars (or ticks, period ``tick``), repairing what is missing first.

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
            See `request_resolve` and `resolve_ticks`; FACTORS_UNAVAILABLE when the source's history cannot be adjusted.
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
    ) -> tuple[AnyQuery, Readiness]:
        """Check a request and repair what it needs; the rows themselves are not read.

        Parameters
        ----------
        retry_failed
            Try at once again what failed just now: a person asks for it.
        """
        asked = self._ticks if request.period == Period.TICK.code else self._bars
        return asked.prepare(request, wait_seconds=wait_seconds, owner=owner, retry_failed=retry_failed)

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
        """Check a request for bars completely; nothing is changed."""
        return self._bars.resolve(request)

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

    def read(self, query: AnyQuery, readiness: Readiness | None = None) -> BarsResult:
        """Return what is stored, and how complete it is; downloads nothing."""
        if isinstance(query, TickQuery):
            return self._ticks.read(query, readiness)
        return self._bars.read(query, readiness)

    def head(self, query: AnyQuery, readiness: Readiness) -> dict[str, Any]:
        """What an answer says about itself as a whole, in plain values."""
        if isinstance(query, TickQuery):
            return self._ticks.head(query, readiness)
        return self._bars.head(query, readiness)

    def frames(self, query: Query) -> Iterator[pd.DataFrame]:
        """What is stored of bars, in order and in pieces of bounded size; ``time`` in epoch ms."""
        return self._bars.frames(query)

    def pieces(self, query: AnyQuery, head: dict[str, Any], *, form: str, time_format: str = "ms") -> Iterator[bytes]:
        """What is stored, written as JSON, CSV, Arrow or Parquet piece by piece; see `answer_pieces`."""
        if isinstance(query, TickQuery):
            return self._ticks.pieces(query, head, form=form, time_format=time_format)
        return self._bars.pieces(query, head, form=form, time_format=time_format)
