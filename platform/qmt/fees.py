"""Costs of a trade: commission, transfer fee (过户费), stamp duty (印花税).

Each fill's fees are rounded half-up to the cent. The commission has a minimum per *order*: the first fill pays at least the
minimum, later fills pay only what the order's commission exceeds it by. Rates are dated rows with their source.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from qmt.codes import Kind
from qmt.gateway import Side
from qmt.money import divide_half_up, divide_up

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate in millionths of the amount, from a date on."""

    ppm: int
    since: dt.date
    source: str


STAMP_DUTY: tuple[RateRow, ...] = (
    RateRow(1000, dt.date(2008, 9, 19), "财政部 2008-09-18: sellers only, 0.1%"),
    RateRow(500, dt.date(2023, 8, 28), "财政部 税务总局公告 2023 年第 39 号: halved"),
)
"""Shares only, sellers only. Older days used both-sided rates and are not needed."""

TRANSFER_FEE: tuple[RateRow, ...] = (
    RateRow(20, dt.date(2015, 8, 1), "中国结算 2015-08-01: 0.002% of the amount, both sides"),
    RateRow(10, dt.date(2022, 4, 29), "中国结算 2022-04-29: 0.001%"),
)
"""Shares only, both sides."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the broker charges an account."""

    commission_ppm: int
    minimum_cents: int

    @classmethod
    def of(cls, rate: Decimal, minimum: Decimal) -> Tariff:
        """From a rate such as 0.00025 and a minimum in CNY.

        Raises
        ------
        ValueError
            When the rate is finer than a millionth, or either is negative.
        """
        if not rate.is_finite() or not minimum.is_finite():
            raise ValueError(f"not a usable commission: rate={rate} minimum={minimum}")
        ppm, cents = rate * _PPM, minimum * 100
        if ppm != int(ppm) or cents != int(cents) or ppm < 0 or cents < 0:
            raise ValueError(f"not a usable commission: rate={rate} minimum={minimum}")
        return cls(int(ppm), int(cents))


@dataclass(frozen=True, slots=True)
class Fees:
    """Costs in cents."""

    commission: int
    transfer_fee: int
    stamp_duty: int

    @property
    def total(self) -> int:
        """Everything together."""
        return self.commission + self.transfer_fee + self.stamp_duty

    def capped(self, most: int) -> Fees:
        """The same fees, cut so that they are at most ``most`` together: a broker cannot take what is not there."""
        duty = min(self.stamp_duty, max(most, 0))
        transfer = min(self.transfer_fee, max(most - duty, 0))
        return Fees(min(self.commission, max(most - duty - transfer, 0)), transfer, duty)


def rate_on(rows: tuple[RateRow, ...], day: dt.date) -> RateRow | None:
    """The row in force on a day; None before the first."""
    valid = [row for row in rows if row.since <= day]
    return max(valid, key=lambda row: row.since) if valid else None


def _rate(rows: tuple[RateRow, ...], day: dt.date) -> int:
    row = rate_on(rows, day)
    return 0 if row is None else row.ppm


def fill_fees(
    *, kind: Kind, side: Side, amount_cents: int, day: dt.date, tariff: Tariff, accrued_before: int, is_first: bool
) -> Fees:
    """Fees of one fill.

    Parameters
    ----------
    accrued_before
        Sum of the rounded commissions of the order's earlier fills, before the minimum (see :func:`accrued_commission`).
    is_first
        Whether the order had no fill yet.
    """
    accrued = accrued_before + accrued_commission(amount_cents, tariff)
    charged_before = 0 if is_first else max(accrued_before, tariff.minimum_cents)
    commission = max(accrued, tariff.minimum_cents) - charged_before
    if kind is not Kind.STOCK:
        return Fees(commission, 0, 0)
    transfer = divide_half_up(amount_cents * _rate(TRANSFER_FEE, day), _PPM)
    duty = divide_half_up(amount_cents * _rate(STAMP_DUTY, day), _PPM) if side is Side.SELL else 0
    return Fees(commission, transfer, duty)


def accrued_commission(amount_cents: int, tariff: Tariff) -> int:
    """Commission of one fill by rate alone, in cents."""
    return divide_half_up(amount_cents * tariff.commission_ppm, _PPM)


def estimated_buy_fees(*, kind: Kind, amount_cents: int, day: dt.date, tariff: Tariff, charged: int = 0) -> int:
    """What to set aside for the fees of a buy that still may cost ``amount_cents``, in cents, rounded up.

    ``charged`` is the commission the order has paid already; it counts towards the minimum.
    """
    commission = max(divide_up(amount_cents * tariff.commission_ppm, _PPM), tariff.minimum_cents - charged)
    if kind is not Kind.STOCK:
        return commission
    return commission + divide_up(amount_cents * _rate(TRANSFER_FEE, day), _PPM)
