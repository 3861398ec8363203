"""A host whose market clock stands after a close, instruments with stored bars, and a strategy in the catalogue."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from accounts.choices import SessionState
from accounts.models import HostStatus, QmtHost, User
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.choices import Basis, Board, Kind
from marketdata.models import DataSource, Instrument, TradingDay
from marketdata.quotes import store
from marketdata.quotes.columns import QuoteColumns, schema_of
from marketdata.quotes.periods import Period, date_ts
from ops.clocks import SHANGHAI, wall_now
from qmt.calendar import Phase
from tests.backtest.tapes import A, B, weekdays
from trading.strategies.loading import describe, find_file, load
from trading.strategies.models import Plugin
from trading.strategies.services.catalogue import catalogue_refresh

DAYS = weekdays(40)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "strategies"


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.MARKETDATA = MarketDataConfig().changed(repair={"settle_seconds": 0.0, "backoff_seconds": (0.0,)})


@pytest.fixture(autouse=True)
def _no_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent to a broker."""
    monkeypatch.setattr("marketdata.services.readiness.repair_wake", lambda *_: None)


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Jobs a core worker was woken for."""
    woken: list[object] = []
    monkeypatch.setattr("trading.backtest.services.start.wake", woken.append)
    return woken


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="x")


@pytest.fixture
def market(db: None) -> QmtHost:
    """Two shares with 40 trading days of bars, a wave each; the last day is closed."""
    host = QmtHost.objects.create(name="sim")
    DataSource.objects.create(host="sim", basis=Basis.RAW, sdk_version="1")
    TradingDay.objects.bulk_create(
        TradingDay(market=market, date=day) for market in ("SH", "SZ") for day in weekdays(60)
    )
    moment = dt.datetime.combine(DAYS[-1], dt.time(16), SHANGHAI)
    now = wall_now()
    HostStatus.objects.create(
        host=host,
        trade_date=DAYS[-1],
        phase=Phase.CLOSED,
        clock_offset_ms=int((moment - now) / dt.timedelta(milliseconds=1)),
        simulated=True,
        session_state=SessionState.READY,
        updated_at=now,
    )
    for symbol, shift in ((A, 0), (B, 5)):
        share(symbol, 10 + 2 * np.sin((np.arange(len(DAYS)) + shift) / 4))
    return host


def share(symbol: str, closes: np.ndarray) -> Instrument:
    """A share of the main board with stored daily bars that close there."""
    row = Instrument.objects.create(
        symbol=symbol,
        name=symbol,
        market=symbol[-2:],
        board=Board.MAIN,
        kind=Kind.STOCK,
        lot_size=100,
        min_quantity=100,
        quantity_step=100,
        tick="0.01",
        volume_unit=100,
        list_date=DAYS[0],
        max_limit_quantity=1_000_000,
        max_market_quantity=1_000_000,
        updated_at=wall_now(),
    )
    closes = np.round(closes, 2)
    before = np.concatenate([closes[:1], closes[:-1]])
    columns = QuoteColumns.build(
        schema_of(Period.DAY_1),
        instrument_id=row.pk,
        ts=np.array([date_ts(day) for day in DAYS]),
        columns={
            "open": before,
            "high": np.maximum(before, closes) + 0.05,
            "low": np.minimum(before, closes) - 0.05,
            "close": closes,
            "volume": np.full(len(DAYS), 1_000_000),
            "amount": closes * 1_000_000,
            "pre_close": before,
        },
    )
    store.segments_merge(period=Period.DAY_1, rows=columns)
    return row


@pytest.fixture
def plugin(db: None) -> Plugin:
    """The crossover among the examples."""
    (row,) = catalogue_refresh([find_file(EXAMPLES / "ma_crossover.py")], lambda found: describe(load(found)))
    return row
