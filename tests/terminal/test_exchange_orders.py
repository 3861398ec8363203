"""Orders on a market that stands still: acceptance, refusals, fills, cancels."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from qmt.gateway import Side
from qmt.pricetypes import LATEST_PRICE
from qmt.terminal.checks import Reject
from qmt.terminal.types import AccountConfig, AssetEvent, OrderEvent, OrderTicket, PositionEvent, TradeEvent
from tests.terminal.desk import ALPHA, BETA, Desk, at

Opener = Callable[..., Desk]
RICH = AccountConfig(
    ALPHA, opening_cash=Decimal(100_000_000), opening_positions={"600001.SH": 10_050, "000009.SZ": 1_000}
)


def test_submit_of_a_marketable_order_fills_at_displayed_prices(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    result = desk.buy(300, "10.20")
    assert result.order_id == 1_000_001
    view = desk.view(result.order_id)
    assert (int(view.status), view.traded_quantity, view.order_sysid) == (56, 300, "SIM1000001")
    assert Decimal("10.00") <= view.traded_price <= Decimal("10.01")
    assert view.order_time == at("10:00") // 1000


def test_submit_of_a_marketable_order_tells_events_in_order(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    desk.exchange.drain_events()
    desk.buy(300, "10.20")
    kinds = [type(event) for event in desk.exchange.drain_events()]
    assert kinds == [OrderEvent, OrderEvent, OrderEvent, TradeEvent, PositionEvent, AssetEvent]


def test_submit_of_a_large_order_takes_levels_and_rests_with_the_remainder(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    shown = desk.exchange.submit(OrderTicket(ALPHA, "600001.SH", Side.BUY, 1_000_000, 11, Decimal("10.01")))
    view = desk.view(shown.order_id)
    assert int(view.status) == 55
    assert 0 < view.traded_quantity < 1_000_000
    first = view.traded_quantity
    desk.wait(3)
    assert desk.view(shown.order_id).traded_quantity > first


def test_submit_of_a_second_order_in_one_snapshot_does_not_take_the_same_shares(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    first = desk.view(desk.buy(1_000_000, "10.00").order_id)
    second = desk.view(desk.buy(1_000_000, "10.00").order_id)
    assert second.traded_quantity == 0 or first.traded_quantity == 0


def test_submit_of_a_passive_order_rests_and_reports(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    order_id = desk.buy(100, "9.90").order_id
    assert desk.statuses(order_id) == [48, 50]
    desk.wait(60)
    assert desk.status(order_id) == 50


def test_submit_at_the_latest_price_uses_the_last_price(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    view = desk.view(desk.buy(100, "0", price_type=LATEST_PRICE).order_id)
    assert view.price == Decimal("10.00")
    assert view.price_type == 5


@pytest.mark.parametrize(
    ("symbol", "side", "quantity", "price", "price_type", "reject"),
    [
        ("600999.SH", Side.BUY, 100, "10.00", 11, Reject.SYMBOL),
        ("000999.SH", Side.BUY, 100, "3000", 11, Reject.NOT_TRADABLE),
        ("600001.SH", Side.BUY, 100, "10.00", 46, Reject.PRICE_TYPE),
        ("600001.SH", Side.BUY, 100, "0", 11, Reject.PRICE),
        ("600001.SH", Side.BUY, 100, "-1", 11, Reject.PRICE),
        ("600001.SH", Side.BUY, 100, "NaN", 11, Reject.PRICE),
        ("600001.SH", Side.BUY, 100, "Infinity", 11, Reject.PRICE),
        ("600001.SH", Side.BUY, 100, "10.005", 11, Reject.TICK),
        ("600001.SH", Side.BUY, 100, "10.00001", 11, Reject.TICK),
        ("600001.SH", Side.BUY, 0, "10.00", 11, Reject.QUANTITY),
        ("600001.SH", Side.BUY, 150, "10.00", 11, Reject.LOT),
        ("600001.SH", Side.BUY, 1_000_100, "10.00", 11, Reject.MAXIMUM),
        ("300009.SZ", Side.BUY, 300_100, "30.00", 11, Reject.MAXIMUM),
        ("688009.SH", Side.BUY, 100, "50.00", 11, Reject.LOT),
        ("600001.SH", Side.SELL, 30, "10.00", 11, Reject.ODD_LOT),
        ("600001.SH", Side.SELL, 10_100, "10.00", 11, Reject.SHARES),
        ("510009.SH", Side.SELL, 100, "2.000", 11, Reject.SHARES),
    ],
)
def test_submit_of_a_bad_order_is_refused_and_nothing_changes(
    open_desk: Opener, symbol: str, side: Side, quantity: int, price: str, price_type: int, reject: Reject
) -> None:
    desk = open_desk(RICH)
    desk.exchange.drain_events()
    asset, positions = desk.exchange.asset(ALPHA), desk.exchange.positions(ALPHA)
    result = desk.order(side, quantity, price, symbol, price_type=price_type)
    assert (result.accepted, result.order_id, result.error_id) == (False, -1, reject.error_id)
    assert reject.value[1] in result.message
    assert desk.exchange.drain_events() == []
    assert (desk.exchange.asset(ALPHA), desk.exchange.positions(ALPHA), desk.exchange.orders(ALPHA)) == (
        asset,
        positions,
        [],
    )


def test_submit_for_an_unknown_account_is_refused(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    assert desk.buy(100, "10.00", account="42").error_id == Reject.ACCOUNT.error_id


def test_submit_beyond_the_cash_is_refused_with_both_sums(open_desk: Opener) -> None:
    desk = open_desk(AccountConfig(ALPHA, opening_cash=Decimal("1005.00")))
    result = desk.buy(100, "10.00")
    assert result.message == "[COUNTER] [260200] [可用资金不足 需要1005.01 可用1005.00]"
    assert desk.buy(100, "9.99").accepted


@pytest.mark.parametrize(
    ("symbol", "side", "price", "reject"),
    [
        ("600001.SH", Side.BUY, "11.01", Reject.LIMIT),
        ("600001.SH", Side.BUY, "8.99", Reject.LIMIT),
        ("600001.SH", Side.BUY, "10.22", Reject.CAGE),
        ("600001.SH", Side.SELL, "9.78", Reject.CAGE),
        ("000009.SZ", Side.BUY, "20.00", Reject.SUSPENDED),
    ],
)
def test_submit_of_an_order_the_exchange_refuses_becomes_junk_and_frees_everything(
    open_desk: Opener, symbol: str, side: Side, price: str, reject: Reject
) -> None:
    desk = open_desk(RICH)
    asset, positions = desk.exchange.asset(ALPHA), desk.exchange.positions(ALPHA)
    result = desk.order(side, 1_000, price, symbol)
    assert result.accepted
    assert desk.statuses(result.order_id) == [48, 57]
    view = desk.view(result.order_id)
    assert view.status_msg.startswith(f"[EXCHANGE] [{reject.error_id}] [{reject.value[1]}")
    assert view.order_sysid == ""
    assert desk.exchange.asset(ALPHA) == asset
    assert [one for one in desk.exchange.positions(ALPHA) if one.quantity] == positions


def test_remark_of_an_order_comes_back_cut_to_24_bytes(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    assert desk.view(desk.buy(100, "9.90", remark="A" * 30).order_id).remark == "A" * 24
    assert desk.view(desk.buy(100, "9.90", remark="策略" * 10).order_id).remark == "策略" * 6


def test_order_ids_of_all_accounts_are_unique_and_grow(open_desk: Opener) -> None:
    desk = open_desk(RICH, AccountConfig(BETA))
    ids = [desk.buy(100, "9.90").order_id, desk.buy(100, "9.90", account=BETA).order_id, desk.buy(100, "9.90").order_id]
    assert ids == [1_000_001, 1_000_002, 1_000_003]
    assert len(desk.exchange.orders(BETA)) == 1


def test_cancel_of_a_resting_order_is_pending_then_done(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    cash = desk.exchange.asset(ALPHA).cash
    order_id = desk.buy(100, "9.90").order_id
    assert desk.exchange.asset(ALPHA).frozen_cash == Decimal("995.01")
    result = desk.cancel(order_id)
    assert (result.ok, result.order_sysid) == (True, f"SIM{order_id}")
    assert desk.status(order_id) == 51
    desk.wait(0.2)
    assert desk.statuses(order_id) == [48, 50, 51, 54]
    asset = desk.exchange.asset(ALPHA)
    assert (asset.cash, asset.frozen_cash) == (cash, Decimal("0.00"))


def test_cancel_of_a_partly_filled_order_keeps_its_fills(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    order_id = desk.buy(1_000_000, "10.01").order_id
    traded = desk.view(order_id).traded_quantity
    desk.cancel(order_id)
    assert desk.status(order_id) == 52
    desk.wait(0.2)
    view = desk.view(order_id)
    assert (int(view.status), view.traded_quantity) == (53, traded)
    assert desk.exchange.asset(ALPHA).frozen_cash == Decimal("0.00")


def test_cancel_by_exchange_number_needs_the_right_market(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    sysid = desk.view(desk.buy(100, "9.90").order_id).order_sysid
    assert not desk.exchange.cancel(ALPHA, order_sysid=sysid, market="SZ").ok
    assert desk.exchange.cancel(ALPHA, order_sysid=sysid, market="SH").ok


def test_cancel_of_what_cannot_be_cancelled_says_why(open_desk: Opener) -> None:
    desk = open_desk(RICH, AccountConfig(BETA))
    filled, resting = desk.buy(100, "10.20").order_id, desk.buy(100, "9.90").order_id
    assert desk.cancel(42).error_id == Reject.CANCEL_UNKNOWN.error_id
    assert desk.exchange.cancel(ALPHA).error_id == Reject.CANCEL_UNKNOWN.error_id
    assert desk.cancel(filled).error_id == Reject.CANCEL_FINAL.error_id
    assert desk.cancel(resting, account=BETA).error_id == Reject.CANCEL_UNKNOWN.error_id
    assert desk.status(resting) == 50


def test_queries_of_an_unknown_account_raise(open_desk: Opener) -> None:
    exchange = open_desk(RICH).exchange
    for query in (exchange.asset, exchange.orders, exchange.trades, exchange.positions):
        with pytest.raises(KeyError):
            query("42")


def test_orders_that_can_be_cancelled_are_listed_alone(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    desk.buy(100, "10.20")
    resting = desk.buy(100, "9.90").order_id
    assert [view.order_id for view in desk.exchange.orders(ALPHA, cancelable_only=True)] == [resting]


def test_accounts_of_the_terminal_are_the_configured_ones(open_desk: Opener) -> None:
    desk = open_desk(RICH, AccountConfig(BETA, account_type=3))
    assert [(one.account_id, one.account_type, one.status) for one in desk.exchange.accounts()] == [
        (ALPHA, 2, 0),
        (BETA, 3, 0),
    ]
