"""The one seam between the platform and a QMT terminal.

Frozen dataclasses cross it, never SDK objects (those are native structs: not picklable, without ``__dict__``). Two
implementations stand behind the same two protocols: `qmt.session` / `qmt.quotes` over the SDK, and
`qmt.terminal.inprocess` over the exchange core directly.

Units: quantities in shares (bonds: 张), prices in CNY per share as `Decimal` wherever they decide something, quotes
and bars as float for display and analysis, event times in epoch milliseconds, ``received_at_ns`` in epoch nanoseconds
of this machine's wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from qmt.calendar import Phase
    from qmt.codes import Kind
    from qmt.newissues import IssueData, Quotas
    from qmt.reference import ReferenceGateway

STOCK_ACCOUNT = 2
MAX_TAG_LENGTH = 24


class Side(StrEnum):
    """Direction of an order or a fill."""

    BUY = "BUY"
    SELL = "SELL"


class PriceType(StrEnum):
    """How an order is priced. Which exchange takes which, and the SDK's numbers: `qmt.pricetypes`."""

    LIMIT = "LIMIT"
    LATEST = "LATEST"
    BEST5_CANCEL = "BEST5_CANCEL"
    BEST5_LIMIT = "BEST5_LIMIT"
    PEER_BEST = "PEER_BEST"
    OWN_BEST = "OWN_BEST"
    IOC = "IOC"
    FOK = "FOK"


class Period(StrEnum):
    """The bar periods that are downloaded and stored; longer ones are aggregated from them."""

    TICK = "tick"
    MINUTE_1 = "1m"
    MINUTE_5 = "5m"
    DAY_1 = "1d"


@dataclass(frozen=True, slots=True)
class AccountRef:
    """A broker account as the terminal knows it."""

    account_no: str
    account_type: int = STOCK_ACCOUNT


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to send.

    Attributes
    ----------
    quantity : int
        Shares, positive.
    price : Decimal
        Limit price; the protection limit of a market kind that carries one; else 0.
    tag : str
        Unique correlation mark, 1 to 24 ASCII characters: it travels in the order's remark and comes back with every
        push.
    """

    account_no: str
    account_type: int
    symbol: str
    side: Side
    quantity: int
    price_type: PriceType
    price: Decimal
    tag: str
    strategy: str = ""

    @property
    def account(self) -> AccountRef:
        """The account this order is for."""
        return AccountRef(self.account_no, self.account_type)


# --- events of the trade session ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received:
    received_at_ns: int = field(default_factory=time.time_ns, compare=False)


@dataclass(frozen=True, slots=True)
class OrderResponse(_Received):
    """The terminal's answer to a submission.

    ``order_id`` is None when the terminal gave none (the SDK's −1). With an ``error`` text that is a proven reject;
    without one it proves nothing, and the order is UNKNOWN.
    """

    seq: int
    tag: str
    order_id: int | None
    error: str


@dataclass(frozen=True, slots=True)
class OrderUpdate(_Received):
    """An order's state, pushed or queried.

    ``status`` is the terminal's code (48–57, 255). ``traded_price`` is the average of the fills so far.
    ``order_sysid`` is empty until the exchange has numbered the order.
    """

    account_no: str
    tag: str
    order_id: int
    order_sysid: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    traded_quantity: int
    traded_price: Decimal
    status: int
    status_msg: str
    order_time_ms: int


@dataclass(frozen=True, slots=True)
class TradeUpdate(_Received):
    """One fill, pushed or queried; a reconnect may push it again."""

    account_no: str
    tag: str
    order_id: int
    order_sysid: str
    traded_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: int
    amount: Decimal
    traded_at_ms: int


@dataclass(frozen=True, slots=True)
class AssetUpdate(_Received):
    """An account's money, pushed or queried."""

    account_no: str
    cash: Decimal
    frozen_cash: Decimal
    market_value: Decimal
    total_asset: Decimal


@dataclass(frozen=True, slots=True)
class PositionUpdate(_Received):
    """One holding, pushed or queried. ``last_price`` is 0 where the backend does not know it (see `qmt.capabilities`)."""

    account_no: str
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


@dataclass(frozen=True, slots=True)
class OrderError(_Received):
    """The terminal's or broker's words about a failed order. Match by ``seq`` and ``tag``, never by ``order_id`` alone."""

    seq: int
    tag: str
    order_id: int | None
    error_id: int
    message: str


@dataclass(frozen=True, slots=True)
class CancelResponse(_Received):
    """The terminal's answer to a cancel: ``result`` 0 means "passed on". The truth is the order's own status."""

    seq: int
    order_id: int
    order_sysid: str
    result: int
    message: str


@dataclass(frozen=True, slots=True)
class CancelError(_Received):
    """Words about a cancel that failed."""

    order_id: int
    order_sysid: str
    error_id: int
    message: str


@dataclass(frozen=True, slots=True)
class AccountStatus(_Received):
    """Login state of an account (0 OK, see the SDK's account status codes)."""

    account_no: str
    status: int


@dataclass(frozen=True, slots=True)
class Disconnected(_Received):
    """The session's link is gone. The SDK does not always say so: `TradeGateway.probe` is the other source."""

    reason: str


TradeEvent = (
    OrderResponse
    | OrderUpdate
    | TradeUpdate
    | AssetUpdate
    | PositionUpdate
    | OrderError
    | CancelResponse
    | CancelError
    | AccountStatus
    | Disconnected
)
TradeSink = Callable[[TradeEvent], None]


class TradeGateway(Protocol):
    """One trade session with one terminal. Constructed with a sink, which is called on SDK threads and must only enqueue."""

    @property
    def session_id(self) -> int:
        """The session id in use; 0 while closed."""

    @property
    def opened_at_ns(self) -> int:
        """When the present session was opened (epoch ns); 0 while closed. Evidence of absence must be younger than this."""

    @property
    def refused(self) -> Mapping[AccountRef, str]:
        """The accounts of the open session that the terminal does not let us follow, with its reason."""

    def open(self, accounts: Sequence[AccountRef]) -> None:
        """Connect with the next free session id and follow ``accounts``; those it refuses are in `refused`.

        Raises
        ------
        TerminalDown, SessionRefused
        SubscribeFailed
            The terminal refuses every account, or does not answer. Nothing stays open after a failure; call again to
            try the next id.
        """

    def follow(self) -> None:
        """Ask once more for the accounts in `refused`. Raises `SubscribeFailed` when there is no answer."""

    def close(self) -> None:
        """End the session. Never raises, never blocks longer than a few seconds."""

    def submit(self, request: OrderRequest) -> int:
        """Hand an order to the terminal and return the call's sequence number; the answer arrives as `OrderResponse`.

        Raises
        ------
        NotSent
            Nothing left this process (`RequestInvalid`, `SessionClosed`).
        SubmitUncertain
            The call was begun and gave no number: treat the order as UNKNOWN.
        """

    def cancel(self, account: AccountRef, order_id: int) -> int:
        """Ask for a cancel and return the call's sequence number; raises as `submit` does."""

    def query_asset(self, account: AccountRef, *, timeout_seconds: float) -> AssetUpdate:
        """Money of the account. Raises `QueryFailed` or `QueryTimeout`."""

    def query_orders(self, account: AccountRef, *, timeout_seconds: float) -> tuple[OrderUpdate, ...]:
        """Every order of the trade date, finished ones included; an empty tuple means none. Raises `QueryFailed` or `QueryTimeout`."""

    def query_trades(self, account: AccountRef, *, timeout_seconds: float) -> tuple[TradeUpdate, ...]:
        """Every fill of the trade date. Raises `QueryFailed` or `QueryTimeout`."""

    def query_positions(self, account: AccountRef, *, timeout_seconds: float) -> tuple[PositionUpdate, ...]:
        """Every holding. Raises `QueryFailed` or `QueryTimeout`."""

    def query_ipo_limits(self, account: AccountRef, *, timeout_seconds: float) -> Quotas:
        """Shares of new issues that the account may subscribe today, per quota. Raises `QueryFailed` or `QueryTimeout`."""

    def query_ipo_data(self, *, timeout_seconds: float) -> tuple[IssueData, ...]:
        """The new issues the terminal knows; their day of subscription may be another one. Raises `QueryFailed` or `QueryTimeout`."""

    def probe(self, *, timeout_seconds: float = 3.0) -> None:
        """One real round trip to the terminal. Raises `QueryFailed` or `QueryTimeout` when the session is sick."""


# --- quotes and history ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quote:
    """A five-level snapshot. ``volume`` is cumulative for the day, in shares; level sizes are in shares too.

    ``status`` is the exchange's trading-status code (the SDK's ``openInt``: 12 auction, 13 continuous, 14 break, 15
    closed, 17 halted, …). ``pvolume`` is the terminal's own share count, ``transactions`` the day's number of trades; None
    where it says nothing.
    """

    symbol: str
    ts: int
    last: float
    open: float
    high: float
    low: float
    pre_close: float
    volume: int
    amount: float
    bid: tuple[float, ...]
    ask: tuple[float, ...]
    bid_volume: tuple[int, ...]
    ask_volume: tuple[int, ...]
    status: int
    pvolume: int | None = None
    transactions: int | None = None


MAX_SINGLE_SUBSCRIPTIONS: Final = 50
"""The SDK's documentation: beyond it follow whole markets."""

QuoteBatch = Mapping[str, Quote]
QuoteCallback = Callable[[QuoteBatch], None]


@dataclass(frozen=True, slots=True)
class InstrumentDetail:
    """Facts of one instrument as the terminal states them today.

    Attributes
    ----------
    kind : Kind
        What it is by its exchange's number plan.
    volume_unit : int
        Shares per lot in the terminal's bars and ticks (100; convertibles 10).
    trade_date : date or None
        The day that ``pre_close`` and the limits are valid for.
    limit_up, limit_down : Decimal
        0 when the day has no limit.
    max_limit_quantity, max_market_quantity : int
        Shares in one order; 0 when not stated.
    """

    symbol: str
    name: str
    kind: Kind
    trade_date: date | None
    list_date: date | None
    delist_date: date | None
    pre_close: Decimal
    limit_up: Decimal
    limit_down: Decimal
    tick: Decimal
    volume_unit: int
    suspended: bool
    tradable: bool
    min_limit_quantity: int
    max_limit_quantity: int
    min_market_quantity: int
    max_market_quantity: int
    float_volume: int
    total_volume: int


@dataclass(frozen=True, slots=True)
class DividendFactor:
    """One ex-rights event: cash, bonus and allotment per share, and the terminal's own ratio ``dr``."""

    symbol: str
    date: date
    interest: Decimal
    stock_bonus: Decimal
    stock_gift: Decimal
    allot_num: Decimal
    allot_price: Decimal
    gugai: Decimal
    dr: Decimal


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download has come; ``symbol`` is the one just finished."""

    finished: int
    total: int
    symbol: str
    message: str


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The market clock of one host: what day and phase the terminal is in, and how far its time is from ours (market − wall)."""

    trade_date: date
    phase: Phase
    market_time_ms: int
    offset_ms: int
    simulated: bool


ProgressCallback = Callable[[DownloadProgress], None]
MarketCode = Literal["SH", "SZ", "BJ"]


class QuoteGateway(Protocol):
    """One quote session with one terminal. Bounds are ``YYYYMMDD`` or ``YYYYMMDDHHMMSS`` text in Shanghai time, both ends included."""

    def connect(self, address: str) -> None:
        """Connect to ``host:port`` and verify that it is the configured terminal. Replays the registered subscriptions.

        Raises
        ------
        TerminalDown, WrongTerminal
        """

    def close(self) -> None:
        """End the session. Never raises."""

    def is_alive(self) -> bool:
        """One real round trip; False instead of an exception."""

    def download(
        self,
        symbols: Sequence[str],
        period: Period,
        start: str,
        end: str,
        on_progress: ProgressCallback | None = None,
        deadline_seconds: float = 600.0,
    ) -> None:
        """Have the terminal fetch history to its disk. Returning proves nothing has landed: read it back.

        Raises
        ------
        DownloadFailed, DownloadTimeout, DownloadThrottled, TerminalDown
        """

    def read_local(self, symbols: Sequence[str], period: Period, start: str, end: str) -> dict[str, pd.DataFrame]:
        """Raw bars that have landed on the terminal's disk, one frame per symbol (possibly empty).

        Returns
        -------
        dict of str to DataFrame
            Columns ``time`` (int64 ms), ``open``, ``high``, ``low``, ``close`` (float64), ``volume`` (int64
            **shares**), ``amount`` (float64 CNY), ``pre_close`` (float64), ``suspended`` (int8: 0 traded, 1
            suspended, −1 resumed that day). Padding rows that the terminal delivers are handed on: the caller
            validates.
        """

    def read_ticks(self, symbols: Sequence[str], start: str, end: str) -> dict[str, pd.DataFrame]:
        """Ticks that have landed: ``time``, ``last``, ``open``, ``high``, ``low``, ``pre_close``, ``volume`` (cumulative shares), ``amount``,
        ``pvolume`` (the terminal's own share count), ``transactions``, ``status``, ``bid1``…``bid5``, ``ask1``…``ask5``, ``bid_volume1``…, ``ask_volume1``… (shares)."""

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentDetail]:
        """Details of the symbols that the terminal knows; unknown ones are left out."""

    def sectors(self) -> list[str]:
        """Names of the sectors."""

    def sector_members(self, name: str) -> list[str]:
        """Today's members. Raises `QueryFailed` for a name that is not in `sectors` (the SDK would answer with an empty list)."""

    def trading_days(self, market: str, start: str, end: str) -> list[date]:
        """Trading days of the market between two ``YYYYMMDD`` bounds, as far as the terminal knows them."""

    def holidays(self) -> list[date]:
        """Published exchange holidays."""

    def factors(self, symbol: str) -> list[DividendFactor]:
        """All known ex-rights events of the symbol, oldest first."""

    @property
    def reference(self) -> ReferenceGateway:
        """The rest of the terminal's static data: index weights, statements, bonds, funds, new issues."""

    def full_tick(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Latest snapshots; symbols without one are left out."""

    def subscribe_quotes(self, targets: Sequence[str], callback: QuoteCallback) -> int:
        """Follow symbols or whole markets ("SH", "SZ", "BJ"); survives reconnects. The callback runs on SDK threads.

        Returns
        -------
        int
            Our own handle for `unsubscribe`; it stays valid over reconnects.
        """

    def subscribe_ticks(self, symbol: str, callback: QuoteCallback) -> int:
        """Follow one symbol tick by tick: at most `MAX_SINGLE_SUBSCRIPTIONS` at a time; survives reconnects.

        Returns
        -------
        int
            A handle as of `subscribe_quotes`.

        Raises
        ------
        QueryFailed
            The terminal does not know the symbol.
        SubscriptionLimit
            The SDK advises no more single subscriptions than these.
        """

    def unsubscribe(self, handle: int) -> None:
        """End a subscription; an unknown handle is ignored."""

    def market_clock(self) -> ClockReading:
        """The terminal's market clock: the wall clock in Shanghai for a real terminal, its own published one for a simulated terminal."""
