"""What the platform answers, typed. Money and prices are Decimal, quantities int (shares), times aware.

Statuses and kinds are text on purpose: a newer platform may know one more, and that must not break a running script. Fields
that this version does not know are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from qmtdesk.errors import DeskError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument with the facts of its latest trade date."""

    symbol: str
    name: str
    pinyin: str
    market: str
    board: str
    kind: str
    lot_size: int
    min_quantity: int
    quantity_step: int
    tick: Decimal
    volume_unit: int
    t_plus: int
    is_st: bool
    max_limit_quantity: int
    max_market_quantity: int
    tradable: bool
    list_date: date | None = None
    delist_date: date | None = None
    trade_date: date | None = None
    pre_close: Decimal | None = None
    limit_up: Decimal | None = None
    limit_down: Decimal | None = None
    suspended: bool | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest snapshot of an instrument: five levels, sizes and volume in shares, `ts` the event's epoch ms."""

    symbol: str
    ts: int
    last: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    pre_close: float | None = None
    volume: int | None = None
    amount: float | None = None
    bid: tuple[float, ...] = ()
    ask: tuple[float, ...] = ()
    bid_volume: tuple[int, ...] = ()
    ask_volume: tuple[int, ...] = ()
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Trading days of a market, and where its clock stands."""

    market: str
    trading_days: tuple[date, ...]
    holidays: tuple[date, ...]
    trade_date: date
    phase: str
    market_time: datetime
    simulated: bool


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector; its members are known from `known_since` on."""

    name: str
    known_since: date | None = None
    retired_on: date | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A membership; `valid_to` is its last day, None while it lasts."""

    symbol: str
    name: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """A constituent of an index, its weight in per cent."""

    symbol: str
    name: str
    weight: float
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Long work: `done` of `total` in the unit of its kind."""

    id: str
    kind: str
    status: str
    total: int
    done: int
    message: str = ""
    error: str = ""
    seconds_left: float | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class Sync:
    """Whether bars are missing, and the job that fetches them."""

    complete: bool
    missing_days: int
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Bars that are still being downloaded."""

    job: Job
    missing_days: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """One instrument and period; the counts are trading days, `expected` is the sum of those after it."""

    symbol: str
    name: str
    period: str
    expected: int
    present: int
    suspended: int
    source_empty: int
    source_depth: int
    missing: int
    first_ts: int | None = None
    last_ts: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A broker account, its trading state and the caller's rights."""

    id: int
    account_no: str
    name: str
    mode: str
    state: str
    enabled: bool
    rights: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Asset:
    """An account's money as the broker last stated it, and what is promised of it on the platform."""

    account: int
    cash: Decimal
    frozen_cash: Decimal
    market_value: Decimal
    total_asset: Decimal
    at: datetime
    reserved_cash: Decimal | None = None
    available_cash: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """One holding; `sellable` may be sold today (T+1)."""

    account: int
    symbol: str
    quantity: int
    sellable: int
    frozen: int
    on_road: int
    yesterday: int
    avg_price: Decimal
    open_price: Decimal
    last_price: Decimal
    market_value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Positions:
    """Holdings; an unchanged `version` of one account means that nothing changed."""

    version: int | None
    results: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as it stands."""

    id: str
    account: int
    client_order_id: str | None
    strategy: str
    source: str
    created_by: str | None
    simulated: bool
    symbol: str
    side: str
    price_type: str
    price: Decimal | None
    quantity: int
    traded_quantity: int
    traded_amount: Decimal
    avg_price: Decimal | None
    status: str
    version: int
    trade_date: date
    order_id: str
    order_sysid: str
    code: str
    message: str
    details: Mapping[str, Any]
    submitted_at: datetime
    expires_at: datetime
    reported_at: datetime | None = None
    final_at: datetime | None = None
    cancel_requested_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will become of it any more."""
        return self.final_at is not None


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill with its fees by rule."""

    id: int
    account: int
    order: str | None
    trade_date: date
    exchange: str
    order_sysid: str
    traded_id: str
    symbol: str
    side: str
    price: Decimal
    quantity: int
    amount: Decimal
    commission: Decimal
    stamp_duty: Decimal
    transfer_fee: Decimal
    fees: Decimal
    traded_at: datetime
    broker_commission: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of an order's timeline."""

    seq: int
    kind: str
    from_status: str
    to_status: str
    data: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetail(Order):
    """One order with its timeline and its fills."""

    events: tuple[OrderEvent, ...]
    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What became of one order of a wish to cancel several."""

    order: str
    symbol: str
    side: str
    status: str
    outcome: str | None
    code: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of an order and what it says."""

    check: str
    verdict: str
    code: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """What would become of an order."""

    account: int
    symbol: str
    side: str
    quantity: int
    price_type: str
    price: Decimal | None
    trade_date: date
    accepted: bool
    checks: tuple[Verdict, ...]
    reservation: Mapping[str, Any]
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of an execution with what it has come to."""

    number: int
    symbol: str
    side: str
    quantity: int
    price_type: str
    price: Decimal | None
    traded_quantity: int
    traded_amount: Decimal
    ended: bool
    code: str


@dataclass(frozen=True, slots=True)
class Execution:
    """A basket, targets, a split, a TWAP or a replacement as it stands."""

    id: str
    account: int
    kind: str
    state: str
    ending: str
    code: str
    client_execution_id: str | None
    strategy: str
    created_by: str
    version: int
    trade_date: date
    quantity: int
    traded_quantity: int
    created_at: datetime
    legs: tuple[Leg, ...]
    replaces: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    final_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.final_at is not None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def parsed(kind: type[T], content: bytes) -> T:
    """Read JSON text as `kind`.

    Raises
    ------
    DeskError
        NOT_UNDERSTOOD: a proxy's page, or a platform of another age.
    """
    try:
        value: T = _adapter(cast(Any, kind)).validate_json(content)
    except ValidationError as error:
        raise _not_understood(kind, error) from None
    return value


def typed(kind: type[T], value: Any) -> T:
    """Read plain values as `kind`, as `parsed` does."""
    try:
        found: T = _adapter(cast(Any, kind)).validate_python(value)
    except ValidationError as error:
        raise _not_understood(kind, error) from None
    return found


def _not_understood(kind: Any, error: ValidationError) -> DeskError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return DeskError("NOT_UNDERSTOOD", f"not a {getattr(kind, '__name__', kind)}: {where}: {first['msg']}", field=where)
