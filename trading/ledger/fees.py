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
from qmt.fees import Tariff, accrued_commission, estimated_buy_fees, fill_fees
from qmt.gateway import Side
from qmt.money import yuan_of
from trading.ledger.fields import CENT

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class FillCost:
    """The fees of one fill in CNY."""

    commission: Decimal
    stamp_duty: Decimal
    transfer_fee: Decimal

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
    return FillCost(yuan_of(fees.commission), yuan_of(fees.stamp_duty), yuan_of(fees.transfer_fee))


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
