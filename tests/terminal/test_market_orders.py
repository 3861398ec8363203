"""Market kinds on a market that stands still: what trades, what becomes of the rest, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from qmt.codes import Board, Market
from qmt.gateway import PriceType, Side
from qmt.pricetypes import ROWS, needs_protection, price_type_row, price_types_of
from qmt.terminal.checks import Reject
from qmt.terminal.tape import Depth
from qmt.terminal.types import AccountConfig
from tests.terminal.desk import ALPHA, DAY, Desk, FlatMarket

Opener = Callable[..., Desk]
SH, SZ = "600001.SH", "300009.SZ"
RICH = AccountConfig(
    ALPHA,
    opening_cash=Decimal(100_000_000),
    opening_positions={SH: 1_000_000, "300009.SZ": 300_000, "688009.SH": 50_000},
)
BEST5_CANCEL, BEST5_LIMIT, PEER, OWN, IOC, SZ_BEST5_CANCEL, FOK = 42, 43, 44, 45, 46, 47, 48


def shown(flat: FlatMarket, desk: Desk, symbol: str = SH) -> Depth:
    tape = flat.tape(DAY)
    return tape.depth(tape.index[symbol], tape.slot_at(desk.clock.now_ms()))


def milli(price: Decimal) -> int:
    return int(price * 1000)


def test_numbers_of_every_price_type_are_the_sdks() -> None:
    from qmt.sdk import load_sdk

    constants = load_sdk("simulated").xtconstant
    assert {row.constant: row.number for row in ROWS} == {
        row.constant: getattr(constants, row.constant) for row in ROWS
    }


@pytest.mark.parametrize(
    ("market", "board", "kinds"),
    [
        (Market.SH, Board.MAIN, "LIMIT LATEST BEST5_CANCEL BEST5_LIMIT PEER_BEST OWN_BEST"),
        (Market.SZ, Board.CHINEXT, "LIMIT LATEST BEST5_CANCEL PEER_BEST OWN_BEST IOC FOK"),
        (Market.BJ, Board.BSE, "LIMIT LATEST BEST5_CANCEL BEST5_LIMIT PEER_BEST OWN_BEST"),
        (Market.SH, Board.CONVERTIBLE, "LIMIT LATEST"),
    ],
)
def test_price_types_of_a_board(market: Market, board: Board, kinds: str) -> None:
    assert price_types_of(market, board) == tuple(PriceType(kind) for kind in kinds.split())


def test_best_five_has_another_number_in_shenzhen() -> None:
    numbers = [row.number for market in Market if (row := price_type_row(PriceType.BEST5_CANCEL, market)) is not None]
    assert numbers == [42, 47, 42]


def test_protection_is_needed_on_star_and_bse_and_wherever_nothing_else_bounds_the_price() -> None:
    kind = PriceType.PEER_BEST
    assert [needs_protection(kind, board, has_limits=True) for board in (Board.MAIN, Board.STAR, Board.BSE)] == [
        False,
        True,
        True,
    ]
    assert needs_protection(kind, Board.MAIN, has_limits=False)
    assert not needs_protection(PriceType.LIMIT, Board.STAR, has_limits=False)


@pytest.mark.parametrize(
    ("symbol", "number", "most"), [(SH, BEST5_CANCEL, 1_000_000), ("300009.SZ", SZ_BEST5_CANCEL, 150_000)]
)
def test_best_five_cancel_takes_five_levels_and_cancels_the_rest(
    open_desk: Opener, flat: FlatMarket, symbol: str, number: int, most: int
) -> None:
    desk = open_desk(RICH)
    offered = sum(size for _, size in shown(flat, desk, symbol).asks)
    view = desk.view(desk.buy(most, "0", symbol, price_type=number).order_id)
    assert view.traded_quantity == min(offered, most)
    assert int(view.status) == (53 if offered < most else 56)


def test_best_five_cancel_gives_back_what_the_rest_had_frozen(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    desk.buy(1_000_000, "0", price_type=BEST5_CANCEL)
    assert desk.exchange.asset(ALPHA).frozen_cash == 0


def test_best_five_limit_leaves_the_rest_at_the_last_fills_price(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    asks = shown(flat, desk).asks
    view = desk.view(desk.buy(1_000_000, "0", price_type=BEST5_LIMIT).order_id)
    assert int(view.status) == 55
    assert view.traded_quantity == sum(size for _, size in asks)
    assert milli(view.price) == asks[-1][0]
    frozen = desk.exchange.asset(ALPHA).frozen_cash
    remaining = (1_000_000 - view.traded_quantity) * view.price
    assert remaining <= frozen <= remaining * Decimal("1.001")


def test_peer_best_becomes_a_limit_at_the_best_opposite_price(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    (price, size), *_ = shown(flat, desk).asks
    view = desk.view(desk.buy(1_000_000, "0", price_type=PEER).order_id)
    assert (milli(view.price), view.traded_quantity, int(view.status)) == (price, size, 55)


def test_own_best_joins_the_own_side_and_waits(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    view = desk.view(desk.buy(100, "0", price_type=OWN).order_id)
    assert (milli(view.price), view.traded_quantity, int(view.status)) == (shown(flat, desk).bids[0][0], 0, 50)


def test_own_best_sells_at_the_best_ask(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    view = desk.view(desk.order(Side.SELL, 100, "0", price_type=OWN).order_id)
    assert milli(view.price) == shown(flat, desk).asks[0][0]


def test_immediate_or_cancel_sells_what_is_wanted_and_cancels_the_rest(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    wanted = sum(size for _, size in shown(flat, desk, "300009.SZ").bids)
    view = desk.view(desk.order(Side.SELL, 150_000, "0", "300009.SZ", price_type=IOC).order_id)
    assert view.traded_quantity == min(wanted, 150_000)
    holding = desk.position("300009.SZ")
    assert holding is not None
    assert holding.frozen == 0


def test_fill_or_kill_trades_all_or_nothing(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    symbol = "300009.SZ"
    left = sum(size for _, size in shown(flat, desk, symbol).asks) - 2 * 150_000
    full = [desk.view(desk.buy(150_000, "0", symbol, price_type=FOK).order_id) for _ in range(2)]
    killed = desk.view(desk.buy(left + 100, "0", symbol, price_type=FOK).order_id)
    last = desk.view(desk.buy(left, "0", symbol, price_type=FOK).order_id)
    assert [int(view.status) for view in full] == [56, 56]
    assert (int(killed.status), killed.traded_quantity) == (54, 0)
    assert (int(last.status), last.traded_quantity) == (56, left)


def test_market_buy_freezes_at_limit_up(open_desk: Opener) -> None:
    desk = open_desk(AccountConfig(ALPHA, opening_cash=Decimal("1050.00")))
    refused = desk.buy(100, "0", price_type=BEST5_CANCEL)  # 100 at 11.00 and fees
    assert refused.error_id == Reject.CASH.error_id
    assert "1105.02" in refused.message


def test_star_market_buy_trades_no_worse_than_its_protection(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    asks = shown(flat, desk, "688009.SH").asks
    protection = Decimal(asks[1][0]) / 1000
    view = desk.view(desk.buy(50_000, str(protection), "688009.SH", price_type=BEST5_CANCEL).order_id)
    assert view.traded_quantity == min(50_000, sum(size for price, size in asks if price <= asks[1][0]))


def test_peer_best_beyond_its_protection_is_cancelled(open_desk: Opener, flat: FlatMarket) -> None:
    desk = open_desk(RICH)
    below = Decimal(shown(flat, desk, "688009.SH").asks[0][0] - 10) / 1000
    view = desk.view(desk.buy(200, str(below), "688009.SH", price_type=PEER).order_id)
    assert (int(view.status), view.traded_quantity) == (54, 0)


@pytest.mark.parametrize(
    ("symbol", "quantity", "number", "reject"),
    [
        (SH, 100, IOC, Reject.PRICE_TYPE),
        (SZ, 100, BEST5_CANCEL, Reject.PRICE_TYPE),
        ("113009.SH", 10, BEST5_CANCEL, Reject.PRICE_TYPE),
        ("688009.SH", 200, BEST5_CANCEL, Reject.PRICE),
        ("920009.BJ", 100, BEST5_LIMIT, Reject.PRICE),
        ("300009.SZ", 150_100, IOC, Reject.MAXIMUM),
    ],
)
def test_market_kind_that_is_not_taken_is_refused(
    open_desk: Opener, symbol: str, quantity: int, number: int, reject: Reject
) -> None:
    assert open_desk(RICH).buy(quantity, "0", symbol, price_type=number).error_id == reject.error_id


@pytest.mark.parametrize("time", ["09:20", "11:45", "14:58"])
def test_market_kind_outside_of_continuous_trading_is_refused(open_desk: Opener, time: str) -> None:
    desk = open_desk(RICH)
    desk.until(time) if time > "10:00" else desk.until(time, DAY.replace(day=DAY.day + 1))
    assert desk.buy(100, "0", price_type=BEST5_CANCEL).error_id == Reject.CONTINUOUS_ONLY.error_id


def test_convertible_trades_in_tens_on_its_fine_tick_and_is_sold_the_same_day(open_desk: Opener) -> None:
    desk = open_desk(RICH)
    assert desk.buy(15, "100.500", "113009.SH").error_id == Reject.LOT.error_id
    bought = desk.view(desk.buy(20, "101.001", "113009.SH").order_id)
    assert int(bought.status) == 56
    sold = desk.view(desk.sell(20, "99.001", "113009.SH").order_id)
    assert int(sold.status) == 56
