"""Money and shares: exact values, T+1, the nightly clearing, conservation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qmt.calendar import load_sse_calendar
from qmt.gateway import Side
from qmt.terminal.checks import Reject
from qmt.terminal.clock import ManualClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.market import state_file_name
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.state import StateError, StateStore
from qmt.terminal.types import AccountConfig, DayEvent, OrderTicket
from tests.terminal.desk import ALPHA, BETA, EX_DATE, PRICES, Desk, FlatMarket, at

Opener = Callable[..., Desk]
HOLDER = AccountConfig(ALPHA, opening_positions={"600001.SH": 1_000})
_FLAT = FlatMarket(load_sse_calendar())


def test_asset_after_a_buy_is_exact_to_the_cent(open_desk: Opener) -> None:
    desk = open_desk()
    desk.buy(1_000, "10.01")
    [trade] = desk.exchange.trades(ALPHA)
    amount = trade.price * 1_000
    assert trade.amount == amount
    assert (trade.commission, trade.transfer_fee, trade.stamp_duty) == (
        Decimal("5.00"),
        Decimal("0.10"),
        Decimal("0.00"),
    )
    asset = desk.exchange.asset(ALPHA)
    assert asset.cash == Decimal(1_000_000) - amount - Decimal("5.10")
    assert asset.frozen_cash == 0
    assert asset.market_value == Decimal("10000.00")
    assert asset.total_asset == asset.cash + asset.market_value


def test_freeze_of_a_resting_buy_is_amount_and_fees(open_desk: Opener) -> None:
    desk = open_desk()
    desk.buy(10_000, "9.90")
    # 99,000.00 and 24.75 commission and 0.99 transfer fee
    assert desk.exchange.asset(ALPHA).frozen_cash == Decimal("99025.74")


def test_sell_proceeds_are_buying_power_at_once_but_not_withdrawable(open_desk: Opener) -> None:
    desk = open_desk(AccountConfig(ALPHA, opening_cash=Decimal(0), opening_positions={"600001.SH": 1_000}))
    desk.sell(1_000, "9.99")
    [trade] = desk.exchange.trades(ALPHA)
    asset = desk.exchange.asset(ALPHA)
    assert trade.fees == Decimal("5.00") + Decimal("0.10") + Decimal("5.00")
    assert asset.cash == trade.amount - trade.fees
    assert asset.withdrawable == 0
    assert desk.buy(900, "10.00").accepted


def test_position_bought_today_cannot_be_sold_today(open_desk: Opener) -> None:
    desk = open_desk()
    desk.buy(1_000, "10.01")
    position = desk.position()
    assert position is not None
    assert (position.quantity, position.sellable, position.on_road, position.yesterday) == (1_000, 0, 1_000, 0)
    assert desk.sell(1_000, "10.00").error_id == Reject.SHARES.error_id


def test_position_bought_yesterday_can_be_sold(open_desk: Opener) -> None:
    desk = open_desk()
    desk.buy(200, "50.01", "688009.SH")
    desk.until("09:35", EX_DATE)
    position = desk.position("688009.SH")
    assert position is not None
    assert (position.sellable, position.on_road, position.yesterday) == (200, 0, 200)
    assert desk.sell(200, "49.90", "688009.SH").accepted


def test_position_in_a_t0_instrument_can_be_sold_at_once(open_desk: Opener) -> None:
    desk = open_desk()
    desk.buy(1_000, "1.510", "513009.SH")
    desk.buy(10, "100.100", "113009.SH")
    for symbol, quantity in (("513009.SH", 1_000), ("113009.SH", 10)):
        position = desk.position(symbol)
        assert position is not None
        assert (position.quantity, position.sellable) == (quantity, quantity)
    assert desk.sell(1_000, "1.490", "513009.SH").accepted


def test_position_in_an_open_sell_is_frozen(open_desk: Opener) -> None:
    desk = open_desk(HOLDER)
    desk.sell(600, "10.50")
    position = desk.position()
    assert position is not None
    assert (position.quantity, position.sellable, position.frozen) == (1_000, 400, 600)
    assert desk.sell(500, "10.50").error_id == Reject.SHARES.error_id


def test_position_sold_out_stays_visible_until_the_next_day(open_desk: Opener) -> None:
    desk = open_desk(HOLDER)
    desk.sell(1_000, "9.99")
    position = desk.position()
    assert position is not None
    assert (position.quantity, position.yesterday, position.avg_price) == (0, 1_000, Decimal(0))
    desk.until("09:35", EX_DATE)
    assert desk.position() is None


def test_average_prices_of_a_position_count_fees_apart(open_desk: Opener) -> None:
    desk = open_desk(HOLDER)
    desk.buy(1_000, "10.01")
    [trade] = desk.exchange.trades(ALPHA)
    position = desk.position()
    assert position is not None
    assert position.open_price == (Decimal(10_000) + trade.amount) / 2_000
    assert position.avg_price == ((Decimal(10_000) + trade.amount + trade.fees) / 2_000).quantize(Decimal("0.0001"))


def test_day_change_ends_open_orders_and_frees_what_they_held(open_desk: Opener) -> None:
    desk = open_desk(HOLDER)
    desk.buy(100, "9.50")
    desk.sell(500, "10.50")
    desk.until("16:00")
    assert [int(view.status) for view in desk.exchange.orders(ALPHA)] == [50, 50]
    desk.until("08:30", dt.date(2026, 11, 19))
    asset, position = desk.exchange.asset(ALPHA), desk.position()
    assert position is not None
    assert (asset.frozen_cash, position.frozen) == (Decimal(0), 0)
    assert desk.exchange.orders(ALPHA) == []
    assert desk.exchange.trades(ALPHA) == []
    assert desk.exchange.trade_date == dt.date(2026, 11, 19)


def test_day_change_books_the_dividend_and_the_new_shares(open_desk: Opener) -> None:
    desk = open_desk(AccountConfig(ALPHA, opening_cash=Decimal(1_000), opening_positions={"600001.SH": 1_055}))
    desk.until("08:30", EX_DATE)
    position = desk.position()
    assert position is not None
    assert desk.exchange.asset(ALPHA).cash == Decimal(1_000) + Decimal("369.25")  # 1,055 × 0.35
    assert (position.quantity, position.sellable) == (1_371, 1_371)  # 316.5 new shares, whole ones only
    assert position.last_price == Decimal("7.42")  # (10.00 − 0.35) / 1.3


def test_day_change_over_a_weekend_happens_once_per_trading_day(open_desk: Opener) -> None:
    desk = open_desk()
    desk.exchange.drain_events()
    desk.until("10:00", dt.date(2026, 11, 24))
    days = [event.trade_date.day for event in desk.exchange.drain_events() if isinstance(event, DayEvent)]
    assert days == [19, 20, 23, 24]


def test_reopening_the_state_continues_orders_money_and_numbers(open_desk: Opener) -> None:
    desk = open_desk(HOLDER)
    resting = desk.buy(100, "9.50").order_id
    desk.buy(1_000, "10.01")
    before = (
        desk.exchange.asset(ALPHA),
        desk.exchange.positions(ALPHA),
        desk.exchange.orders(ALPHA),
        desk.exchange.trades(ALPHA),
    )
    again = open_desk(HOLDER, clock=desk.clock)  # the first was never closed, as after kill -9
    assert (
        again.exchange.asset(ALPHA),
        again.exchange.positions(ALPHA),
        again.exchange.orders(ALPHA),
        again.exchange.trades(ALPHA),
    ) == before
    assert again.buy(100, "9.50").order_id == resting + 2
    again.cancel(resting)
    again.wait(1)
    assert again.status(resting) == 54


def test_account_opened_before_keeps_its_money_when_the_configuration_changes(open_desk: Opener) -> None:
    open_desk(AccountConfig(ALPHA, opening_cash=Decimal(500)))
    again = open_desk(AccountConfig(ALPHA, opening_cash=Decimal(9_999)), AccountConfig(BETA, opening_cash=Decimal(7)))
    assert again.exchange.asset(ALPHA).cash == 500
    assert again.exchange.asset(BETA).cash == 7


class BooksMachine(RuleBasedStateMachine):
    """Random trading, with conservation checked after every step."""

    SYMBOLS = ("600001.SH", "688009.SH", "510009.SH", "113009.SH", "513009.SH")

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock(at("09:31"))
        accounts = [
            AccountConfig(
                ALPHA, opening_cash=Decimal(60_000), opening_positions={"600001.SH": 1_050, "688009.SH": 330}
            ),
            AccountConfig(BETA, opening_cash=Decimal(20)),
        ]
        store = StateStore(":memory:", identity="flat")
        self.exchange = Exchange(market=_FLAT, clock=self.clock, store=store, accounts=accounts)
        self.cash = {ALPHA: Decimal(60_000), BETA: Decimal(20)}
        self.shares = {(ALPHA, "600001.SH"): 1_050, (ALPHA, "688009.SH"): 330}
        self.seen: set[str] = set()

    @rule(
        account=st.sampled_from([ALPHA, BETA]),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(list(Side)),
        quantity=st.sampled_from([1, 10, 50, 100, 200, 230, 300, 330, 1_000, 1_050]),
        ticks=st.integers(-12, 12),
    )
    def order(self, account: str, symbol: str, side: Side, quantity: int, ticks: int) -> None:
        step = Decimal("0.001") if symbol[0] in "51" else Decimal("0.01")
        price = Decimal(PRICES[symbol]) + ticks * step
        self.exchange.submit(OrderTicket(account, symbol, side, quantity, 11, price))

    @rule(account=st.sampled_from([ALPHA, BETA]), which=st.integers(0, 5))
    def cancel(self, account: str, which: int) -> None:
        orders = self.exchange.orders(account, cancelable_only=True)
        if orders:
            self.exchange.cancel(account, order_id=orders[which % len(orders)].order_id)

    @rule(seconds=st.sampled_from([0.2, 3, 61, 3_000]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        before = self.exchange.trade_date
        self._book()
        self.exchange.step()
        self._book()
        if self.exchange.trade_date != before:
            self._reset()

    def _book(self) -> None:
        for account in (ALPHA, BETA):
            for trade in self.exchange.trades(account):
                if trade.traded_id in self.seen:
                    continue
                self.seen.add(trade.traded_id)
                sign = 1 if trade.side is Side.BUY else -1
                self.cash[account] -= sign * trade.amount + trade.fees
                key = (account, trade.symbol)
                self.shares[key] = self.shares.get(key, 0) + sign * trade.quantity

    def _reset(self) -> None:
        """Another trade date: dividends and unseen last fills make a new start of the sums."""
        for account in (ALPHA, BETA):
            asset = self.exchange.asset(account)
            self.cash[account] = asset.cash + asset.frozen_cash
            for symbol in self.SYMBOLS:
                held = [one for one in self.exchange.positions(account) if one.symbol == symbol]
                self.shares[(account, symbol)] = held[0].quantity if held else 0

    @invariant()
    def sums_hold(self) -> None:
        if not hasattr(self, "exchange"):
            return
        self._book()
        for account in (ALPHA, BETA):
            asset = self.exchange.asset(account)
            assert asset.cash >= 0
            assert asset.frozen_cash >= 0
            assert asset.cash + asset.frozen_cash == self.cash[account]
            for position in self.exchange.positions(account):
                assert position.quantity == self.shares.get((account, position.symbol), 0)
                assert position.quantity == position.sellable + position.frozen + position.on_road
                assert min(position.sellable, position.frozen, position.on_road) >= 0
            self._orders_hold(account)

    def _orders_hold(self, account: str) -> None:
        fills: dict[int, int] = {}
        orders = {order.order_id: order for order in self.exchange.orders(account)}
        for trade in self.exchange.trades(account):
            order = orders[trade.order_id]
            fills[trade.order_id] = fills.get(trade.order_id, 0) + trade.quantity
            better = trade.price <= order.price if trade.side is Side.BUY else trade.price >= order.price
            assert better
        for order in orders.values():
            assert order.traded_quantity == fills.get(order.order_id, 0) <= order.quantity
            assert (int(order.status) == 56) == (order.traded_quantity == order.quantity)


BooksMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBooksUnderRandomTrading = BooksMachine.TestCase


@settings(max_examples=20, deadline=None)
@given(cash=st.integers(0, 300_000), quantity=st.integers(1, 3))
def test_cash_of_a_poor_account_never_goes_below_zero(cash: int, quantity: int) -> None:
    exchange = Exchange(
        market=_FLAT,
        clock=(clock := ManualClock(at("10:00"))),
        store=StateStore(":memory:", identity="flat"),
        accounts=[AccountConfig(ALPHA, opening_cash=Decimal(cash) / 100, opening_positions={"600001.SH": 7})],
    )
    exchange.submit(OrderTicket(ALPHA, "600001.SH", Side.SELL, 7, 11, Decimal("9.99")))
    exchange.submit(OrderTicket(ALPHA, "600001.SH", Side.BUY, quantity * 100, 11, Decimal("10.00")))
    clock.advance(600)
    exchange.step()
    assert exchange.asset(ALPHA).cash >= 0


def test_state_of_another_market_is_refused(tmp_path: Path) -> None:
    StateStore(tmp_path / "x.sqlite3", identity="one").close()
    with pytest.raises(StateError, match=r"belongs to another identity \(one, now two\)"):
        StateStore(tmp_path / "x.sqlite3", identity="two")


def test_state_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"not a database at all, certainly not" * 100)
    with pytest.raises(StateError, match="cannot be read: file is not a database"):
        StateStore(path, identity="one")


def test_state_file_of_another_market_has_another_name(seeded: SeededMarket) -> None:
    assert state_file_name(seeded) == "exchange.sqlite3"
    assert state_file_name(_FLAT).startswith("exchange-")
