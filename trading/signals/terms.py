"""The numbers of an exit plan: defaults, ranges, and what of them is stored.

The defaults are those of the field's single-user systems. Fractions are of the price (0.075 is 7.5%), money in CNY.
Adding buys, so a plan that does not ask for it does not add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.orders.services.ticket import decimal_of

MAX_STEPS: Final = 20
#: Gain at the top, and the share of the top at which everything is sold.
TRAILING_STEPS: Final = tuple(
    (Decimal(gain), Decimal(factor))
    for gain, factor in (
        ("0.05", "0.96"),
        ("0.10", "0.93"),
        ("0.15", "0.90"),
        ("0.20", "0.87"),
        ("0.30", "0.85"),
        ("0.40", "0.83"),
        ("0.50", "0.80"),
    )
)


@dataclass(frozen=True, slots=True)
class ExitTerms:
    """One plan's numbers.

    Attributes
    ----------
    stop_loss, stop_loss_drop
        Sell all when the price has fallen this far below cost.
    first_take_profit, first_gain, first_callback, first_share
        Armed at this gain, fires this far below the highest price since; sells this share of what is sellable.
    trailing, trailing_steps, trailing_floor_drop
        After the first take-profit: (gain at the top, factor of the top); below the first step, this far below cost.
    add, add_drop_from, add_drop_to, add_amount, add_position_limit, add_min_amount, add_cooldown_seconds
        Buy while the drop from cost lies in [from, to): so much, up to a position of so much, at least so much.
    signal_seconds, repeat_seconds, max_drift
        A signal is executed at this age at most, once in this time per position and kind, and within this drift of price.
    order_timeout_seconds, stop_loss_timeout_seconds, max_requotes
        How long an order may stand after its report, and how often the remainder is quoted anew.
    """

    stop_loss: bool = True
    stop_loss_drop: Decimal = Decimal("0.075")
    first_take_profit: bool = True
    first_gain: Decimal = Decimal("0.06")
    first_callback: Decimal = Decimal("0.005")
    first_share: Decimal = Decimal("0.6")
    trailing: bool = True
    trailing_steps: tuple[tuple[Decimal, Decimal], ...] = TRAILING_STEPS
    trailing_floor_drop: Decimal = Decimal("0.075")
    add: bool = False
    add_drop_from: Decimal = Decimal("0.07")
    add_drop_to: Decimal = Decimal("0.075")
    add_amount: Decimal = Decimal(35_000)
    add_position_limit: Decimal = Decimal(70_000)
    add_min_amount: Decimal = Decimal(1_000)
    add_cooldown_seconds: int = 120
    signal_seconds: int = 60
    repeat_seconds: int = 300
    max_drift: Decimal = Decimal("0.01")
    order_timeout_seconds: int = 300
    stop_loss_timeout_seconds: int = 30
    max_requotes: int = 3

    def as_json(self) -> dict[str, Any]:
        """The terms as they are stored and shown: decimals as text."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def stored(cls, terms: Mapping[str, Any]) -> ExitTerms:
        """Terms as `as_json` wrote them; what a later release added has its default."""
        kept = {name: value for name, value in terms.items() if name in _READERS}
        return cls(**{name: _READERS[name](name, value) for name, value in kept.items()})


DEFAULT: Final = ExitTerms()


def terms_parse(given: Any, base: ExitTerms = DEFAULT) -> ExitTerms:
    """Read a request's terms over those that hold otherwise.

    Raises
    ------
    Invalid
        FIELD_UNKNOWN or FIELD_INVALID, the field named (``terms.first_gain``), with its range.
    """
    if not isinstance(given, Mapping):
        raise Invalid(Code.FIELD_INVALID, "terms is an object", field="terms", value=shown(given))
    unknown = sorted(str(name) for name in given if name not in _READERS)
    if unknown:
        raise Invalid(Code.FIELD_UNKNOWN, field=f"terms.{unknown[0][:40]}", allowed=sorted(_READERS))
    terms = replace(base, **{name: _READERS[name](name, value) for name, value in given.items()})
    _fit_together(terms)
    return terms


def _fit_together(terms: ExitTerms) -> None:
    if terms.first_callback >= terms.first_gain:
        raise _wrong("first_callback", terms.first_callback, below="first_gain")
    if terms.add_drop_from >= terms.add_drop_to:
        raise _wrong("add_drop_from", terms.add_drop_from, below="add_drop_to")
    if terms.add and terms.stop_loss and terms.add_drop_to > terms.stop_loss_drop:
        raise _wrong("add_drop_to", terms.add_drop_to, at_most="stop_loss_drop")
    if terms.add_min_amount > terms.add_amount:
        raise _wrong("add_min_amount", terms.add_min_amount, at_most="add_amount")


def _wrong(name: str, value: Any, **allowed: Any) -> Invalid:
    return Invalid(Code.FIELD_INVALID, field=f"terms.{name}", value=shown(_plain(value)), **allowed)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return [[format(part, "f") for part in row] for row in value]
    return value


# ------------------------------------------------------------------------------ ranges
Reader = Callable[[str, Any], Any]


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, allowed=[True, False])
    return value


def _between(least: str, most: str) -> Reader:
    low, high = Decimal(least), Decimal(most)

    def read(name: str, value: Any) -> Decimal:
        number = decimal_of(value)
        if number is None or not number.is_finite() or not low <= number <= high or _too_fine(number):
            raise _wrong(name, value, least=least, most=most, decimals=6)
        return number

    return read


def _whole(least: int, most: int) -> Reader:
    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(name, value, least=least, most=most)
        return value

    return read


def _too_fine(number: Decimal) -> bool:
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent < -6


_GAIN: Final = _between("0.001", "20")
_FACTOR: Final = _between("0.1", "0.999")


def _steps(name: str, value: Any) -> tuple[tuple[Decimal, Decimal], ...]:
    rows = value if isinstance(value, list | tuple) else ()
    if not 0 < len(rows) <= MAX_STEPS or any(not isinstance(row, list | tuple) or len(row) != 2 for row in rows):
        raise _wrong(name, value, allowed=f"1 to {MAX_STEPS} pairs of gain and factor")
    read = tuple((_GAIN(name, gain), _FACTOR(name, factor)) for gain, factor in rows)
    if any(later[0] <= earlier[0] for earlier, later in pairwise(read)):
        raise _wrong(name, read, allowed="ascending gains")
    return read


RANGES: Final[Mapping[str, tuple[str, str]]] = {
    "stop_loss_drop": ("0.001", "0.5"),
    "first_gain": ("0.005", "5"),
    "first_callback": ("0.001", "0.2"),
    "first_share": ("0.01", "1"),
    "trailing_floor_drop": ("0.001", "0.5"),
    "add_drop_from": ("0.001", "0.5"),
    "add_drop_to": ("0.001", "0.5"),
    "add_amount": ("100", "100000000"),
    "add_position_limit": ("100", "1000000000"),
    "add_min_amount": ("0", "100000000"),
    "add_cooldown_seconds": ("1", "86400"),
    "signal_seconds": ("5", "300"),
    "repeat_seconds": ("0", "86400"),
    "max_drift": ("0.001", "0.1"),
    "order_timeout_seconds": ("5", "3600"),
    "stop_loss_timeout_seconds": ("5", "3600"),
    "max_requotes": ("0", "10"),
}
"""Least and most of every number, both allowed; those that are integers in `ExitTerms` are whole."""
_READERS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(("stop_loss", "first_take_profit", "trailing", "add"), _truth),
    "trailing_steps": _steps,
    **{
        name: _whole(int(least), int(most)) if isinstance(getattr(DEFAULT, name), int) else _between(least, most)
        for name, (least, most) in RANGES.items()
    },
}
