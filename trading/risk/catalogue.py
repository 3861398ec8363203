"""Every kind of limit: its unit, its parameters, the check that asks it, and what that check has to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from enum import Flag, auto
from typing import Any, Final

from ops.errors import Code, Denied, Invalid
from ops.inputs import shown
from qmt.codes import CodeError, parse_symbol
from qmt.gateway import Side
from trading.risk.choices import LimitKind, Unit
from trading.risk.context import CheckContext
from trading.risk.limits import Limit
from trading.risk.rules import lists, pace, prices, sizes

LimitCheck = Callable[[CheckContext, Limit], Denied | None]
MAX_SYMBOLS = 2000


class Needs(Flag):
    """What has to be read before a check of this kind can judge."""

    NOTHING = 0
    USAGE = auto()
    WORKING = auto()
    RECENT = auto()
    POSITIONS = auto()
    BOUGHT = auto()
    LISTING = auto()


@dataclass(frozen=True, slots=True)
class KindRule:
    """One kind of limit.

    Attributes
    ----------
    params
        Reader of each parameter: name to (function that reads it, whether it must be given).
    """

    unit: Unit
    check: LimitCheck
    needs: Needs = Needs.NOTHING
    whole: bool = False
    params: Mapping[str, tuple[Callable[[str, Any], Any], bool]] = field(default_factory=dict)


def read_symbols(name: str, value: Any) -> list[str]:
    """Full symbols, each once, sorted; raises Invalid naming the field."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SYMBOLS:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=f"1 to {MAX_SYMBOLS} symbols")
    found = set()
    for text in value:
        try:
            found.add(str(parse_symbol(text)))
        except (CodeError, TypeError, AttributeError):
            raise Invalid(Code.SYMBOL_UNKNOWN, field=name, symbol=shown(text)) from None
    return sorted(found)


def read_sides(name: str, value: Any) -> list[str]:
    """Sides, each once, sorted; raises Invalid naming the field."""
    allowed = [str(side) for side in Side]
    if not isinstance(value, list) or not value or any(side not in allowed for side in value):
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=allowed)
    return sorted(set(value))


def _time(name: str, value: Any) -> str:
    try:
        read = time.fromisoformat(value)
    except (TypeError, ValueError):
        read = None
    if read is None or read.tzinfo is not None:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed="HH:MM or HH:MM:SS")
    return read.isoformat()


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 1_000_000:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed="1 to 1000000")
    return value


def _percent(name: str, value: Any) -> str:
    try:
        read = Decimal(str(value))
    except ArithmeticError:
        read = Decimal("NaN")
    if isinstance(value, bool) or not read.is_finite() or not 0 <= read <= 100:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed="0 to 100")
    return str(read)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value), allowed=[True, False])
    return value


_STOP = {"reduce": (_flag, False)}

CATALOGUE: Final[Mapping[LimitKind, KindRule]] = {
    LimitKind.SIDES: KindRule(Unit.NONE, lists.sides, params={"sides": (read_sides, True)}),
    LimitKind.TIME_WINDOW: KindRule(Unit.NONE, lists.time_window, params={"from": (_time, True), "to": (_time, True)}),
    LimitKind.SYMBOL_ALLOW: KindRule(Unit.NONE, lists.symbol_allow, params={"symbols": (read_symbols, True)}),
    LimitKind.SYMBOL_DENY: KindRule(Unit.NONE, lists.symbol_deny, params={"symbols": (read_symbols, True)}),
    LimitKind.ST_DENY: KindRule(Unit.NONE, lists.st_deny),
    LimitKind.NEW_LISTING_DENY: KindRule(Unit.DAYS, lists.new_listing_deny, Needs.LISTING, whole=True),
    LimitKind.ORDERS_PER_SECOND: KindRule(Unit.COUNT, pace.orders_per_second, Needs.USAGE, whole=True),
    LimitKind.ORDERS_PER_DAY: KindRule(Unit.COUNT, pace.orders_per_day, Needs.USAGE, whole=True),
    LimitKind.CANCEL_RATIO: KindRule(
        Unit.PERCENT, pace.cancel_ratio, Needs.USAGE, params={"minimum": (_count, False), "warn": (_percent, False)}
    ),
    LimitKind.ACTIVE_ORDERS: KindRule(Unit.COUNT, pace.active_orders, Needs.WORKING, whole=True),
    LimitKind.DUPLICATE_ORDER: KindRule(Unit.SECONDS, pace.duplicate_order, Needs.RECENT),
    LimitKind.SELF_TRADE: KindRule(Unit.NONE, pace.self_trade, Needs.WORKING),
    LimitKind.DAILY_LOSS: KindRule(Unit.YUAN, sizes.daily_loss, Needs.USAGE, params=_STOP),
    LimitKind.DRAWDOWN: KindRule(Unit.PERCENT, sizes.drawdown, Needs.USAGE, params=_STOP),
    LimitKind.PRICE_COLLAR: KindRule(Unit.PERCENT, prices.collar),
    LimitKind.ORDER_QUANTITY: KindRule(Unit.SHARES, sizes.order_quantity, whole=True),
    LimitKind.ORDER_VALUE: KindRule(Unit.YUAN, sizes.order_value),
    LimitKind.ST_DAY_QUANTITY: KindRule(Unit.SHARES, sizes.st_day_quantity, Needs.BOUGHT, whole=True),
    LimitKind.POSITION_VALUE: KindRule(Unit.YUAN, sizes.position_value, Needs.POSITIONS | Needs.WORKING),
    LimitKind.CONCENTRATION: KindRule(Unit.PERCENT, sizes.concentration, Needs.POSITIONS | Needs.WORKING),
    LimitKind.EXPOSURE: KindRule(Unit.YUAN, sizes.exposure, Needs.POSITIONS | Needs.WORKING),
    LimitKind.DAILY_TURNOVER: KindRule(Unit.YUAN, sizes.daily_turnover, Needs.USAGE | Needs.WORKING),
}

#: Kinds about the account's holdings and equity: a strategy or a person has none of their own to measure.
ACCOUNT_ONLY: Final = frozenset({LimitKind.DAILY_LOSS, LimitKind.DRAWDOWN})


def needs_of(limits: tuple[Limit, ...]) -> Needs:
    """Everything that has to be read for these limits."""
    needs = Needs.NOTHING
    for limit in limits:
        needs |= CATALOGUE[limit.kind].needs
    return needs


def limit_denials(context: CheckContext) -> list[Denied]:
    """The denial of each kind of limit that refuses the order, in the order of the kinds.

    Of several limits of one kind the most restrictive is named: the one that leaves least.
    """
    facts = context.facts
    if facts is None or context.flattening:
        return []
    found: dict[LimitKind, Denied] = {}
    for limit in facts.limits:
        denial = CATALOGUE[limit.kind].check(context, limit)
        if denial is None:
            continue
        named = found.get(limit.kind)
        if named is None or _left(denial) < _left(named):
            found[limit.kind] = denial
    return list(found.values())


def _left(denial: Denied) -> int:
    allowed = denial.details.get("allowed_quantity")
    return allowed if isinstance(allowed, int) else 0


def read_params(kind: LimitKind, given: Any) -> dict[str, Any]:
    """The parameters of a limit, read strictly.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, FIELD_UNKNOWN or FIELD_INVALID, naming the parameter.
    """
    rule = CATALOGUE[kind]
    if not isinstance(given, Mapping):
        raise Invalid(Code.FIELD_INVALID, field="params", value=shown(given))
    unknown = sorted(set(given) - set(rule.params))
    if unknown:
        raise Invalid(Code.FIELD_UNKNOWN, field=f"params.{shown(unknown[0])}", allowed=sorted(rule.params))
    read = {}
    for name, (reader, required) in rule.params.items():
        if name in given:
            read[name] = reader(f"params.{name}", given[name])
        elif required:
            raise Invalid(Code.FIELD_REQUIRED, field=f"params.{name}")
    if kind is LimitKind.TIME_WINDOW and read["from"] >= read["to"]:
        raise Invalid(Code.FIELD_INVALID, field="params.to", value=read["to"], after=read["from"])
    return read


def read_value(kind: LimitKind, given: Any) -> Decimal | None:
    """The value of a limit in its kind's unit; None for kinds without one.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, or FIELD_INVALID: not a number, negative, too fine, or one where none belongs.
    """
    rule = CATALOGUE[kind]
    if rule.unit is Unit.NONE:
        if given is not None:
            raise Invalid(Code.FIELD_INVALID, field="value", value=shown(given), allowed=None)
        return None
    if given is None:
        raise Invalid(Code.FIELD_REQUIRED, field="value", unit=str(rule.unit))
    try:
        value = Decimal(str(given))
    except ArithmeticError:
        value = Decimal("NaN")
    bad = isinstance(given, bool) or not value.is_finite() or value < 0 or value >= 10**15
    if bad or abs(value.adjusted()) > 20 or value != value.quantize(Decimal(1) if rule.whole else Decimal("0.0001")):
        raise Invalid(Code.FIELD_INVALID, field="value", value=shown(given), unit=str(rule.unit))
    return value
