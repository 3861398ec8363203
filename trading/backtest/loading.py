"""From the store to a tape: bars complete or refused, days, ex-dates, and what the instruments were then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from marketdata.choices import Basis
from marketdata.models import Instrument, InstrumentChange, TradingDay
from marketdata.quotes import reader
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.periods import Int64Array, Period, date_ts, day_number, day_numbers
from marketdata.selectors import data_source, instrument_get, instruments_by_symbol
from marketdata.services import MarketDataService
from marketdata.services.adjust import ExEvent
from marketdata.services.axis import CALENDAR_MARKET, bars_per_day, history_start, last_closed_date
from marketdata.services.exevents import ex_events
from marketdata.services.requests import DataRequest
from ops.clocks import market_clock
from ops.errors import Code, Invalid, Unavailable
from qmt.calendar import TradingCalendar
from qmt.codes import Board, Kind, Market
from qmt.terminal import types
from trading.backtest.tape import DayRows, Series, Tape
from trading.strategies.values import FIELDS, FloatArray

DAYS_BEFORE: Final = 20
"""Trading days read before the history that was asked for: the last close before it may be that old."""
MAX_CELLS: Final = 80_000_000
"""Most values on one tape (instants × instruments × fields): 640 MB."""
REPAIR_SECONDS: Final = 600.0
"""How long a run waits for bars to be downloaded."""
_POLL_SECONDS: Final = 0.5
_UNKNOWN_LISTING: Final = date(1990, 12, 19)
_CLOSED_DAY_MS: Final = 86_400_000 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bars a run is made of.

    Attributes
    ----------
    start, end
        First and last day on which the strategy is called.
    warm_up
        Bars of history it looks back at.
    benchmark
        Symbol of what it is compared with; blank for nothing.
    accept_gaps
        Run although bars are missing, and say so.
    """

    symbols: Sequence[str]
    period: str
    start: date
    end: date
    warm_up: int
    benchmark: str = ""
    accept_gaps: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tape, and what is known about it.

    Attributes
    ----------
    is_raw
        Prices are as they were quoted; else the source's history is front-adjusted.
    benchmark_days, benchmark_close
        Day numbers and closes of what the run is compared with, from the last close before the run on.
    missing_days
        Instrument-days of the run that are neither stored nor proven not to exist.
    """

    tape: Tape
    calendar: TradingCalendar
    is_raw: bool
    missing_days: int
    host: str
    simulated: bool
    benchmark_days: Int64Array
    benchmark_close: FloatArray


def load(wanted: Wanted, *, owner: int | None = None, wait_seconds: float = REPAIR_SECONDS) -> Loaded:
    """Read what a run needs; what is missing is downloaded first.

    Parameters
    ----------
    owner
        Whose repair jobs they are.

    Raises
    ------
    Invalid
        As `marketdata.services.requests.request_resolve`; RANGE_TOO_LARGE; RANGE_IN_FUTURE when the last day is not closed.
    Unavailable
        DATA_UNAVAILABLE: bars are missing although they were asked for, and nobody accepted that.
    """
    service = MarketDataService()
    clock = market_clock(service.host_name)
    closed = last_closed_date(clock) or clock.trade_date - timedelta(days=1)
    if wanted.end > closed:
        raise Invalid(Code.RANGE_IN_FUTURE, f"the last closed day is {closed}", field="end", last=closed.isoformat())
    instruments = list(instruments_by_symbol(wanted.symbols).values())
    benchmark = instrument_get(wanted.benchmark) if wanted.benchmark else None
    period = Period.parse(wanted.period)
    first = history_start(wanted.start - timedelta(days=1), -(-wanted.warm_up // bars_per_day(period)) or 1)
    _refuse_too_much(len(instruments), period, first, wanted.end)
    days_from = history_start(first, DAYS_BEFORE)
    missing = _complete(service, wanted, period, first, owner, wait_seconds)
    _complete_days(service, [*wanted.symbols, *([wanted.benchmark] if benchmark else [])], days_from, wanted.end, owner)
    source = data_source(service.host_name)
    is_raw = source is None or source.basis != Basis.FRONT_ADJUSTED
    ids = [instrument.pk for instrument in instruments]
    end_ts = date_ts(wanted.end) + _CLOSED_DAY_MS
    bars = reader.read_bars(ids, period, date_ts(first), end_ts, columns=FIELDS)
    days = reader.read_bars(ids, Period.DAY_1, date_ts(days_from), end_ts, columns=("close", "pre_close", "volume"))
    events = ex_events(ids, until=clock.trade_date) if is_raw else {}
    st_days = _st_days(instruments)
    series = [
        _series(one, _of(bars, one.pk), _of(days, one.pk), tuple(events.get(one.pk, ())), st_days[one.pk])
        for one in instruments
    ]
    benchmark_days, benchmark_close = _closes(benchmark, history_start(wanted.start - timedelta(days=1), 1), wanted.end)
    return Loaded(
        tape=Tape(wanted.period, series, date_ts(wanted.start)),
        calendar=_calendar(),
        is_raw=is_raw,
        missing_days=missing,
        host=service.host_name,
        simulated=clock.simulated,
        benchmark_days=benchmark_days,
        benchmark_close=benchmark_close,
    )


def _refuse_too_much(instruments: int, period: Period, first: date, last: date) -> None:
    days = TradingDay.objects.filter(market=CALENDAR_MARKET, date__range=(first, last)).count()
    cells = days * bars_per_day(period) * instruments * len(FIELDS)
    if cells > MAX_CELLS:
        raise Invalid(
            Code.RANGE_TOO_LARGE,
            f"the run would hold {cells // len(FIELDS)} bars, at most {MAX_CELLS // len(FIELDS)}",
            field="start",
            limit=MAX_CELLS // len(FIELDS),
        )


def _complete(
    service: MarketDataService, wanted: Wanted, period: Period, first: date, owner: int | None, wait_seconds: float
) -> int:
    """Have the run's bars downloaded; returns how many instrument-days are missing all the same."""
    until = time.monotonic() + wait_seconds
    request = DataRequest(list(wanted.symbols), period.code, first, wanted.end)
    readiness = service.ensure(request, wait_seconds=0, owner=owner)
    while readiness.job_id is not None and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
        readiness = service.ensure(request, wait_seconds=0, owner=owner)
    if not readiness.complete and not wanted.accept_gaps:
        raise Unavailable(
            Code.DATA_UNAVAILABLE,
            f"{readiness.missing_days} instrument-days are missing and could not be downloaded",
            field="symbols",
            status=422,
            missing_days=readiness.missing_days,
            symbols=list(readiness.failures)[:20],
        )
    return readiness.missing_days


def _complete_days(
    service: MarketDataService, symbols: Sequence[str], first: date, last: date, owner: int | None
) -> None:
    """Have days downloaded for limits and for the comparison. What stays missing is carried from the day before."""
    service.ensure(DataRequest(list(dict.fromkeys(symbols)), Period.DAY_1.code, first, last), owner=owner)


def _of(columns: QuoteColumns, instrument_id: int) -> QuoteColumns:
    """One instrument's rows; they stand together."""
    low, high = np.searchsorted(columns.instrument_id, [instrument_id, instrument_id + 1]).tolist()
    return columns.take(slice(low, high))


def _floats(columns: QuoteColumns, name: str) -> FloatArray:
    """A column with NaN for what is absent."""
    values: FloatArray = np.where(columns.null_mask(name), np.nan, columns.values[name].astype(np.float64))
    return values


def _series(
    row: Instrument,
    bars: QuoteColumns,
    days: QuoteColumns,
    events: tuple[ExEvent, ...],
    st_days: tuple[tuple[int, bool], ...],
) -> Series:
    values = np.column_stack([_floats(bars, name) for name in FIELDS])
    rows = DayRows(
        days=day_numbers(days.ts),
        close=_floats(days, "close"),
        reference=_floats(days, "pre_close"),
        volume=np.asarray(days.values["volume"], np.int64),
    )
    return Series(_instrument(row), bars.ts, values, rows, events, st_days)


def _instrument(row: Instrument) -> types.Instrument:
    return types.Instrument(
        symbol=row.symbol,
        name=row.name,
        market=Market(row.market),
        board=Board(row.board),
        kind=Kind(row.kind),
        list_date=row.list_date or _UNKNOWN_LISTING,
        delist_date=row.delist_date,
        t_plus=row.t_plus,
        volume_unit=row.volume_unit,
    )


def _st_days(instruments: Sequence[Instrument]) -> dict[int, tuple[tuple[int, bool], ...]]:
    """Stretches with and without special treatment. Before the first change that anybody saw: as it was then."""
    found: dict[int, tuple[tuple[int, bool], ...]] = {one.pk: ((0, one.is_st),) for one in instruments}
    changes = InstrumentChange.objects.filter(instrument__in=instruments, field="is_st").order_by("instrument", "date")
    seen: set[int] = set()
    for change in changes:
        if change.instrument_id not in seen:
            seen.add(change.instrument_id)
            found[change.instrument_id] = ((0, change.before == str(True)),)
        found[change.instrument_id] += ((day_number(change.date), change.after == str(True)),)
    return found


def _closes(instrument: Instrument | None, first: date, last: date) -> tuple[Int64Array, FloatArray]:
    if instrument is None:
        return np.empty(0, np.int64), np.empty(0)
    rows = reader.read_bars(
        [instrument.pk], Period.DAY_1, date_ts(first), date_ts(last) + _CLOSED_DAY_MS, columns=("close",)
    )
    return day_numbers(rows.ts), np.asarray(rows.values["close"], np.float64)


def _calendar() -> TradingCalendar:
    days = list(TradingDay.objects.filter(market=CALENDAR_MARKET).values_list("date", flat=True))
    return TradingCalendar(days, max(days))
