"""Moving-average book-keeping: worked examples, and what must hold for every run of entries."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.ledger.averages import Figures, Line, take, value_from_outside
from trading.ledger.choices import EntryKind

DAY = date(2026, 11, 20)


def line(kind: EntryKind, quantity: int = 0, cash: str = "0", *, side: str = "", price: str | None = None) -> Line:
    return Line(DAY, kind, side, quantity, None if price is None else Decimal(price), Decimal(cash))


def run(*lines: Line) -> tuple[Figures, Decimal]:
    figures, realised = Figures(), Decimal(0)
    for one in lines:
        figures, gain = take(figures, one)
        realised += gain
    return figures, realised


BUY = line(EntryKind.TRADE, 100, "-1000", side="BUY", price="10")
FEE = line(EntryKind.COMMISSION, cash="-5", side="BUY")


def test_take_purchase_costs_its_amount_and_its_fees() -> None:
    figures, realised = run(BUY, FEE)
    assert (figures.quantity, figures.cost, figures.base_cost, figures.fees, realised) == (
        100,
        Decimal(1005),
        Decimal(1000),
        Decimal(5),
        Decimal(0),
    )
    assert (figures.opened_on, figures.bought_today(DAY)) == (DAY, 100)


def test_take_sale_realises_against_the_average_and_pays_its_own_fees() -> None:
    figures, realised = run(
        BUY,
        FEE,
        line(EntryKind.TRADE, -40, "480", side="SELL", price="12"),
        line(EntryKind.STAMP_DUTY, cash="-0.24", side="SELL"),
    )
    assert (figures.quantity, figures.cost) == (60, Decimal(603))
    assert realised == figures.realised == Decimal(480) - Decimal(402) - Decimal("0.24")


def test_take_last_share_takes_the_whole_cost_and_ends_the_holding() -> None:
    figures, _ = run(
        BUY, line(EntryKind.TRADE, -33, "330", side="SELL"), line(EntryKind.TRADE, -67, "670", side="SELL")
    )
    assert (figures.quantity, figures.cost, figures.base_cost, figures.opened_on) == (0, Decimal(0), Decimal(0), None)


def test_take_more_than_held_is_short_from_the_rest_on() -> None:
    figures, realised = run(BUY, line(EntryKind.TRADE, -150, "1650", side="SELL", price="11"))
    assert (figures.quantity, figures.cost, realised) == (-50, Decimal("-550.0000"), Decimal("100.0000"))


def test_take_bonus_shares_lower_the_average_and_realise_nothing() -> None:
    figures, realised = run(BUY, line(EntryKind.BONUS, 30))
    assert (figures.quantity, figures.cost, realised) == (130, Decimal(1000), Decimal(0))


def test_take_dividend_is_income_and_leaves_the_cost() -> None:
    figures, realised = run(BUY, line(EntryKind.DIVIDEND, cash="21.5"))
    assert (figures.cost, figures.dividends, realised) == (Decimal(1000), Decimal("21.5"), Decimal("21.5"))


def test_take_opening_shares_come_in_at_their_price() -> None:
    figures, realised = run(line(EntryKind.OPENING, 200, price="9.5"))
    assert (figures.quantity, figures.cost, realised) == (200, Decimal("1900.0000"), Decimal(0))


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (line(EntryKind.TRANSFER_OUT, cash="-300"), "-300"),
        (line(EntryKind.ADJUSTMENT, -10, price="8"), "-80"),
        (line(EntryKind.TRADE, 100, "-1000", side="BUY", price="10"), "0"),
        (line(EntryKind.DIVIDEND, cash="5"), "0"),
    ],
)
def test_value_from_outside_counts_what_is_no_profit(one: Line, value: str) -> None:
    assert value_from_outside(one) == Decimal(value)


# --------------------------------------------------------------------------- for every run
prices = st.integers(1, 3_000_000).map(lambda milli: Decimal(milli) / 1000)
quantities = st.integers(1, 5_000)


@st.composite
def anything(draw: st.DrawFn) -> Line:
    kind = draw(st.sampled_from(list(EntryKind)))
    day = DAY + timedelta(days=draw(st.integers(0, 3)))
    cents = Decimal(draw(st.integers(1, 10**9))) / 100
    quantity, price = draw(quantities), draw(prices)
    if kind is EntryKind.TRADE:
        amount = (price * quantity).quantize(Decimal("0.01"))
        buys = draw(st.booleans())
        return Line(
            day, kind, "BUY" if buys else "SELL", quantity if buys else -quantity, price, -amount if buys else amount
        )
    if kind in (EntryKind.COMMISSION, EntryKind.STAMP_DUTY, EntryKind.TRANSFER_FEE):
        return Line(day, kind, draw(st.sampled_from(["BUY", "SELL"])), 0, None, -cents)
    if kind in (EntryKind.BONUS, EntryKind.GIFT):
        return Line(day, kind, "", quantity, None, Decimal(0))
    if kind is EntryKind.ALLOTMENT:
        return Line(day, kind, "", quantity, price, -cents)
    if kind in (EntryKind.OPENING, EntryKind.ADJUSTMENT):
        return Line(
            day, kind, "", draw(st.sampled_from([quantity, -quantity])), price, draw(st.sampled_from([cents, -cents]))
        )
    return Line(day, kind, "", 0, None, cents)


@given(st.lists(anything(), max_size=40))
def test_every_run_money_and_cost_equal_what_came_in_and_what_was_realised(lines: list[Line]) -> None:
    figures, realised = run(*lines)
    cash = sum((one.cash for one in lines), Decimal(0))
    brought = sum((value_from_outside(one) for one in lines), Decimal(0))
    assert cash + figures.cost == brought + realised


@given(st.lists(anything(), max_size=40))
def test_every_run_shares_are_the_sum_and_nothing_held_costs_nothing(lines: list[Line]) -> None:
    figures, _ = run(*lines)
    assert figures.quantity == sum(one.quantity for one in lines)
    assert figures.quantity != 0 or (figures.cost, figures.opened_on) == (Decimal(0), None)


@given(st.lists(anything(), max_size=40))
def test_every_run_fees_are_itemised_completely(lines: list[Line]) -> None:
    kinds = (EntryKind.COMMISSION, EntryKind.STAMP_DUTY, EntryKind.TRANSFER_FEE)
    figures, _ = run(*lines)
    assert figures.fees == -sum((one.cash for one in lines if one.kind in kinds), Decimal(0))


@given(st.lists(anything(), max_size=40))
def test_every_run_what_was_bought_on_a_date_is_what_t_plus_one_keeps_back(lines: list[Line]) -> None:
    ordered = sorted(lines, key=lambda one: one.trade_date)
    figures, _ = run(*ordered)
    for offset in range(4):
        day = DAY + timedelta(days=offset)
        later = [one for one in ordered if one.trade_date > day and _buys(one)]
        bought = sum(one.quantity for one in ordered if one.trade_date == day and _buys(one))
        assert figures.bought_today(day) == (0 if later else bought)


def _buys(line: Line) -> bool:
    return line.kind is EntryKind.TRADE and line.side == "BUY"
