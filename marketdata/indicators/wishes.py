"""What a caller asks for, in the terminals' way of writing: ``MA(5,10,20),MACD,KDJ(9,3,3),BOLL(20,2.5)``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketdata.indicators.catalogue import CATALOGUE, MAX_LENGTHS, Bars, Indicator, Parameter
from marketdata.indicators.kernels import Floats
from ops.errors import Code, Invalid
from ops.inputs import shown

MAX_WISHES = 10
MAX_CHARACTERS = 400

_ONE = re.compile(r"\s*([A-Za-z]{1,10})\s*(?:\(([0-9.,\s]*)\))?\s*(,|$)")
_NUMBER = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Wish:
    """One indicator with the values of its parameters, checked."""

    indicator: Indicator
    values: tuple[Decimal, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it answers."""
        return self.indicator.columns(self.values)


def parse_wishes(text: object) -> tuple[Wish, ...]:
    """Read a list of indicators.

    Raises
    ------
    Invalid
        FIELD_REQUIRED: nothing is named. INDICATOR_UNKNOWN. FIELD_INVALID: not of this form, too many, a parameter
        that is missing, out of its range or no whole number, or the same column twice.
    """
    if not isinstance(text, str) or not text.strip():
        raise Invalid(Code.FIELD_REQUIRED, "name at least one indicator, as MA(5,10),MACD", field="indicators")
    if len(text) > MAX_CHARACTERS:
        raise Invalid(Code.FIELD_INVALID, f"indicators has at most {MAX_CHARACTERS} characters", field="indicators")
    wishes: list[Wish] = []
    at = 0
    while at < len(text):
        match = _ONE.match(text, at)
        if match is None:
            raise _refusal(f"indicators={shown(text[at : at + 20])} is not of the form NAME or NAME(1,2,3)")
        wishes.append(_wish(match[1].upper(), match[2]))
        at = match.end()
    if len(wishes) > MAX_WISHES:
        raise _refusal(f"at most {MAX_WISHES} indicators in one request")
    columns = [column for wish in wishes for column in wish.columns]
    if doubled := sorted({column for column in columns if columns.count(column) > 1}):
        raise _refusal(f"asked for twice: {', '.join(doubled)}")
    return tuple(wishes)


def compute(wishes: Sequence[Wish], bars: Bars) -> dict[str, Floats]:
    """Each wish's columns over one instrument's closed bars, by name; NaN where too few bars came before."""
    answer: dict[str, Floats] = {}
    for wish in wishes:
        answer |= dict(zip(wish.columns, wish.indicator.compute(bars, wish.values), strict=True))
    return answer


def warm_up(wishes: Sequence[Wish]) -> int:
    """Bars to read before the first one that is answered."""
    return max(wish.indicator.look_back(wish.values) for wish in wishes)


def _wish(name: str, listed: str | None) -> Wish:
    indicator = CATALOGUE.get(name)
    if indicator is None:
        raise Invalid(
            Code.INDICATOR_UNKNOWN,
            f"there is no indicator {name}; available: {', '.join(CATALOGUE)}",
            field="indicators",
            available=list(CATALOGUE),
        )
    if listed is None:
        return Wish(indicator, tuple(parameter.default for parameter in indicator.parameters))
    texts = [part.strip() for part in listed.split(",")]
    parameters = indicator.parameters * (len(texts) if indicator.repeated else 1)
    if len(texts) != len(parameters) or len(texts) > MAX_LENGTHS:
        taken = f"1 to {MAX_LENGTHS}" if indicator.repeated else str(len(parameters))
        raise _refusal(f"{name} takes {taken} parameters, not {len(texts)}")
    values = tuple(_value(name, *pair) for pair in zip(parameters, texts, strict=True))
    return Wish(indicator, values)


def _value(name: str, parameter: Parameter, text: str) -> Decimal:
    value = Decimal(text) if _NUMBER.fullmatch(text) else None
    if (
        value is None
        or not parameter.low <= value <= parameter.high
        or (parameter.whole and value != value.to_integral_value())
    ):
        kind = "a whole number" if parameter.whole else "a number"
        raise _refusal(
            f"{name}: {parameter.name}={shown(text)} must be {kind} from {parameter.low} to {parameter.high}"
        )
    return value


def _refusal(message: str) -> Invalid:
    return Invalid(Code.FIELD_INVALID, message, field="indicators")
