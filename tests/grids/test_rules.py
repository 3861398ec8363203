"""The grid's rule, its lots, its figures and its ranges: exact, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.errors import Code, Invalid
from trading.grids.choices import Direction, GridEnd
from trading.grids.course import Course, follow, turned
from trading.grids.figures import Totals, buy_quantity, end_of, sell_quantity
from trading.grids.lots import OpenLot, invested, match
from trading.grids.terms import TEMPLATES, terms_parse
from trading.orders.choices import Side

D = Decimal
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MODERATE = TEMPLATES["moderate"]


def course_after(*prices: str, course: Course | None = None) -> Course:
    current = course or Course(D(10))
    for price in prices:
        current = follow(current, MODERATE, D(price), NOW)
    return current


# ------------------------------------------------------------------------- the course
def test_course_within_the_band_waits() -> None:
    assert course_after("10.50", "9.50", "10") == Course(D(10))


def test_course_above_the_upper_level_keeps_the_peak() -> None:
    course = course_after("10.51", "10.80", "10.78")
    assert (course.direction, course.extreme) == (Direction.RISING, D("10.80"))


def test_course_below_the_lower_level_keeps_the_valley() -> None:
    course = course_after("9.49", "9.20", "9.21")
    assert (course.direction, course.extreme) == (Direction.FALLING, D("9.20"))


def test_course_back_within_the_band_still_waits_for_the_turn() -> None:
    assert course_after("10.51", "10.50").extreme == D("10.51")


def test_course_that_jumps_over_the_band_follows_the_other_side() -> None:
    course = course_after("10.80", "9.40")
    assert (course.direction, course.extreme) == (Direction.FALLING, D("9.40"))


@pytest.mark.parametrize(("price", "side"), [("10.747", None), ("10.746", Side.SELL), ("10.60", Side.SELL)])
def test_sell_comes_when_the_price_has_fallen_by_the_callback(price: str, side: Side | None) -> None:
    course = course_after("10.80", price)
    assert turned(course, MODERATE, D(price), NOW) is side


@pytest.mark.parametrize(("price", "side"), [("9.244", None), ("9.246", Side.BUY)])
def test_buy_comes_when_the_price_has_risen_by_the_callback(price: str, side: Side | None) -> None:
    course = course_after("9.20", price)
    assert turned(course, MODERATE, D(price), NOW) is side


def test_level_that_gave_a_signal_rests_for_a_minute() -> None:
    rested = course_after("10.80").signalled(Side.SELL, NOW)
    early = follow(rested, MODERATE, D("10.90"), NOW + timedelta(seconds=59))
    late = follow(rested, MODERATE, D("10.90"), NOW + timedelta(seconds=60))
    assert (early.extreme, late.extreme) == (None, D("10.90"))


def test_side_that_signalled_rests_for_five_minutes_and_keeps_its_peak() -> None:
    rested = replace(course_after("10.80").signalled(Side.SELL, NOW), upper_free_at=None)
    course = follow(rested, MODERATE, D("10.90"), NOW)
    assert turned(course, MODERATE, D("10.80"), NOW + timedelta(seconds=299)) is None
    assert turned(course, MODERATE, D("10.80"), NOW + timedelta(seconds=300)) is Side.SELL
    other = follow(rested, MODERATE, D("9.40"), NOW)
    assert turned(other, MODERATE, D("9.45"), NOW) is Side.BUY


def test_full_fill_moves_the_centre_and_wakes_both_levels() -> None:
    course = course_after("10.80").signalled(Side.SELL, NOW).centred(D("10.75"))
    assert (course.center, course.direction, course.upper_free_at) == (D("10.75"), Direction.NONE, None)
    assert course.sell_free_at == NOW + timedelta(seconds=300)


# -------------------------------------------------------------------------------- sizes
@pytest.mark.parametrize(
    ("position", "room", "expected"),
    [
        (2000, "100000", 500),  # floor100(2000 × 0.25)
        (700, "100000", 100),  # floor100(175)
        (100, "100000", 100),  # at least one lot
        (2000, "3500", 300),  # what the room buys
        (2000, "999.99", 0),  # not one lot
        (2000, "-5", 0),
    ],
)
def test_buy_quantity(position: int, room: str, expected: int) -> None:
    found = buy_quantity(position=position, ratio=D("0.25"), price=D(10), room=D(room), minimum=100)
    assert found == expected


@pytest.mark.parametrize(("free", "expected"), [(2000, 500), (700, 100), (100, 100), (99, 0), (0, 0), (-300, 0)])
def test_sell_quantity(free: int, expected: int) -> None:
    assert sell_quantity(free=free, ratio=D("0.25"), minimum=100) == expected


def test_quantities_keep_the_boards_smallest_order() -> None:
    assert buy_quantity(position=400, ratio=D("0.25"), price=D(10), room=D(100_000), minimum=200) == 200
    assert buy_quantity(position=400, ratio=D("0.25"), price=D(10), room=D(1500), minimum=200) == 0
    assert sell_quantity(free=150, ratio=D(1), minimum=200) == 0


# --------------------------------------------------------------------------------- lots
def test_lots_are_matched_last_in_first_out() -> None:
    lots = [OpenLot(1, Side.BUY, 300, D("9.50")), OpenLot(2, Side.BUY, 200, D("9.00"))]
    matching = match(lots, Side.SELL, 400, D("10.00"))
    assert (matching.taken, matching.left) == ({2: 200, 1: 200}, 0)
    assert matching.realised == D("1.00") * 200 + D("0.50") * 200


def test_lots_sold_from_the_holding_are_closed_by_a_purchase() -> None:
    matching = match([OpenLot(1, Side.SELL, 300, D("10.50"))], Side.BUY, 500, D("10.00"))
    assert (matching.taken, matching.left, matching.realised) == ({1: 300}, 200, D("150.00"))


def test_invested_counts_purchases_only() -> None:
    assert invested([OpenLot(1, Side.BUY, 300, D("9.50")), OpenLot(2, Side.SELL, 100, D(11))]) == D("2850.00")


FILLS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 20), st.integers(900, 1100)),
    max_size=40,
)


@given(FILLS, st.integers(900, 1100))
def test_lots_of_any_fills_explain_the_profit(fills: list[tuple[Side, int, int]], last: int) -> None:
    lots: list[OpenLot] = []
    realised, cash, shares = D(0), D(0), 0
    for key, (side, hundreds, cents) in enumerate(fills):
        quantity, price = hundreds * 100, D(cents) / 100
        matching = match(lots, side, quantity, price)
        lots = [replace(lot, quantity=lot.quantity - matching.taken.get(lot.key, 0)) for lot in lots]
        lots = [lot for lot in lots if lot.quantity]
        if matching.left:
            lots.append(OpenLot(key, side, matching.left, price))
        realised += matching.realised
        sign = 1 if side is Side.BUY else -1
        cash -= sign * quantity * price
        shares += sign * quantity
        # Only one side is ever open, and it is what was bought and not sold, or the other way round.
        assert len({lot.side for lot in lots}) <= 1
        assert sum(lot.quantity * (1 if lot.side is Side.BUY else -1) for lot in lots) == shares
    price = D(last) / 100
    unrealised = sum(((price - lot.price) * lot.quantity * (1 if lot.side is Side.BUY else -1) for lot in lots), D(0))
    assert realised + unrealised == cash + shares * price


# ------------------------------------------------------------------------------ figures
def totals(**changes: object) -> Totals:
    return replace(Totals(max_investment=D(10_000)), **changes)  # type: ignore[arg-type]


def test_profit_is_by_the_largest_investment() -> None:
    sums = totals(
        bought_quantity=500,
        bought_amount=D(4600),
        sold_quantity=300,
        sold_amount=D(3150),
        open_quantity=200,
    )
    assert sums.profit(D(10)) == D(550)
    assert sums.profit_ratio(D(10)) == D("0.055")


def test_profit_of_shares_sold_from_the_holding_falls_when_the_price_rises() -> None:
    sums = totals(sold_quantity=100, sold_amount=D(1050), open_quantity=-100)
    assert (sums.profit(D(10)), sums.profit(D(11))) == (D(50), D(-50))


def test_price_at_a_ratio_gives_that_ratio() -> None:
    sums = totals(bought_quantity=500, bought_amount=D(4600), open_quantity=500)
    price = sums.price_at(D("0.10"))
    assert price == D("11.2")
    assert sums.profit_ratio(price) == D("0.1")


def test_room_counts_lots_and_money_paid_and_promises() -> None:
    sums = totals(bought_amount=D(6000), sold_amount=D(1000))
    assert sums.room(invested=D(4000), reserved=D(500)) == D(4500)
    assert sums.room(invested=D(5500), reserved=D(0)) == D(4500)


def ends(price: str = "10", *, center: str = "10", at: datetime = NOW, **changes: Any) -> GridEnd | None:
    return end_of(
        MODERATE,
        totals(**changes),
        center=D(center),
        began_at=D(10),
        price=D(price),
        market_time=at,
        expires_at=NOW + timedelta(days=7),
    )


BOUGHT: dict[str, Any] = {"bought_quantity": 500, "bought_amount": D(5000), "open_quantity": 500}


def test_end_by_deviation_of_the_centre() -> None:
    assert ends(center="11.50") is None
    assert ends(center="11.51") is GridEnd.DEVIATION
    assert ends(center="8.49") is GridEnd.DEVIATION


def test_end_by_target_needs_a_purchase_and_a_sale() -> None:
    assert ends("12", **BOUGHT) is None
    both = BOUGHT | {"sold_quantity": 100, "sold_amount": D(1000), "open_quantity": 400}
    assert ends("12.49", **both) is None
    assert ends("12.50", **both) is GridEnd.TARGET


def test_end_by_stop_needs_a_purchase() -> None:
    assert ends("8.01", **BOUGHT) is None
    assert ends("8.00", **BOUGHT) is GridEnd.STOP
    assert ends("12.00", sold_quantity=500, sold_amount=D(5000), open_quantity=-500) is None


def test_end_by_time() -> None:
    assert ends(at=NOW + timedelta(days=7)) is GridEnd.EXPIRED


def test_end_reasons_come_in_their_order() -> None:
    late = NOW + timedelta(days=8)
    both = BOUGHT | {"sold_quantity": 100, "sold_amount": D(1000), "open_quantity": 400}
    assert ends("12.50", center="12", at=late, **both) is GridEnd.DEVIATION
    assert ends("12.50", at=late, **both) is GridEnd.TARGET
    assert ends("8.00", at=late, **BOUGHT) is GridEnd.STOP


# -------------------------------------------------------------------------------- terms
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("aggressive", ("0.03", "0.30", "0.003", "0.10", "0.15", "-0.15")),
        ("moderate", ("0.05", "0.25", "0.005", "0.15", "0.10", "-0.10")),
        ("conservative", ("0.08", "0.20", "0.008", "0.20", "0.08", "-0.08")),
    ],
)
def test_templates(name: str, numbers: tuple[str, ...]) -> None:
    _name, terms = terms_parse(name, {})
    found = (terms.interval, terms.ratio, terms.callback, terms.max_deviation, terms.target, terms.stop)
    assert found == tuple(D(number) for number in numbers)
    assert terms.days == 7


@pytest.mark.parametrize(
    ("field", "least", "most", "outside"),
    [
        ("interval", "0.01", "0.20", ("0.0099", "0.2001")),
        ("ratio", "0.01", "1", ("0.0099", "1.01")),
        ("callback", "0.001", "0.049", ("0.0009", "0.1001")),
        ("max_deviation", "0.05", "0.50", ("0.049", "0.51")),
        ("target", "0.01", "1", ("0.009", "1.1")),
        ("stop", "-0.5", "-0.001", ("-0.51", "0")),
        ("days", 1, 365, (0, 366, "1.5", True)),
    ],
)
def test_terms_keep_their_ranges(field: str, least: object, most: object, outside: tuple[object, ...]) -> None:
    for value in (least, most):
        assert getattr(terms_parse(None, {field: value})[1], field) == D(str(value))
    for value in (*outside, "NaN", "Infinity", "x", [1], "0.05000001"):
        with pytest.raises(Invalid) as refusal:
            terms_parse(None, {field: value})
        assert (refusal.value.code, refusal.value.field) == (Code.FIELD_INVALID, field)


def test_terms_need_a_callback_below_the_interval() -> None:
    with pytest.raises(Invalid) as refusal:
        terms_parse(None, {"interval": "0.05", "callback": "0.05"})
    assert refusal.value.field == "callback"


def test_terms_of_an_unknown_template_are_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        terms_parse("reckless", {})
    assert refusal.value.field == "template"
