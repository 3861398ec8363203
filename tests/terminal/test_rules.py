"""Dated trading rules, checked value by value."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmt.codes import Board, Market
from qmt.gateway import Side
from qmt.rules import (
    QuantityFault,
    cage_bound,
    closing_auction_since,
    lot_rule,
    price_limits,
    quantity_fault,
    tick_milli,
)

NOW = dt.date(2026, 11, 18)


def limits(reference: int, board: Board, day: dt.date = NOW, **more: object) -> tuple[int, int] | None:
    found = price_limits(reference, board=board, day=day, tick_milli=tick_milli(board, day), **more)  # type: ignore[arg-type]
    return (found.up_milli, found.down_milli) if found else None


@pytest.mark.parametrize(
    ("board", "reference", "expected"),
    [
        (Board.MAIN, 10_000, (11_000, 9_000)),
        (Board.MAIN, 11_050, (12_160, 9_950)),  # 12.155 and 9.945 both go up
        (Board.MAIN, 5_550, (6_110, 5_000)),  # 6.105 → 6.11, binary rounding says 6.10
        (Board.CHINEXT, 10_030, (12_040, 8_020)),
        (Board.STAR, 99_990, (119_990, 79_990)),
        (Board.BSE, 8_010, (10_410, 5_610)),
        (Board.ETF, 3_055, (3_361, 2_750)),
        (Board.CONVERTIBLE, 118_023, (141_628, 94_418)),
        (Board.INDEX, 3_000_000, None),
    ],
)
def test_price_limits_of_a_board_are_rounded_half_up_to_its_tick(
    board: Board, reference: int, expected: tuple[int, int] | None
) -> None:
    assert limits(reference, board) == expected


@given(st.integers(1, 300_000))
def test_price_limits_equal_decimal_half_up_for_every_cent(cents: int) -> None:
    step = Decimal("0.01")
    reference = Decimal(cents) * step
    up = max((reference * Decimal("1.1")).quantize(step, ROUND_HALF_UP), reference + step)
    down = max(min((reference * Decimal("0.9")).quantize(step, ROUND_HALF_UP), reference - step), step)
    assert limits(cents * 10, Board.MAIN) == (int(up * 1000), int(down * 1000))


@pytest.mark.parametrize(
    ("day", "expected"),
    [(dt.date(2026, 7, 3), (10_500, 9_500)), (dt.date(2026, 7, 6), (11_000, 9_000))],
)
def test_price_limits_of_st_shares_widen_on_2026_07_06(day: dt.date, expected: tuple[int, int]) -> None:
    assert limits(10_000, Board.MAIN, day, is_st=True) == expected


def test_price_limits_of_chinext_before_the_reform_are_ten_percent() -> None:
    assert limits(10_000, Board.CHINEXT, dt.date(2020, 8, 21)) == (11_000, 9_000)
    assert limits(10_000, Board.CHINEXT, dt.date(2020, 8, 24)) == (12_000, 8_000)


@pytest.mark.parametrize(
    ("board", "listed", "number", "expected"),
    [
        (Board.MAIN, dt.date(2023, 4, 10), 1, None),
        (Board.MAIN, dt.date(2023, 4, 10), 5, None),
        (Board.MAIN, dt.date(2023, 4, 10), 6, (11_000, 9_000)),
        (Board.MAIN, dt.date(2023, 4, 7), 1, (14_400, 6_400)),
        (Board.MAIN, dt.date(2023, 4, 7), 2, (11_000, 9_000)),
        (Board.BSE, dt.date(2024, 1, 5), 1, None),
        (Board.BSE, dt.date(2024, 1, 5), 2, (13_000, 7_000)),
        (Board.STAR, dt.date(2019, 7, 22), 5, None),
        (Board.CONVERTIBLE, dt.date(2022, 8, 1), 1, (15_730, 5_670)),
    ],
)
def test_price_limits_of_first_days_follow_the_listing_date(
    board: Board, listed: dt.date, number: int, expected: tuple[int, int] | None
) -> None:
    assert limits(10_000, board, list_date=listed, listing_day=number) == expected


def test_price_limits_of_growth_funds_are_twenty_percent() -> None:
    assert limits(1_000, Board.ETF, is_wide_fund=True) == (1_200, 800)


def test_price_limits_nearer_than_a_tick_become_one_tick() -> None:
    assert limits(40, Board.MAIN) == (50, 30)
    assert limits(10, Board.MAIN) == (20, 10)


@pytest.mark.parametrize(
    ("board", "side", "quantity", "sellable", "expected"),
    [
        (Board.MAIN, Side.BUY, 100, 0, None),
        (Board.MAIN, Side.BUY, 50, 0, QuantityFault.BELOW_MINIMUM),
        (Board.MAIN, Side.BUY, 150, 0, QuantityFault.NOT_A_MULTIPLE),
        (Board.MAIN, Side.BUY, 0, 0, QuantityFault.NOT_POSITIVE),
        (Board.MAIN, Side.BUY, -100, 0, QuantityFault.NOT_POSITIVE),
        (Board.MAIN, Side.BUY, 1_000_000, 0, None),
        (Board.MAIN, Side.BUY, 1_000_100, 0, QuantityFault.ABOVE_MAXIMUM),
        (Board.MAIN, Side.SELL, 150, 250, None),
        (Board.MAIN, Side.SELL, 50, 250, None),
        (Board.MAIN, Side.SELL, 30, 250, QuantityFault.ODD_LOT_SPLIT),
        (Board.MAIN, Side.SELL, 130, 250, QuantityFault.ODD_LOT_SPLIT),
        (Board.CHINEXT, Side.BUY, 300_100, 0, QuantityFault.ABOVE_MAXIMUM),
        (Board.STAR, Side.BUY, 199, 0, QuantityFault.BELOW_MINIMUM),
        (Board.STAR, Side.BUY, 201, 0, None),
        (Board.STAR, Side.SELL, 150, 150, None),
        (Board.STAR, Side.SELL, 150, 300, QuantityFault.ODD_LOT_SPLIT),
        (Board.BSE, Side.BUY, 101, 0, None),
        (Board.CONVERTIBLE, Side.BUY, 10, 0, None),
        (Board.CONVERTIBLE, Side.BUY, 15, 0, QuantityFault.NOT_A_MULTIPLE),
        (Board.INDEX, Side.BUY, 100, 0, QuantityFault.NOT_TRADABLE),
    ],
)
def test_quantity_fault_of_an_order_follows_its_board(
    board: Board, side: Side, quantity: int, sellable: int, expected: QuantityFault | None
) -> None:
    assert quantity_fault(board=board, side=side, quantity=quantity, day=NOW, sellable=sellable) is expected


def test_lot_rule_of_chinext_before_the_reform_allows_a_million() -> None:
    rule = lot_rule(Board.CHINEXT, dt.date(2020, 8, 21))
    assert rule is not None
    assert rule.limit_most == 1_000_000


@pytest.mark.parametrize(
    ("board", "side", "base", "expected"),
    [
        (Board.MAIN, Side.BUY, 20_000, 20_400),
        (Board.MAIN, Side.BUY, 3_000, 3_100),  # ten ticks are more than 2%
        (Board.MAIN, Side.SELL, 20_000, 19_600),
        (Board.MAIN, Side.SELL, 3_000, 2_900),
        (Board.STAR, Side.BUY, 3_000, 3_060),  # no floor of ticks
        (Board.BSE, Side.BUY, 8_000, 8_400),
        (Board.BSE, Side.SELL, 1_000, 900),
        (Board.ETF, Side.BUY, 2_000, None),
    ],
)
def test_cage_bound_of_a_board_is_the_wider_of_percent_and_ticks(
    board: Board, side: Side, base: int, expected: int | None
) -> None:
    assert cage_bound(base, board=board, side=side, day=NOW, tick_milli=tick_milli(board, NOW)) == expected


def test_cage_bound_before_registration_is_absent_on_the_main_board() -> None:
    assert cage_bound(20_000, board=Board.MAIN, side=Side.BUY, day=dt.date(2023, 4, 7), tick_milli=10) is None


def test_tick_of_convertibles_became_finer_in_2022() -> None:
    assert tick_milli(Board.CONVERTIBLE, dt.date(2022, 7, 29)) == 10
    assert tick_milli(Board.CONVERTIBLE, dt.date(2022, 8, 1)) == 1


def test_closing_auction_of_shanghai_funds_began_on_2026_07_06() -> None:
    assert closing_auction_since(Market.SH, Board.ETF) == dt.date(2026, 7, 6)
    assert closing_auction_since(Market.SH, Board.CONVERTIBLE) is None
