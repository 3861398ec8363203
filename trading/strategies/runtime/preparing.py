"""What a run needs before its first event: its instruments, the calendar, and the bars it looks back on."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd

from marketdata.models import Instrument
from marketdata.selectors import instruments_by_symbol, trading_days
from marketdata.services.axis import CALENDAR_MARKET, last_closed_date
from marketdata.services.exevents import ex_events
from marketdata.services.requests import DataRequest
from marketdata.services.service import MarketDataService
from ops.clocks import MarketClock
from ops.errors import DeskError
from qmt.calendar import datetime_of_ms, probable_trading_day
from trading.strategies.models import Run
from trading.strategies.runtime.feed import instants
from trading.strategies.runtime.history import History
from trading.strategies.runtime.moments import DAILY, bar_moment
from trading.strategies.runtime.session import Market
from trading.strategies.values import FIELDS

WARM_UP_SECONDS: Final = 15.0
"""How long a start waits for bars that have to be downloaded."""
_AHEAD = timedelta(days=30)

log = logging.getLogger(__name__)


def market_of(run: Run) -> Market:
    """The run's instruments and its calendar.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN: an instrument that was known when the run was made is not any more.
    """
    return Market(instruments=instruments_by_symbol(run.symbols), next_day=lru_cache(maxsize=64)(next_day))


def next_day(day: date) -> date:
    """The trade date after a day: the calendar's, or the rule for years nobody has published."""
    known = trading_days(CALENDAR_MARKET, day + timedelta(days=1), day + _AHEAD)
    if known:
        return known[0]
    following = day + timedelta(days=1)
    while not probable_trading_day(following):
        following += timedelta(days=1)
    return following


def history_of(run: Run, market: Market, warm_up: int, clock: MarketClock) -> tuple[History, int]:
    """The run's bars up to its place, and its place: the newest closed bar when it is new.

    Returns
    -------
    (History, int)
        The stamp after which bars are events. Without any bar, the market's present.
    """
    history = History(run.symbols, warm_up)
    symbols = {instrument.pk: instrument.symbol for instrument in market.instruments.values()}
    history.factors({symbols[pk]: events for pk, events in ex_events(symbols).items()})
    until = clock.market_time if run.bar_ts is None else min(datetime_of_ms(run.bar_ts), clock.market_time)
    ids = {instrument.pk: number for number, instrument in enumerate(_ordered(run, market))}
    frame = _read(run, max(1, warm_up), until)
    numbers = {instrument.symbol: instrument.pk for instrument in _ordered(run, market)}
    owners = np.array([numbers[symbol] for symbol in frame["symbol"]], dtype=np.int64)
    place = run.bar_ts
    for ts, values in instants(
        owners, np.asarray(frame["time"], dtype=np.int64), [frame[name] for name in FIELDS], ids
    ):
        if run.bar_ts is None and bar_moment(run.period, ts) > clock.market_time:
            break
        history.add(ts, values)
        place = ts if run.bar_ts is None else place
    return history, _now_ms(clock) if place is None else place


def ensure_days(run: Run, clock: MarketClock) -> None:
    """Have the daily bars since the run's place downloaded, if some are missing; never waits."""
    closed = last_closed_date(clock) or clock.trade_date - timedelta(days=1)
    if run.period != DAILY or run.bar_ts is None or closed <= bar_moment(DAILY, run.bar_ts).date():
        return
    start = bar_moment(DAILY, run.bar_ts).date() + timedelta(days=1)
    request = DataRequest(symbols=run.symbols, period=DAILY, start=start, end=closed)
    try:
        MarketDataService().ensure(request, wait_seconds=0)
    except DeskError as error:
        log.warning("the bars of run %s cannot be completed: %s", run.pk, error)


def _read(run: Run, count: int, until: datetime) -> pd.DataFrame:
    request = DataRequest(symbols=run.symbols, period=run.period, end=until, count=count)
    service = MarketDataService()
    query, readiness = service.prepare(request, wait_seconds=WARM_UP_SECONDS)
    if not readiness.complete:
        log.warning("run %s looks back on incomplete bars: %s days are missing", run.pk, readiness.missing_days)
    return service.read(query, readiness).frame


def _ordered(run: Run, market: Market) -> list[Instrument]:
    return [market.instruments[symbol] for symbol in run.symbols]


def _now_ms(clock: MarketClock) -> int:
    return int(clock.market_time.timestamp() * 1000)
