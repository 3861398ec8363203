"""Markets, clocks and accounts the terminal's tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qmt.calendar import TradingCalendar, load_sse_calendar
from qmt.terminal.clock import ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.market import Market
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig
from tests.terminal.desk import ALPHA, Desk, FlatMarket, at


@pytest.fixture(scope="session")
def calendar() -> TradingCalendar:
    return load_sse_calendar()


@pytest.fixture(scope="session")
def seeded(calendar: TradingCalendar) -> SeededMarket:
    return SeededMarket(seed=7, calendar=calendar)


@pytest.fixture(scope="session")
def flat(calendar: TradingCalendar) -> FlatMarket:
    return FlatMarket(calendar)


@pytest.fixture
def open_desk(tmp_path: Path, flat: FlatMarket) -> Callable[..., Desk]:
    """Open an exchange on the flat market; a second call with the same file continues it."""

    def opened(
        *accounts: AccountConfig,
        time: str = "10:00:00",
        market: Market = flat,
        clock: ManualClock | None = None,
        file: str = "exchange.sqlite3",
    ) -> Desk:
        clock = clock or ManualClock(at(time))
        store = StateStore(tmp_path / file, identity=market.identity)
        exchange = Exchange(market=market, clock=clock, store=store, accounts=accounts or (AccountConfig(ALPHA),))
        return Desk(exchange, clock)

    return opened
