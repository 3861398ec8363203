"""What trading costs, in CNY: the dated rules of `qmt.fees` applied to our accounts and fills.

These are our own figures by rule. What the broker states as its commission is kept beside
them and never mixed in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from accounts.models import BrokerAccount
from qmt.codes import Kind
from qmt.fees import (
    STAMP_DUTY,
    TRANSFER_FEE,
    RateRow,
    Tariff,
    accrued_commission,
    estimated_buy_fees,
    fill_fees,
    rate_on,
)
from qmt.gateway import Side
from qmt.money import yuan_of
from trading.ledger.fields import CENT

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class FeeRules:
    """Which dated rule each fee of a fill follows, in words."""

    commission: str
    stamp_duty: str
    transfer_fee: str


@dataclass(frozen=True, slots=True)
class FillCost:
    """The fees of one fill in CNY, and the rules they follow."""

    commission: Decimal
    stamp_duty: Decimal
    transfer_fee: Decimal
    rules: FeeRules

    @property
    def total(self) -> Decimal:
        return self.commission + self.stamp_duty + self.transfer_fee


def tariff_of(account: BrokerAccount) -> Tariff:
    """The account's commission. A rate finer than a millionth is rounded up: better held than missing."""
    ppm = (account.commission_rate * _PPM).to_integral_value(rounding=ROUND_CEILING)
    return Tariff(int(ppm), _cents(account.min_commission))


def cost_of_fill(
    *,
    account: BrokerAccount,
    kind: Kind,
    side: Side,
    amount: Decimal,
    day: dt.date,
    earlier_amounts: Iterable[Decimal],
) -> FillCost:
    """Fees of one fill, given the amounts of the same order's earlier fills."""
    tariff = tariff_of(account)
    earlier = [accrued_commission(_cents(value), tariff) for value in earlier_amounts]
    fees = fill_fees(
        kind=kind,
        side=side,
        amount_cents=_cents(amount),
        day=day,
        tariff=tariff,
        accrued_before=sum(earlier),
        is_first=not earlier,
    )
    return FillCost(yuan_of(fees.commission), yuan_of(fees.stamp_duty), yuan_of(fees.transfer_fee), _rules(tariff, day))


def _rules(tariff: Tariff, day: dt.date) -> FeeRules:
    return FeeRules(
        commission=f"{tariff.commission_ppm} ppm, at least {yuan_of(tariff.minimum_cents)} an order",
        stamp_duty=_rule(rate_on(STAMP_DUTY, day)),
        transfer_fee=_rule(rate_on(TRANSFER_FEE, day)),
    )


def _rule(row: RateRow | None) -> str:
    return "" if row is None else f"{row.ppm} ppm from {row.since}"


def cash_for_buy(
    *,
    account: BrokerAccount,
    kind: Kind,
    price: Decimal,
    quantity: int,
    day: dt.date,
    commission_paid: Decimal = Decimal(0),
) -> Decimal:
    """Cash that buying `quantity` at `price` at most may still take, fees included, to the cent up."""
    amount = (price * quantity).quantize(CENT, rounding=ROUND_CEILING)
    fees = estimated_buy_fees(
        kind=kind,
        amount_cents=_cents(amount),
        day=day,
        tariff=tariff_of(account),
        charged=_cents(commission_paid),
    )
    return amount + yuan_of(fees)


def _cents(amount: Decimal) -> int:
    return int((amount / CENT).to_integral_value(rounding=ROUND_HALF_UP))
