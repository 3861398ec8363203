"""The numbers of a grid: templates, ranges, and how a request's are read.

Fractions are of the price (interval, callback, deviation) or of the largest investment (target, stop); 0.05 is 5%.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.ledger.wire import plain
from trading.orders.services.ticket import decimal_of

D = Decimal
DECIMALS: Final = 6
DEFAULT_TEMPLATE: Final = "moderate"
INVESTMENT_SHARE: Final = D("0.5")
"""Of the position's value: the largest investment where none is given."""


@dataclass(frozen=True, slots=True)
class GridTerms:
    """One grid's numbers.

    Attributes
    ----------
    interval
        Half the band around the centre.
    ratio
        Part of the position that one buy adds, and of what is sellable that one sale takes.
    callback
        How far the price must turn before anything is ordered.
    max_deviation
        How far the centre may wander from where it began.
    target, stop
        Profit, and loss (negative), of the largest investment at which the grid ends.
    days
        Calendar days until it expires.
    """

    interval: Decimal
    ratio: Decimal
    callback: Decimal
    max_deviation: Decimal
    target: Decimal
    stop: Decimal
    days: int = 7

    def view(self) -> dict[str, Any]:
        """The terms as they are shown: decimals as text."""
        return {
            field.name: plain(value) if isinstance(value := getattr(self, field.name), Decimal) else value
            for field in fields(self)
        }


TEMPLATES: Final[Mapping[str, GridTerms]] = MappingProxyType(
    {
        "aggressive": GridTerms(D("0.03"), D("0.30"), D("0.003"), D("0.10"), D("0.15"), D("-0.15")),
        "moderate": GridTerms(D("0.05"), D("0.25"), D("0.005"), D("0.15"), D("0.10"), D("-0.10")),
        "conservative": GridTerms(D("0.08"), D("0.20"), D("0.008"), D("0.20"), D("0.08"), D("-0.08")),
    }
)
#: Both ends are allowed.
RANGES: Final[Mapping[str, tuple[Decimal, Decimal]]] = MappingProxyType(
    {
        "interval": (D("0.01"), D("0.20")),
        "ratio": (D("0.01"), D(1)),
        "callback": (D("0.001"), D("0.10")),
        "max_deviation": (D("0.05"), D("0.50")),
        "target": (D("0.01"), D(1)),
        "stop": (D("-0.5"), D("-0.001")),
        "days": (D(1), D(365)),
    }
)
NAMES: Final = frozenset(RANGES)


def terms_parse(template: Any, given: Mapping[str, Any]) -> tuple[str, GridTerms]:
    """Read a template and what a request changes of it.

    Returns
    -------
    tuple
        The template's name, and the terms.

    Raises
    ------
    Invalid
        FIELD_INVALID, the field named: no such template, no number, out of its range, too fine, or a callback that is
        not below the interval.
    """
    name = DEFAULT_TEMPLATE if template is None else template
    if not isinstance(name, str) or name not in TEMPLATES:
        raise Invalid(Code.FIELD_INVALID, field="template", value=shown(template), allowed=list(TEMPLATES))
    terms = replace(TEMPLATES[name], **{field: _read(field, value) for field, value in given.items()})
    if terms.callback >= terms.interval:
        raise Invalid(
            Code.FIELD_INVALID,
            "callback must be below interval",
            field="callback",
            value=plain(terms.callback),
            interval=plain(terms.interval),
        )
    return name, terms


def _read(field: str, value: Any) -> Any:
    low, high = RANGES[field]
    number = decimal_of(value)
    if number is None or not number.is_finite() or not low <= number <= high or _too_fine(number):
        raise _out_of_range(field, value)
    if field != "days":
        return number
    if isinstance(value, bool) or number != number.to_integral_value():
        raise _out_of_range(field, value)
    return int(number)


def _out_of_range(field: str, value: Any) -> Invalid:
    low, high = RANGES[field]
    return Invalid(Code.FIELD_INVALID, field=field, value=shown(value), least=plain(low), most=plain(high))


def _too_fine(number: Decimal) -> bool:
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent < -DECIMALS
