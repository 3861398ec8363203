"""Price types by exchange, board and phase; what is not built is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ops.errors import Code, Denied, Invalid
from qmt.calendar import Phase
from qmt.gateway import PriceType, Side
from tests.risk.test_checks import clock, context
from trading.orders.services.ticket import Ticket
from trading.risk.checks import denials, pre_trade


def denial(**changes: Any) -> Denied | None:
    return next(denials(context(**changes)), None)


def code(**changes: Any) -> Code | None:
    refusal = denial(**changes)
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("board", "kind"),
    [
        ("MAIN", PriceType.BEST5_CANCEL),
        ("MAIN", PriceType.BEST5_LIMIT),
        ("CHINEXT", PriceType.IOC),
        ("CHINEXT", PriceType.FOK),
        ("ETF", PriceType.PEER_BEST),
        ("MAIN", PriceType.OWN_BEST),
    ],
)
def test_market_kind_that_the_exchange_takes_is_allowed(board: str, kind: PriceType) -> None:
    assert code(board=board, price_type=kind, price=None) is None


@pytest.mark.parametrize(
    ("board", "kind"),
    [
        ("MAIN", PriceType.IOC),
        ("MAIN", PriceType.FOK),
        ("CHINEXT", PriceType.BEST5_LIMIT),
        ("CONVERTIBLE", PriceType.PEER_BEST),
    ],
)
def test_market_kind_that_the_exchange_does_not_take_is_denied_with_what_it_takes(board: str, kind: PriceType) -> None:
    refusal = denial(board=board, price_type=kind, price=None)
    assert refusal is not None
    assert refusal.code == Code.PRICE_TYPE_NOT_TAKEN
    assert "LIMIT" in refusal.details["allowed"]
    assert str(kind) not in refusal.details["allowed"]


@pytest.mark.parametrize("phase", [Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.CLOSE_AUCTION])
def test_market_kind_in_an_auction_is_denied(phase: Phase) -> None:
    assert code(price_type=PriceType.PEER_BEST, price=None, clock=clock(phase=phase)) == (
        Code.PRICE_TYPE_NEEDS_CONTINUOUS
    )


def test_limit_order_in_an_auction_is_allowed() -> None:
    assert code(clock=clock(phase=Phase.OPEN_AUCTION)) is None


@pytest.mark.parametrize("board", ["STAR", "BSE"])
def test_market_order_without_its_protection_price_is_denied(board: str) -> None:
    assert code(board=board, quantity=200, price_type=PriceType.BEST5_CANCEL, price=None) == Code.PROTECTION_REQUIRED


@pytest.mark.parametrize("board", ["STAR", "BSE"])
def test_protected_market_buy_reserves_at_its_protection_price(board: str) -> None:
    reserved = pre_trade(context(board=board, quantity=200, price_type=PriceType.BEST5_CANCEL, price=Decimal("10.50")))
    assert Decimal(2105) < reserved.cash < Decimal("2105.50")  # 200 × 10.50, 5.00 commission, transfer fee


def test_market_buy_reserves_at_limit_up_plus_fees() -> None:
    reserved = pre_trade(context(price_type=PriceType.BEST5_CANCEL, price=None))
    assert Decimal("1105.00") < reserved.cash <= Decimal("1105.05")  # 100 × 11.00, 5.00 commission, transfer fee


def test_price_beside_a_market_kind_that_takes_none_is_denied() -> None:
    assert code(price_type=PriceType.BEST5_CANCEL, price=Decimal("10.50")) == Code.PRICE_NOT_ALLOWED


def test_market_order_on_a_day_without_limits_needs_a_protection_price() -> None:
    free = context(price_type=PriceType.PEER_BEST, price=None)
    assert free.day is not None
    free.day.limit_up = free.day.limit_down = None
    assert next(denials(free)).code == Code.PROTECTION_REQUIRED


@pytest.mark.parametrize(
    ("board", "kind", "most"),
    [("CHINEXT", PriceType.IOC, 150_000), ("CHINEXT", PriceType.LIMIT, 300_000), ("STAR", PriceType.OWN_BEST, 50_000)],
)
def test_quantity_above_the_kinds_maximum_is_denied(board: str, kind: PriceType, most: int) -> None:
    refusal = denial(
        board=board,
        price_type=kind,
        quantity=most + 100,
        price=Decimal(10) if board == "STAR" or kind == "LIMIT" else None,
    )
    assert refusal is not None
    assert (refusal.code, refusal.details["maximum"]) == (Code.QUANTITY_ABOVE_MAXIMUM, most)


def test_account_of_another_type_is_denied() -> None:
    wish = context()
    wish.account.account_type = 3
    assert next(denials(wish)).code == Code.ACCOUNT_TYPE_NOT_BUILT


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("side", "MARGIN_BUY", "credit"),
        ("side", "OPEN_LONG", "futures and options"),
        ("side", "PURCHASE", "ETF creation and redemption"),
        ("price_type", "AFTER_HOURS_FIXED", "after-hours fixed price"),
        ("symbol", "IF2612.IF", "futures and options"),
        ("symbol", "10004567.SHO", "futures and options"),
    ],
)
def test_kind_that_is_not_built_is_refused_by_name(field: str, value: str, kind: str) -> None:
    wish: dict[str, Any] = {
        "symbol": "600519.SH",
        "side": Side.BUY,
        "quantity": 100,
        "price_type": "LIMIT",
        "price": "10",
        "client_order_id": None,
    }
    with pytest.raises(Invalid) as caught:
        Ticket.parse(**(wish | {field: value}))
    assert (caught.value.code, caught.value.field) == (Code.ORDER_KIND_NOT_BUILT, field)
    assert caught.value.details["kind"] == kind


def test_key_of_an_execution_is_refused_from_anybody_else() -> None:
    with pytest.raises(Invalid) as caught:
        Ticket.parse(
            symbol="600519.SH", side="BUY", quantity=100, price_type="LIMIT", price="10", client_order_id="exec:1:1:1"
        )
    assert caught.value.field == "client_order_id"
