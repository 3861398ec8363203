"""Exact integers for prices and money.

Prices are counted in thousandths of a yuan (``milli``), the finest step any A-share instrument has; money in cents (分).
Rounding is half-up (四舍五入), as the exchanges and China Clearing prescribe.
"""

from __future__ import annotations

from decimal import Decimal

_MILLI = Decimal("0.001")
_CENT = Decimal("0.01")


def divide_half_up(numerator: int, denominator: int) -> int:
    """Quotient rounded half-up, for a non-negative numerator and a positive denominator."""
    return (2 * numerator + denominator) // (2 * denominator)


def divide_up(numerator: int, denominator: int) -> int:
    """Quotient rounded up."""
    return -(-numerator // denominator)


def milli_of(price: Decimal) -> int:
    """Thousandths of a yuan.

    Raises
    ------
    ValueError
        When the price is not finite or finer than a thousandth.
    """
    if not price.is_finite():
        raise ValueError(f"price is not a number: {price}")
    scaled = price * 1000
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"price is finer than 0.001: {price}")
    return whole


def price_of(milli: int) -> Decimal:
    """CNY with as many decimals as the number needs, two at least."""
    price = Decimal(milli).scaleb(-3)
    return price.quantize(_CENT) if milli % 10 == 0 else price.quantize(_MILLI)


def cents_of(amount: Decimal) -> int:
    """Cents of an amount.

    Raises
    ------
    ValueError
        When the amount is not finite or finer than a cent.
    """
    if not amount.is_finite():
        raise ValueError(f"amount is not a number: {amount}")
    scaled = amount * 100
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"amount is finer than a cent: {amount}")
    return whole


def yuan_of(cents: int) -> Decimal:
    """CNY with two decimals."""
    return Decimal(cents).scaleb(-2).quantize(_CENT)


def notional_cents(price_milli: int, quantity: int) -> int:
    """Price times quantity in cents, half-up (exact for every whole-cent price)."""
    return divide_half_up(price_milli * quantity, 10)
