"""The form of a request for an execution: every malformed field is refused here, before anything is decided."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ops.errors import Code, Invalid
from ops.inputs import refuse_unknown, shown
from trading.execution.choices import Kind
from trading.orders.services.ticket import Ticket, decimal_of, key_of, strategy_of

MAX_LEGS: Final = 200
MAX_SLICES: Final = 240
MAX_CHILDREN: Final = 1000
_COMMON: Final = frozenset({"account", "kind", "strategy", "client_execution_id"})
_LEG: Final = frozenset({"symbol", "side", "quantity", "price_type", "price"})
_TARGET: Final = frozenset({"symbol", "quantity", "value", "weight", "price_type", "price"})
#: Fields of each kind that is asked for by itself; a replacement is asked for at its order.
FIELDS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.BASKET: _COMMON | {"legs"},
    Kind.TARGET: _COMMON | {"legs"},
    Kind.SPLIT: _COMMON | _LEG | {"child_quantity"},
    Kind.TWAP: _COMMON | _LEG | {"slices", "starts_at", "ends_at"},
}


@dataclass(frozen=True, slots=True)
class Target:
    """How much of one instrument to hold: exactly one of the three figures is given.

    ``value`` in CNY, ``weight`` of the account's total asset, between 0 and 1.
    """

    symbol: str
    price_type: str
    price: Any
    quantity: int | None = None
    value: Decimal | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A well-formed request; whether it may be had is another question."""

    kind: Kind
    key: str | None
    strategy: str
    digest: str
    terms: Mapping[str, Any]
    tickets: tuple[Ticket, ...] = ()
    targets: tuple[Target, ...] = ()
    child_quantity: int | None = None
    slices: int | None = None
    starts_at: dt.time | None = None
    ends_at: dt.time | None = None


def parse(body: Mapping[str, Any]) -> Wish:
    """Read a request for a basket, targets, a split or a TWAP.

    Raises
    ------
    Invalid
        The first malformed field, named (``legs[3].price``).
    """
    kind = _kind(body.get("kind"))
    refuse_unknown(body, FIELDS[kind])
    terms = {name: value for name, value in body.items() if name not in ("account", "client_execution_id")}
    strategy = strategy_of(body.get("strategy"))
    common: dict[str, Any] = {
        "kind": kind,
        "key": key_of(body.get("client_execution_id"), field="client_execution_id"),
        "strategy": strategy,
        "digest": digest_of(terms),
        "terms": terms,
    }
    if kind is Kind.BASKET:
        return Wish(**common, tickets=_basket(body.get("legs"), strategy))
    if kind is Kind.TARGET:
        return Wish(**common, targets=_targets(body.get("legs")))
    ticket = _ticket(body, strategy)
    if kind is Kind.SPLIT:
        size = _count(body.get("child_quantity"), "child_quantity", most=ticket.quantity)
        if ticket.quantity > size * MAX_CHILDREN:
            raise Invalid(Code.FIELD_INVALID, field="child_quantity", child_quantity=size, most_children=MAX_CHILDREN)
        return Wish(**common, tickets=(ticket,), child_quantity=size)
    return Wish(
        **common,
        tickets=(ticket,),
        slices=_count(body.get("slices"), "slices", most=MAX_SLICES),
        starts_at=None if body.get("starts_at") is None else _time(body["starts_at"], "starts_at"),
        ends_at=_time(body.get("ends_at"), "ends_at"),
    )


def digest_of(terms: Mapping[str, Any]) -> str:
    """What was asked for, as one text that equal requests share."""
    content = json.dumps(terms, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def _kind(value: Any) -> Kind:
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field="kind")
    if not isinstance(value, str) or value not in set(FIELDS):
        raise Invalid(Code.FIELD_INVALID, field="kind", kind=shown(value), allowed=[str(kind) for kind in FIELDS])
    return Kind(value)


def _ticket(body: Mapping[str, Any], strategy: str) -> Ticket:
    return Ticket.parse(
        symbol=body.get("symbol"),
        side=body.get("side"),
        quantity=body.get("quantity"),
        price_type=body.get("price_type", "LIMIT"),
        price=body.get("price"),
        client_order_id=None,
        strategy=strategy,
    )


def _rows(legs: Any, fields: frozenset[str]) -> Sequence[Mapping[str, Any]]:
    if legs is None:
        raise Invalid(Code.FIELD_REQUIRED, field="legs")
    if not isinstance(legs, list) or not 0 < len(legs) <= MAX_LEGS:
        raise Invalid(Code.FIELD_INVALID, f"legs is a list of 1 to {MAX_LEGS}", field="legs")
    for number, leg in enumerate(legs, 1):
        if not isinstance(leg, Mapping):
            raise Invalid(Code.FIELD_INVALID, field=f"legs[{number}]", leg=shown(leg))
        unknown = sorted(set(leg) - fields)
        if unknown:
            raise Invalid(Code.FIELD_UNKNOWN, field=f"legs[{number}].{unknown[0][:40]}", allowed=sorted(fields))
    return legs


def _basket(legs: Any, strategy: str) -> tuple[Ticket, ...]:
    tickets = []
    for number, leg in enumerate(_rows(legs, _LEG), 1):
        try:
            tickets.append(_ticket(leg, strategy))
        except Invalid as error:
            raise _of_leg(error, number) from None
    return tuple(tickets)


def _of_leg(error: Invalid, number: int) -> Invalid:
    return Invalid(error.code, field=f"legs[{number}].{error.field}", **error.details)


def _targets(legs: Any) -> tuple[Target, ...]:
    targets = []
    for number, leg in enumerate(_rows(legs, _TARGET), 1):
        figures = [name for name in ("quantity", "value", "weight") if leg.get(name) is not None]
        if len(figures) != 1:
            raise Invalid(
                Code.FIELD_INVALID, "exactly one of quantity, value, weight", field=f"legs[{number}]", given=figures
            )
        try:
            # Everything but the side and the quantity, which follow from the holding.
            form = _ticket({**leg, "side": "BUY", "quantity": 1, "price_type": leg.get("price_type", "LATEST")}, "")
            figure = _figure(figures[0], leg[figures[0]])
        except Invalid as error:
            raise _of_leg(error, number) from None
        figure_of: dict[str, Any] = {figures[0]: figure}
        targets.append(Target(symbol=form.symbol, price_type=str(form.price_type), price=form.price, **figure_of))
    return tuple(targets)


def _figure(name: str, value: Any) -> int | Decimal:
    number = decimal_of(value)
    most = {"weight": Decimal(1)}.get(name, Decimal(10**12))
    if number is None or not number.is_finite() or abs(number.adjusted()) > 30 or not 0 <= number <= most:
        raise Invalid(Code.FIELD_INVALID, field=name, value=shown(value))
    if name != "quantity":
        return number
    if number != number.to_integral_value() or isinstance(value, float):
        raise Invalid(Code.QUANTITY_INVALID, field=name, quantity=shown(value))
    return int(number)


def _count(value: Any, field: str, *, most: int) -> int:
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), allowed=f"1..{most}")
    return value


def _time(value: Any, field: str) -> dt.time:
    """A time of the trading day, Shanghai: HH:MM or HH:MM:SS."""
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field=field)
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            return dt.datetime.strptime(value, form).time()  # noqa: DTZ007 - a time of day has no zone of its own
        except (ValueError, TypeError):
            continue
    raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value), allowed="HH:MM")
