"""Values that cross the border of the exchange core: orders in, views and events out.

Units: ``quantity`` in shares (bonds: 张), money and order prices as Decimal CNY, market-data prices as float CNY, volumes of
ticks and bars in lots (手) as a QMT terminal serves them, every time as epoch milliseconds or seconds of *market* time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

import numpy as np

from qmt.calendar import Phase
from qmt.codes import Board, Kind, Market
from qmt.gateway import Side

BAR_DTYPE = np.dtype(
    [
        ("time", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "i8"),
        ("amount", "f8"),
        ("settelementPrice", "f8"),  # sic: the SDK's own spelling
        ("openInterest", "i4"),
        ("preClose", "f8"),
        ("suspendFlag", "i4"),
    ]
)
"""Bars with QMT's field names; ``volume`` in lots, ``time`` in ms: midnight of the day, or the minute's right edge."""

TICK_DTYPE = np.dtype(
    [
        ("time", "i8"),
        ("lastPrice", "f8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("lastClose", "f8"),
        ("amount", "f8"),
        ("volume", "i8"),
        ("pvolume", "i8"),
        ("stockStatus", "i4"),
        ("openInt", "i4"),
        ("transactionNum", "i4"),
        ("lastSettlementPrice", "f8"),
        ("settlementPrice", "f8"),
        ("pe", "f8"),
        ("askPrice", "f8", (5,)),
        ("bidPrice", "f8", (5,)),
        ("askVol", "i8", (5,)),
        ("bidVol", "i8", (5,)),
    ]
)
"""Five-level snapshots; ``volume`` (lots), ``pvolume`` (shares) and ``amount`` are cumulative for the day."""

FACTOR_DTYPE = np.dtype(
    [
        ("time", "i8"),
        ("interest", "f8"),
        ("stockBonus", "f8"),
        ("stockGift", "f8"),
        ("allotNum", "f8"),
        ("allotPrice", "f8"),
        ("gugai", "f8"),
        ("dr", "f8"),
    ]
)
"""Ex-rights rows as ``get_divid_factors`` gives them, per share; ``dr`` = close before / ex-rights reference."""


class OrderStatus(IntEnum):
    """Order states of XtQuant (委托状态)."""

    UNREPORTED = 48
    WAIT_REPORTING = 49
    REPORTED = 50
    REPORTED_CANCEL = 51
    PARTSUCC_CANCEL = 52
    PART_CANCEL = 53
    CANCELED = 54
    PART_SUCC = 55
    SUCCEEDED = 56
    JUNK = 57

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in _FINAL

    @property
    def is_cancelable(self) -> bool:
        """Whether a cancel may still be asked for."""
        return self in _CANCELABLE


_FINAL = frozenset({OrderStatus.PART_CANCEL, OrderStatus.CANCELED, OrderStatus.SUCCEEDED, OrderStatus.JUNK})
_CANCELABLE = frozenset(
    {OrderStatus.UNREPORTED, OrderStatus.WAIT_REPORTING, OrderStatus.REPORTED, OrderStatus.PART_SUCC}
)


class TradingStatus(IntEnum):
    """Code in a tick's ``openInt`` (and ``stockStatus``): the state of the instrument's session."""

    PRE_OPEN = 11
    AUCTION = 12
    CONTINUOUS = 13
    BREAK = 14
    CLOSED = 15
    HALTED = 17
    CLOSING_AUCTION = 18


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """A simulated broker account, opened with its cash the first time the terminal sees it."""

    account_id: str
    account_type: int = 2
    opening_cash: Decimal = Decimal("1000000.00")
    commission_rate: Decimal = Decimal("0.00025")
    minimum_commission: Decimal = Decimal("5.00")
    opening_positions: Mapping[str, int] = field(default_factory=dict)
    """Shares per symbol held from the start, entered at the previous close and sellable at once."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is fixed about an instrument. What belongs to one date is in :class:`DayFacts`."""

    symbol: str
    name: str
    market: Market
    board: Board
    kind: Kind
    list_date: dt.date
    delist_date: dt.date | None = None
    t_plus: int = 1
    """0 when bought shares may be sold the same day."""
    tick_milli: int = 10
    """Price step in thousandths of a yuan."""
    volume_unit: int = 100
    """Shares (bonds: 张) in one lot of bar and tick volume."""
    total_shares: int = 0
    float_shares: int = 0

    @property
    def tradable(self) -> bool:
        """Indices have prices but no orders."""
        return self.kind not in (Kind.INDEX, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class DayFacts:
    """One instrument on one trade date. Prices in thousandths of a yuan."""

    symbol: str
    trade_date: dt.date
    name: str
    """With the date's prefix: N (first day), C (days 2–5), XD/XR/DR (ex-date), ST, *ST."""
    pre_close_milli: int
    """Reference price: the ex-rights previous close (issue price on the first day)."""
    limit_up_milli: int | None
    """None on a day without price limits."""
    limit_down_milli: int | None
    suspended: bool
    is_st: bool


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """Ex-rights terms per share held at the close before ``ex_date``."""

    symbol: str
    ex_date: dt.date
    cash: Decimal = Decimal(0)
    bonus: Decimal = Decimal(0)
    gift: Decimal = Decimal(0)
    allot_ratio: Decimal = Decimal(0)
    allot_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A level-1 snapshot with a terminal's fields. Prices CNY, level sizes and ``volume`` in lots."""

    symbol: str
    time_ms: int
    last_price: float
    open: float
    high: float
    low: float
    last_close: float
    volume: int
    pvolume: int
    amount: float
    transaction_num: int
    status: TradingStatus
    ask_price: tuple[float, ...]
    bid_price: tuple[float, ...]
    ask_vol: tuple[int, ...]
    bid_vol: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as a client sends it, before any check."""

    account_id: str
    symbol: str
    side: Side
    quantity: int
    price_type: int
    """The SDK's number, see `qmt.pricetypes`."""
    price: Decimal
    """Limit; for a market kind its protection limit, 0 without one."""
    strategy_name: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """``order_id`` > 0 when the terminal took the order; else −1 with the counter's words."""

    order_id: int
    error_id: int = 0
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether an order now exists."""
        return self.order_id > 0


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Answer to a cancel. Success means *asked for*: the truth is the order's own status."""

    ok: bool
    order_id: int
    order_sysid: str = ""
    error_id: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order of today as a query or push shows it."""

    account_id: str
    account_type: int
    order_id: int
    order_sysid: str
    """Empty until the exchange has it."""
    symbol: str
    instrument_name: str
    side: Side
    quantity: int
    price_type: int
    price: Decimal
    traded_quantity: int
    traded_price: Decimal
    """Average of the fills so far; 0 without any."""
    status: OrderStatus
    status_msg: str
    strategy_name: str
    remark: str
    """At most 24 ASCII characters come back."""
    order_time: int
    """Epoch seconds, market time."""


@dataclass(frozen=True, slots=True)
class TradeView:
    """A fill of today."""

    account_id: str
    account_type: int
    traded_id: str
    order_id: int
    order_sysid: str
    symbol: str
    instrument_name: str
    side: Side
    price: Decimal
    quantity: int
    amount: Decimal
    commission: Decimal
    transfer_fee: Decimal
    stamp_duty: Decimal
    strategy_name: str
    remark: str
    traded_time: int
    """Epoch seconds, market time."""

    @property
    def fees(self) -> Decimal:
        """Everything the fill cost beside its amount."""
        return self.commission + self.transfer_fee + self.stamp_duty


@dataclass(frozen=True, slots=True)
class AssetView:
    """Money of an account. ``total_asset`` = cash + frozen_cash + market_value."""

    account_id: str
    account_type: int
    cash: Decimal
    """Buying power: sale proceeds of today count."""
    frozen_cash: Decimal
    withdrawable: Decimal
    market_value: Decimal
    total_asset: Decimal


@dataclass(frozen=True, slots=True)
class PositionView:
    """A holding. ``quantity`` = sellable + frozen + on_road."""

    account_id: str
    account_type: int
    symbol: str
    instrument_name: str
    quantity: int
    sellable: int
    frozen: int
    """In open sell orders."""
    on_road: int
    """Bought today under T+1."""
    yesterday: int
    open_price: Decimal
    """Average buying price without fees."""
    avg_price: Decimal
    """Cost per share, buying fees included."""
    last_price: Decimal
    market_value: Decimal


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account the terminal is logged in to. ``status`` 0 is OK."""

    account_id: str
    account_type: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """The order changed; its view right after the change."""

    order: OrderView


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """A fill happened."""

    trade: TradeView


@dataclass(frozen=True, slots=True)
class AssetEvent:
    """The account's money changed."""

    asset: AssetView


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """A holding changed."""

    position: PositionView


@dataclass(frozen=True, slots=True)
class QuoteEvent:
    """New snapshots, only of instruments that have one."""

    at_ms: int
    ticks: Mapping[str, Tick]


@dataclass(frozen=True, slots=True)
class PhaseEvent:
    """The market entered a phase."""

    trade_date: dt.date
    phase: Phase
    at_ms: int


@dataclass(frozen=True, slots=True)
class DayEvent:
    """A new trade date began; yesterday's orders and fills are no longer shown."""

    trade_date: dt.date
    previous: dt.date
    at_ms: int


ExchangeEvent = OrderEvent | TradeEvent | AssetEvent | PositionEvent | QuoteEvent | PhaseEvent | DayEvent
