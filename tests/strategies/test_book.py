"""The virtual book: money, holdings, T+1, ex-dates, and what it refuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.strategies.book import VirtualBook
from trading.strategies.interface import Order, OrderState, Position, PriceType, Side, Trade

A, FUND = "600519.SH", "518880.SH"
MONDAY, TUESDAY = date(2024, 1, 8), date(2024, 1, 9)


@pytest.fixture
def book() -> VirtualBook:
    book = VirtualBook(Decimal(10_000), is_same_day=lambda symbol: symbol == FUND)
    book.open_day(MONDAY)
    return book


def fill(side: Side, quantity: int, price: str, *, symbol: str = A, fees: str = "5") -> Trade:
    return Trade("t", "o", symbol, side, quantity, Decimal(price), Decimal(fees), 0)


def order(side: Side, quantity: int, price: str | None = None, *, filled: int = 0) -> Order:
    kind = PriceType.LATEST if price is None else PriceType.LIMIT
    limit = None if price is None else Decimal(price)
    return Order("o", A, side, quantity, kind, limit, "", OrderState.WORKING, filled)


def test_purchase_costs_its_value_and_fees(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    assert book.cash == Decimal(7995)
    assert book.positions() == {A: Position(A, 200, 0, Decimal("10.0250"))}


def test_shares_bought_today_are_sellable_tomorrow(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    book.open_day(MONDAY)
    assert book.positions()[A].sellable == 0
    book.open_day(TUESDAY)
    assert book.positions()[A].sellable == 200


def test_shares_bought_today_may_be_offered_after_the_close_for_the_next_date(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    assert book.refusal(order(Side.SELL, 200), [], {}) == "SELLABLE_INSUFFICIENT"
    book.open_day(TUESDAY)
    assert book.refusal(order(Side.SELL, 200), [], {}) == ""


def test_same_day_instruments_are_sellable_at_once(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "5", symbol=FUND))
    assert book.positions()[FUND].sellable == 200


def test_sale_realises_against_the_moving_average(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    book.open_day(TUESDAY)
    book.apply(fill(Side.SELL, 100, "12"))
    assert (book.cash, book.realised, book.fees) == (Decimal(9190), Decimal("192.5"), Decimal(10))
    assert book.positions()[A] == Position(A, 100, 100, Decimal("10.0250"))


def test_sold_out_holding_is_gone(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    book.apply(fill(Side.SELL, 200, "10"))
    assert (book.positions(), book.cash, book.realised) == ({}, Decimal(9990), Decimal(-10))


def test_ex_date_pays_cash_and_whole_shares(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 101, "10"))
    book.ex_right(A, growth=Decimal("1.3"), cash=Decimal("0.25"))
    assert book.positions()[A].quantity == 131
    assert book.dividends == Decimal("25.25")
    assert book.cash == Decimal(10_000) - 1010 - 5 + Decimal("25.25")


def test_equity_values_holdings_at_the_newest_price_and_at_cost_without_one(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    assert book.equity({A: Decimal(11)}) == Decimal(10_195)
    assert book.equity({}) == Decimal(10_000)


def test_free_cash_leaves_what_open_purchases_may_take(book: VirtualBook) -> None:
    waiting = [order(Side.BUY, 300, "10", filled=100), order(Side.BUY, 100)]
    assert book.free_cash(waiting, {A: Decimal(11)}) == Decimal(10_000 - 2000 - 1100)


@pytest.mark.parametrize(
    ("wanted", "others", "code"),
    [
        (order(Side.BUY, 1000, "10"), [], ""),
        (order(Side.BUY, 1100, "10"), [], "CASH_INSUFFICIENT"),
        (order(Side.BUY, 500, "10"), [order(Side.BUY, 600, "10")], "CASH_INSUFFICIENT"),
        (order(Side.BUY, 1000), [], "CASH_INSUFFICIENT"),
        (order(Side.SELL, 100, "10"), [], "SELLABLE_INSUFFICIENT"),
    ],
)
def test_refusal_of_an_empty_book(book: VirtualBook, wanted: Order, others: list[Order], code: str) -> None:
    assert book.refusal(wanted, others, {A: Decimal(11)}) == code


def test_refusal_of_shares_that_are_offered_already(book: VirtualBook) -> None:
    book.apply(fill(Side.BUY, 200, "10"))
    book.open_day(TUESDAY)
    offered = [order(Side.SELL, 100, "12")]
    assert book.refusal(order(Side.SELL, 100, "12"), offered, {}) == ""
    assert book.refusal(order(Side.SELL, 200, "12"), offered, {}) == "SELLABLE_INSUFFICIENT"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.integers(1, 500),
            st.decimals("0.01", "50", places=2),
            st.decimals("0", "9", places=2),
        ),
        max_size=30,
    )
)
def test_money_and_cost_always_add_up(steps: list[tuple[Side, int, Decimal, Decimal]]) -> None:
    """cash + cost of what is held = capital + realised profit, to the last digit."""
    book = VirtualBook(Decimal(1_000_000), is_same_day=lambda _: False)
    held = 0
    for side, quantity, price, fees in steps:
        if side is Side.SELL:
            quantity = min(quantity, held)
            if not quantity:
                continue
        held += quantity if side is Side.BUY else -quantity
        book.apply(Trade("t", "o", A, side, quantity, price, fees, 0))
        assert book.equity({}) == book.capital + book.realised
        assert sum(position.quantity for position in book.positions().values()) == held
