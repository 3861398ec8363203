"""A market that stands still, and a desk to trade on it in few words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qmt.calendar import TradingCalendar, to_ms
from qmt.codes import board_of, kind_of, parse_symbol
from qmt.gateway import Side
from qmt.pricetypes import FIX_PRICE
from qmt.rules import tick_milli
from qmt.terminal.clock import ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.generator import Profile
from qmt.terminal.market import Basis
from qmt.terminal.pathmarket import PathMarket
from qmt.terminal.types import (
    CancelResult,
    CorporateAction,
    Instrument,
    OrderEvent,
    OrderTicket,
    OrderView,
    PositionView,
    SubmitResult,
)

ALPHA = "8000000001"
BETA = "8000000002"
DAY = dt.date(2026, 11, 18)  # a Wednesday
START = dt.date(2026, 11, 2)
EX_DATE = dt.date(2026, 11, 19)

# All prices stand still: symbol → CNY
PRICES = {
    "600001.SH": "10.00",
    "000009.SZ": "20.00",
    "300009.SZ": "30.00",
    "688009.SH": "50.00",
    "920009.BJ": "8.00",
    "510009.SH": "2.000",
    "513009.SH": "1.500",
    "113009.SH": "100.000",
    "000999.SH": "3000.000",
}
_T_PLUS_0 = ("513009.SH", "113009.SH")
_LOTS = 4_801_000  # a thousand lots a slot, roughly


def at(time: str, day: dt.date = DAY) -> int:
    """Market time in ms."""
    return to_ms(day, dt.time.fromisoformat(time))


class FlatMarket(PathMarket):
    """Every instrument trades at one price all day; 600001.SH pays a dividend and a bonus on 19 November."""

    kind = "flat"
    identity = "flat"
    interpolated = False
    basis = Basis.RAW
    history_start = START

    def __init__(self, calendar: TradingCalendar) -> None:
        super().__init__([_profile(symbol) for symbol in PRICES], seed=1, calendar=calendar)

    def first_session(self, wall_date: dt.date) -> dt.date:
        """The day of the tests."""
        return DAY

    def sectors(self, day: dt.date | None = None) -> Mapping[str, Sequence[str]]:
        """None."""
        return {}


def _profile(symbol: str) -> Profile:
    parsed = parse_symbol(symbol)
    board = board_of(parsed)
    milli = int(Decimal(PRICES[symbol]) * 1000)
    instrument = Instrument(
        symbol=symbol,
        name="平盘",
        market=parsed.market,
        board=board,
        kind=kind_of(board),
        list_date=dt.date(2015, 1, 5),
        t_plus=0 if symbol in _T_PLUS_0 else 1,
        tick_milli=tick_milli(board, DAY),
        volume_unit=10 if symbol.startswith("113") else 100,
    )
    return Profile(
        instrument=instrument,
        start=START,
        start_close_milli=milli,
        base_milli=milli,
        volatility=0.0,
        typical_lots=_LOTS,
        actions=_dividend if symbol == "600001.SH" else None,
        is_halted=symbol == "000009.SZ",
    )


def _dividend(_calendar: TradingCalendar, year: int) -> list[CorporateAction]:
    if year != EX_DATE.year:
        return []
    return [CorporateAction("600001.SH", EX_DATE, cash=Decimal("0.35"), gift=Decimal("0.3"))]


@dataclass(slots=True)
class Desk:
    """An exchange with its clock."""

    exchange: Exchange
    clock: ManualClock

    def buy(
        self,
        quantity: int,
        price: str,
        symbol: str = "600001.SH",
        *,
        account: str = ALPHA,
        price_type: int = FIX_PRICE,
        remark: str = "",
    ) -> SubmitResult:
        return self.order(Side.BUY, quantity, price, symbol, account=account, price_type=price_type, remark=remark)

    def sell(self, quantity: int, price: str, symbol: str = "600001.SH") -> SubmitResult:
        return self.order(Side.SELL, quantity, price, symbol)

    def order(
        self,
        side: Side,
        quantity: int,
        price: str,
        symbol: str = "600001.SH",
        *,
        account: str = ALPHA,
        price_type: int = FIX_PRICE,
        remark: str = "",
    ) -> SubmitResult:
        ticket = OrderTicket(account, symbol, side, quantity, price_type, Decimal(price), remark=remark)
        return self.exchange.submit(ticket)

    def cancel(self, order_id: int, account: str = ALPHA) -> CancelResult:
        return self.exchange.cancel(account, order_id=order_id)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.exchange.step()

    def until(self, time: str, day: dt.date = DAY) -> None:
        self.clock.set(at(time, day))
        self.exchange.step()

    def status(self, order_id: int) -> int:
        return int(self.view(order_id).status)

    def view(self, order_id: int, account: str = ALPHA) -> OrderView:
        return next(view for view in self.exchange.orders(account) if view.order_id == order_id)

    def position(self, symbol: str = "600001.SH", account: str = ALPHA) -> PositionView | None:
        return next((view for view in self.exchange.positions(account) if view.symbol == symbol), None)

    def statuses(self, order_id: int) -> list[int]:
        """Statuses told since the last call, in order."""
        events = [event for event in self.exchange.drain_events() if isinstance(event, OrderEvent)]
        return [int(event.order.status) for event in events if event.order.order_id == order_id]
