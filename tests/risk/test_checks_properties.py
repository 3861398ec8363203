"""Whatever the order: what is denied names what is allowed, and what is accepted is covered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ops.errors import Code, Denied
from qmt.gateway import Side
from tests.risk.test_checks import BOARDS, NOW, context
from trading.ledger.models import AssetSnapshot, Position
from trading.risk.checks import denials, pre_trade

boards = st.sampled_from(sorted(BOARDS))
quantities = st.integers(1, 2_000_000)
cents = st.integers(0, 10**11).map(lambda value: Decimal(value).scaleb(-2))
prices = st.integers(8_000, 12_000).map(lambda value: Decimal(value).scaleb(-3))


@given(boards, quantities, prices, cents, cents)
def test_accepted_buy_is_covered_by_cash_that_is_promised_to_nobody(
    board: str, quantity: int, price: Decimal, cash: Decimal, reserved: Decimal
) -> None:
    checked = context(board, quantity=quantity, price=price, asset=AssetSnapshot(cash=cash, at=NOW))
    checked.book.reserved_cash = reserved
    try:
        taken = pre_trade(checked)
    except Denied:
        return
    assert price * quantity < taken.cash <= cash - reserved
    assert taken.quantity == 0


@given(boards, quantities, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_accepted_sell_is_covered_by_shares_that_are_promised_to_nobody(
    board: str, quantity: int, sellable: int, reserved: int, sold: int
) -> None:
    held = Position(quantity=sellable, sellable=sellable, unconfirmed_sold=sold)
    checked = context(board, side=Side.SELL, quantity=quantity, position=held, reserved_quantity=reserved)
    try:
        taken = pre_trade(checked)
    except Denied:
        return
    assert (taken.quantity, taken.cash) == (quantity, Decimal(0))
    assert quantity <= sellable - reserved - sold


@given(boards, quantities, cents)
def test_cash_denial_names_a_quantity_that_passes(board: str, quantity: int, cash: Decimal) -> None:
    checked = context(board, quantity=quantity, asset=AssetSnapshot(cash=cash, at=NOW))
    for denial in denials(checked):
        if denial.code is not Code.CASH_INSUFFICIENT:
            return
        allowed = denial.details["allowed_quantity"]
        assert 0 <= allowed < quantity
        if allowed:
            assert list(denials(replace(checked, quantity=allowed))) == []


@given(boards, quantities)
def test_off_lot_denial_names_two_neighbours_on_the_lot(board: str, quantity: int) -> None:
    rich = AssetSnapshot(cash=Decimal(10**12), at=NOW)
    checked = context(board, quantity=quantity, asset=rich)
    for denial in denials(checked):
        if denial.code is not Code.QUANTITY_OFF_LOT:
            return
        below, above = denial.details["below"], denial.details["above"]
        assert below < quantity < above
        for neighbour in (below, above):
            again = [d.code for d in denials(replace(checked, quantity=neighbour))]
            assert Code.QUANTITY_OFF_LOT not in again


@given(boards, prices)
def test_off_tick_denial_names_two_neighbours_on_the_tick(board: str, price: Decimal) -> None:
    for denial in denials(context(board, price=price)):
        if denial.code is not Code.PRICE_OFF_TICK:
            return
        below, above = Decimal(denial.details["below"]), Decimal(denial.details["above"])
        assert below < price < above
        for neighbour in (below, above):
            again = [d.code for d in denials(context(board, price=neighbour))]
            assert Code.PRICE_OFF_TICK not in again
