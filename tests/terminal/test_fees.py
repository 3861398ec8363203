"""Fees of fills, to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from qmt.codes import Kind
from qmt.fees import Fees, Tariff, estimated_buy_fees, fill_fees
from qmt.gateway import Side

TARIFF = Tariff.of(Decimal("0.00025"), Decimal("5.00"))
NOW = dt.date(2026, 11, 18)


def fees(
    side: Side, amount: int, *, day: dt.date = NOW, kind: Kind = Kind.STOCK, before: int = 0, is_first: bool = True
) -> Fees:
    return fill_fees(
        kind=kind, side=side, amount_cents=amount, day=day, tariff=TARIFF, accrued_before=before, is_first=is_first
    )


def test_fees_of_a_small_buy_take_the_minimum_commission() -> None:
    assert fees(Side.BUY, 100_000) == Fees(commission=500, transfer_fee=1, stamp_duty=0)


def test_fees_of_a_large_sell_take_rate_transfer_and_stamp_duty() -> None:
    assert fees(Side.SELL, 15_545_100) == Fees(commission=3_886, transfer_fee=155, stamp_duty=7_773)


@pytest.mark.parametrize(("amount", "expected"), [(1_000_000 * 50 - 1, 500), (50_000_000, 500), (50_001_000, 500)])
def test_transfer_fee_is_rounded_half_up(amount: int, expected: int) -> None:
    assert fees(Side.BUY, amount).transfer_fee == expected


def test_transfer_fee_of_half_a_cent_goes_up() -> None:
    assert fees(Side.BUY, 50_000).transfer_fee == 1
    assert fees(Side.BUY, 49_999).transfer_fee == 0


def test_commission_of_later_fills_counts_the_minimum_once() -> None:
    first = fees(Side.BUY, 1_000_000)  # 2.50 by rate, 5.00 charged
    second = fees(Side.BUY, 1_000_000, before=250, is_first=False)  # 5.00 by rate so far
    third = fees(Side.BUY, 1_000_000, before=500, is_first=False)  # 7.50 by rate so far
    assert [first.commission, second.commission, third.commission] == [500, 0, 250]


def test_stamp_duty_was_halved_on_2023_08_28() -> None:
    assert fees(Side.SELL, 10_000_000, day=dt.date(2023, 8, 25)).stamp_duty == 10_000
    assert fees(Side.SELL, 10_000_000, day=dt.date(2023, 8, 28)).stamp_duty == 5_000


def test_transfer_fee_was_halved_on_2022_04_29() -> None:
    assert fees(Side.BUY, 10_000_000, day=dt.date(2022, 4, 28)).transfer_fee == 200
    assert fees(Side.BUY, 10_000_000, day=dt.date(2022, 4, 29)).transfer_fee == 100


@pytest.mark.parametrize("kind", [Kind.ETF, Kind.CONVERTIBLE])
def test_fees_of_funds_and_bonds_are_commission_only(kind: Kind) -> None:
    assert fees(Side.SELL, 10_000_000, kind=kind) == Fees(2_500, 0, 0)


def test_estimated_buy_fees_are_rounded_up_and_count_what_was_charged() -> None:
    assert estimated_buy_fees(kind=Kind.STOCK, amount_cents=10_000_001, day=NOW, tariff=TARIFF) == 2_501 + 101
    assert estimated_buy_fees(kind=Kind.ETF, amount_cents=100, day=NOW, tariff=TARIFF, charged=500) == 1


def test_capped_fees_never_exceed_what_is_there() -> None:
    assert Fees(500, 1, 3).capped(100) == Fees(96, 1, 3)
    assert Fees(500, 1, 3).capped(2) == Fees(0, 0, 2)
    assert Fees(500, 1, 3).capped(-5) == Fees(0, 0, 0)


@pytest.mark.parametrize("rate", ["0.0000001", "-0.0001", "NaN"])
def test_tariff_of_an_unusable_rate_raises(rate: str) -> None:
    with pytest.raises(ValueError, match="not a usable commission"):
        Tariff.of(Decimal(rate), Decimal(5))
