"""Copies of native structs: exact money, honest zeros, nothing true made of nonsense."""

from __future__ import annotations

import math
from decimal import Decimal
from types import SimpleNamespace

import pytest

from qmt import copies
from qmt.gateway import Side


@pytest.mark.parametrize(
    ("value", "copied"), [(998999.55, "998999.55"), (0.1 + 0.2, "0.3"), (-5.0, "-5"), (1e15, "1000000000000000")]
)
def test_money_is_the_number_the_broker_wrote(value: float, copied: str) -> None:
    assert copies.money(value) == Decimal(copied)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_money_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(copies.MalformedStruct):
        copies.money(value)


@pytest.mark.parametrize(("value", "copied"), [(10.43, "10.43"), (math.nan, "0"), (math.inf, "0"), (100.0, "100")])
def test_price_of_nothing_is_zero(value: float, copied: str) -> None:
    assert copies.price(value) == Decimal(copied)


@pytest.mark.parametrize(
    ("order_type", "offset", "side"),
    [
        (23, 48, Side.BUY),
        (24, 49, Side.SELL),
        (27, 48, Side.BUY),
        (28, 48, Side.SELL),
        (31, 49, Side.SELL),
        (99, 49, Side.SELL),
    ],
)
def test_side_covers_margin_kinds_and_falls_back_to_the_offset(order_type: int, offset: int, side: Side) -> None:
    assert copies.side(order_type, offset) is side


@pytest.mark.parametrize(("value", "number"), [(-1, None), (0, None), (7, 7)])
def test_order_number_of_a_refusal_is_none(value: int, number: int | None) -> None:
    assert copies.order_number(value) == number


def test_position_of_an_older_backend_has_no_last_price() -> None:
    position = SimpleNamespace(
        account_id="1",
        stock_code="600519.SH",
        volume=100,
        can_use_volume=100,
        frozen_volume=0,
        on_road_volume=0,
        yesterday_volume=100,
        avg_price=math.nan,
        open_price=1.0,
        market_value=100.0,
    )

    copied = copies.position_update(position)

    assert (copied.last_price, copied.avg_price, copied.market_value) == (Decimal(0), Decimal(0), Decimal(100))
