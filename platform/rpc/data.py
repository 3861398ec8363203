"""DataService: read a request, call one function, answer a message."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd

from accounts.actors import actor_for_token
from accounts.choices import Scope
from desk.live.reads import quote_view
from marketdata import reference_selectors as reference
from marketdata.api.jobserializers import JobSerializer
from marketdata.api.reference_serializers import MemberSerializer, SectorSerializer
from marketdata.api.serializers import CalendarSerializer, InstrumentSerializer
from marketdata.choices import Kind, Market
from marketdata.quotes.periods import Period
from marketdata.selectors import (
    calendar_view,
    data_host,
    instrument_find,
    instrument_search,
    instruments_by_symbol,
    job_get,
    jobs_visible_to,
    latest_quotes,
)
from marketdata.services import DataRequest, MarketDataService, Readiness
from marketdata.services.coverage import STATES, CoverageRequest, coverage_page
from marketdata.services.jobcontrol import sync_job_cancel, sync_job_pause, sync_job_resume, sync_job_retry
from marketdata.services.requests import Query
from ops.clocks import market_clock
from ops.errors import Code, Invalid
from ops.models import Job
from rpc.calls import Call
from rpc.encoding import quote_of
from rpc.messages import message_of, messages_of, plain
from rpc.methods import Methods
from rpc.paging import page_of, page_size
from rpc.requests import bounded, choice_of, date_of, given, text_of, uuid_of
from rpc.v1 import common_pb2 as common
from rpc.v1 import data_pb2 as pb

SERVICE: Final = Methods(pb.DESCRIPTOR.services_by_name["DataService"])

#: Well below the 4 MiB that clients take as one message by default.
BARS_PER_MESSAGE = 5_000
ARROW_BYTES = 1 << 20
MAX_COUNT = 10_000_000
MAX_WAIT_SECONDS = 60.0
#: What is left of a call's deadline for the answer itself.
ANSWER_SECONDS = 0.5
MAX_INSTRUMENTS = 10_000
MAX_SYNC_SYMBOLS = 6_000

_COLUMNS: Final = ("open", "high", "low", "close", "volume", "amount", "pre_close", "suspended", "partial")
_WHOLE: Final = frozenset({"volume"})


# --------------------------------------------------------------------------------- bars
@SERVICE.streaming(scope=Scope.MARKET_READ)
def get_bars(call: Call, request: pb.GetBarsRequest) -> Iterator[pb.BarsPart]:
    """See data.proto."""
    service = MarketDataService()
    query, readiness = service.prepare(_series(request), wait_seconds=_wait(call, request), owner=call.user.pk)
    if not isinstance(query, Query):
        raise Invalid(Code.PERIOD_NOT_AVAILABLE, "ticks are answered by GetTicks", field="period")
    head = service.head(query, readiness)
    told = _head(call, head, readiness)
    yield pb.BarsPart(head=told)
    if told.HasField("job"):
        return
    for frame in service.frames(query):
        for columns in bar_columns(frame):
            yield pb.BarsPart(bars=columns)


@SERVICE.streaming(scope=Scope.MARKET_READ)
def get_ticks(call: Call, request: pb.GetTicksRequest) -> Iterator[pb.TicksPart]:
    """See data.proto."""
    service = MarketDataService()
    wanted = DataRequest(
        symbols=_symbols(request.symbols),
        period=Period.TICK.code,
        start=given(request, "start"),
        end=given(request, "end"),
        count=_count(request),
        adjust="none",
        fields=list(request.fields) or None,
        fill="none",
        open_day=False,
    )
    query, readiness = service.prepare(wanted, wait_seconds=_wait(call, request), owner=call.user.pk)
    head = service.head(query, readiness)
    told = _head(call, head, readiness)
    yield pb.TicksPart(head=told)
    if told.HasField("job"):
        return
    for piece in service.pieces(query, head, form="arrow"):
        for start in range(0, len(piece), ARROW_BYTES):
            yield pb.TicksPart(arrow=bytes(piece[start : start + ARROW_BYTES]))


def _head(call: Call, head: dict[str, Any], readiness: Readiness) -> pb.BarsHead:
    """What is known about an answer; with the repair that is still under way, if one is."""
    told = pb.BarsHead(
        complete=head["complete"],
        period=head["period"],
        adjust=head["adjust"],
        evidence=head["evidence"],
        missing_days=head["missing_days"],
        failures=head["failures"],
    )
    told.source.update(plain(head["source"]))
    if readiness.job_id is not None:
        told.job.CopyFrom(_job(call, readiness.job_id))
    return told


def _series(request: pb.GetBarsRequest) -> DataRequest:
    symbols = _symbols(request.symbols)
    if request.period == Period.TICK.code:
        raise Invalid(Code.PERIOD_NOT_AVAILABLE, "ticks are answered by GetTicks", field="period")
    return DataRequest(
        symbols=symbols,
        period=request.period or "1d",
        start=given(request, "start"),
        end=given(request, "end"),
        count=_count(request),
        adjust=request.adjust or "none",
        fields=list(request.fields) or None,
        fill=request.fill or "none",
        open_day=request.open_day,
    )


def _count(request: pb.GetBarsRequest | pb.GetTicksRequest) -> int:
    count: int | None = given(request, "count")
    if count is not None and not 1 <= count <= MAX_COUNT:
        raise Invalid(Code.FIELD_INVALID, f"count must be a whole number from 1 to {MAX_COUNT}", field="count")
    return -1 if count is None else count


def _symbols(given_symbols: Any) -> list[str]:
    symbols = [symbol.strip() for symbol in given_symbols if symbol.strip()]
    if not symbols:
        raise Invalid(Code.FIELD_REQUIRED, "name at least one symbol", field="symbols")
    return symbols


def _wait(call: Call, request: pb.GetBarsRequest | pb.GetTicksRequest) -> float | None:
    """How long to wait for a repair, never beyond the call's deadline; None for the configured time."""
    wait: float | None = given(request, "wait_seconds")
    if wait is not None and not 0 <= wait <= MAX_WAIT_SECONDS:  # NaN compares false
        raise Invalid(
            Code.FIELD_INVALID,
            f"wait_seconds must be a number of seconds from 0 to {MAX_WAIT_SECONDS:g}",
            field="wait_seconds",
        )
    left = call.seconds_left
    if wait is None or left is None:
        return wait
    return min(wait, max(0.0, left - ANSWER_SECONDS))


def bar_columns(frame: pd.DataFrame) -> Iterator[pb.BarColumns]:
    """A frame of bars, rows of one symbol after the other, as messages of one symbol each."""
    symbols = frame["symbol"].to_numpy()
    if not len(symbols):
        return
    turns = np.flatnonzero(symbols[1:] != symbols[:-1]) + 1
    edges = [0, *turns.tolist(), len(symbols)]
    columns = [name for name in _COLUMNS if name in frame]
    for first, last in pairwise(edges):
        for start in range(first, last, BARS_PER_MESSAGE):
            part = frame.iloc[start : min(start + BARS_PER_MESSAGE, last)]
            message = pb.BarColumns(symbol=str(symbols[first]), time_ms=part["time"].to_numpy(np.int64).tolist())
            for name in columns:
                getattr(message, name).extend(_values(name, part[name]))
            yield message


def _values(name: str, values: pd.Series[Any]) -> list[Any]:
    if name in _WHOLE:
        return list(values.fillna(0).astype(np.int64).tolist())
    if name in ("suspended", "partial"):
        return list(values.astype(bool).tolist())
    return list(values.to_numpy(np.float64, na_value=np.nan).tolist())


# ------------------------------------------------------------------ quotes, instruments
@SERVICE.method(scope=Scope.MARKET_READ)
def get_quotes(call: Call, request: pb.GetQuotesRequest) -> pb.GetQuotesResponse:
    """See data.proto."""
    instruments = instruments_by_symbol(_symbols(request.symbols))
    stored = latest_quotes(row.pk for row in instruments.values())
    found = ((symbol, stored.get(row.pk)) for symbol, row in instruments.items())
    quotes = [quote_of(symbol, quote_view(row)) for symbol, row in found if row is not None]
    return pb.GetQuotesResponse(quotes=quotes)


@SERVICE.method(scope=Scope.MARKET_READ)
def search_instruments(call: Call, request: pb.SearchInstrumentsRequest) -> pb.SearchInstrumentsResponse:
    """See data.proto."""
    limit = bounded(request.limit, field="limit", default=50, high=MAX_INSTRUMENTS)
    found = instrument_search(
        call.user,
        text=text_of(request.text, field="text"),
        kind=choice_of(request.kind, ("", *Kind.values), field="kind"),
    )
    rows = (InstrumentSerializer(row).data for row in found[:limit])
    return pb.SearchInstrumentsResponse(instruments=messages_of(pb.Instrument, rows))


@SERVICE.method(scope=Scope.MARKET_READ)
def get_instrument(call: Call, request: pb.GetInstrumentRequest) -> pb.Instrument:
    """See data.proto."""
    return message_of(pb.Instrument, InstrumentSerializer(instrument_find(request.symbol)).data)


@SERVICE.method(scope=Scope.MARKET_READ)
def get_calendar(call: Call, request: pb.GetCalendarRequest) -> pb.Calendar:
    """See data.proto."""
    view = calendar_view(
        market=choice_of(request.market, (Market.SH, Market.SZ, Market.BJ), field="market"),
        start=date_of(request.start, field="start", code=Code.RANGE_INVALID),
        end=date_of(request.end, field="end", code=Code.RANGE_INVALID),
    )
    return message_of(pb.Calendar, CalendarSerializer(view).data)


# ------------------------------------------------------------------------------ sectors
@SERVICE.method(scope=Scope.MARKET_READ)
def list_sectors(call: Call, request: pb.ListSectorsRequest) -> pb.ListSectorsResponse:
    """See data.proto."""
    rows = reference.sectors(date_of(request.on, field="on", code=Code.RANGE_INVALID))
    page, token = page_of(rows, request.page, order="name")
    sectors = (SectorSerializer(row).data for row in page)
    return pb.ListSectorsResponse(sectors=messages_of(pb.Sector, sectors), next_page_token=token)


@SERVICE.method(scope=Scope.MARKET_READ)
def list_sector_members(call: Call, request: pb.ListSectorMembersRequest) -> pb.ListSectorMembersResponse:
    """See data.proto."""
    on = date_of(request.on, field="on", code=Code.RANGE_INVALID) or market_clock(data_host()).trade_date
    rows = reference.memberships(text_of(request.sector, field="sector"), on)
    page, token = page_of(rows, request.page, order="instrument_id")
    members = (MemberSerializer(row).data for row in page)
    return pb.ListSectorMembersResponse(members=messages_of(pb.SectorMember, members), next_page_token=token)


# ----------------------------------------------------------------------------- coverage
@SERVICE.method(scope=Scope.MARKET_READ)
def list_coverage(call: Call, request: pb.ListCoverageRequest) -> pb.ListCoverageResponse:
    """See data.proto."""
    scope = MarketDataService().coverage_scope(
        CoverageRequest(
            period=request.period or "1d",
            symbols=list(request.symbols) or None,
            text=text_of(request.text, field="text"),
            kind=choice_of(request.kind, ("", *Kind.values), field="kind"),
            market=choice_of(request.market, ("", *Market.values), field="market"),
            state=choice_of(request.state, STATES, field="state"),
            start=given(request, "start"),
            end=given(request, "end"),
        )
    )
    after = text_of(request.page.page_token, field="page.page_token")
    page, token = coverage_page(scope, limit=page_size(request.page), after=after)
    rows = (
        {str(name): None if pd.isna(value) else value for name, value in row.items()} for row in page.to_dict("records")
    )
    return pb.ListCoverageResponse(
        coverage=messages_of(pb.Coverage, rows), next_page_token=token or "", instruments=len(scope.rows)
    )


# --------------------------------------------------------------------------------- jobs
@SERVICE.method(scope=Scope.MARKET_READ)
def start_sync(call: Call, request: pb.StartSyncRequest) -> pb.StartSyncResponse:
    """See data.proto."""
    symbols = _symbols(request.symbols)
    if len(symbols) > MAX_SYNC_SYMBOLS:
        raise Invalid(Code.FIELD_INVALID, f"name at most {MAX_SYNC_SYMBOLS} symbols", field="symbols")
    readiness = MarketDataService().ensure(
        DataRequest(symbols, request.period or "1d", given(request, "start"), given(request, "end")),
        wait_seconds=0,
        owner=call.user.pk,
        retry_failed=True,
    )
    job = None if readiness.job_id is None else _job(call, readiness.job_id)
    return pb.StartSyncResponse(complete=readiness.complete, missing_days=readiness.missing_days, job=job)


@SERVICE.method(scope=Scope.MARKET_READ)
def get_job(call: Call, request: pb.JobRequest) -> common.Job:
    """See data.proto."""
    return _job_message(_named(call, request))


@SERVICE.method(scope=Scope.MARKET_READ)
def list_jobs(call: Call, request: pb.ListJobsRequest) -> pb.ListJobsResponse:
    """See data.proto."""
    page, token = page_of(jobs_visible_to(call.user), request.page, order="-created_at")
    return pb.ListJobsResponse(jobs=[_job_message(job) for job in page], next_page_token=token)


@SERVICE.method(scope=Scope.MARKET_READ)
def pause_job(call: Call, request: pb.JobRequest) -> common.Job:
    """See data.proto."""
    job = _named(call, request)
    sync_job_pause(actor=actor_for_token(call.token), job=job)
    return _job(call, job.pk)


@SERVICE.method(scope=Scope.MARKET_READ)
def resume_job(call: Call, request: pb.JobRequest) -> common.Job:
    """See data.proto."""
    job = _named(call, request)
    sync_job_resume(actor=actor_for_token(call.token), job=job)
    return _job(call, job.pk)


@SERVICE.method(scope=Scope.MARKET_READ)
def cancel_job(call: Call, request: pb.JobRequest) -> common.Job:
    """See data.proto."""
    job = _named(call, request)
    sync_job_cancel(actor=actor_for_token(call.token), job=job)
    return _job(call, job.pk)


@SERVICE.method(scope=Scope.MARKET_READ)
def retry_job(call: Call, request: pb.JobRequest) -> common.Job:
    """See data.proto."""
    again = sync_job_retry(actor=actor_for_token(call.token), owner=call.user.pk, job=_named(call, request))
    return _job(call, again.pk)


def _named(call: Call, request: pb.JobRequest) -> Job:
    return job_get(call.user, uuid_of(request.job, field="job", unknown=Code.JOB_NOT_FOUND))


def _job(call: Call, job_id: UUID) -> common.Job:
    return _job_message(job_get(call.user, job_id))


def _job_message(job: Job) -> common.Job:
    return message_of(common.Job, JobSerializer(job).data)
