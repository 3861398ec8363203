"""The link of a fed market to the host it is fed from: a quote session, its market clock, and the facts of each trade date.

It reads only. The process that runs it has loaded the SDK without its trading half (`qmt.sdk.open_feed_gateway`), and holds no
account, no trade session and no way to open one.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from qmt.calendar import Phase
from qmt.codes import CodeError, Kind, board_of, kind_of, parse_symbol
from qmt.errors import QmtError, QueryFailed
from qmt.gateway import ClockReading, DividendFactor, InstrumentDetail, QuoteBatch, QuoteGateway
from qmt.money import milli_of
from qmt.rules import is_same_day, is_st, tick_milli
from qmt.terminal.tape import TapeRow
from qmt.terminal.types import CorporateAction, DayFacts, Instrument

logger = logging.getLogger(__name__)

MARKETS: Final = ("SH", "SZ", "BJ")
SILENT_SECONDS: Final = 10.0
"""Without an answer, or in continuous trading without a quote, for this long the feed is stale."""
POLL_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
_DETAILS_PER_CALL: Final = 500
_MAX_BATCHES: Final = 1000
_CALENDAR_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class FedDay:
    """What the source states about one trade date."""

    trade_date: dt.date
    rows: tuple[TapeRow, ...]
    actions: tuple[CorporateAction, ...] = ()
    """Ex-rights terms of what the fed terminal's accounts hold, of every date."""
    trading_days: tuple[dt.date, ...] = ()
    """The source's calendar of the last year, this day included."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came last, by this process's monotonic clock."""

    reading: ClockReading
    at: float
    trading_since: float | None
    """When continuous trading was first seen; None outside of it."""


@dataclass(slots=True)
class _Inbox:
    batches: deque[QuoteBatch] = field(default_factory=lambda: deque(maxlen=_MAX_BATCHES))
    lock: threading.Lock = field(default_factory=threading.Lock)


class Feed:
    """Follows one host.

    Parameters
    ----------
    name
        The host's name, for people.
    gateway
        A quote session that nobody else uses, not connected yet.
    address
        Where its terminal listens now; asked before each connect. Raises `QmtError`.
    monotonic
        Seconds that never go back.
    silent_seconds
        How long the source may be silent before the feed is stale.
    """

    def __init__(
        self,
        name: str,
        *,
        gateway: QuoteGateway,
        address: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.name = name
        self._gateway = gateway
        self._address = address
        self._monotonic = monotonic
        self._silent_seconds = silent_seconds
        self._inbox = _Inbox()
        self._connected = self._subscribed = False
        self._heard: _Heard | None = None
        self._quote_at = float("-inf")
        self._day: FedDay | None = None
        self._held: Callable[[], Collection[str]] = tuple

    # --- for the market ---------------------------------------------------------------------------

    @property
    def day(self) -> FedDay | None:
        """Facts of the newest trade date that the source has stated completely; None before the first."""
        return self._day

    def take(self) -> list[QuoteBatch]:
        """Batches that came since the last call, oldest first."""
        with self._inbox.lock:
            batches = list(self._inbox.batches)
            self._inbox.batches.clear()
        return batches

    def market_ms(self) -> int | None:
        """The source's market time now; None before its first answer.

        A real market's clock runs whether anybody listens or not. A simulated one stands still while its terminal is away, and
        changes its pace at lunch and at night: it is not followed further than one missed answer.
        """
        heard = self._heard
        if heard is None:
            return None
        elapsed = self._monotonic() - heard.at
        if heard.reading.simulated:
            elapsed = min(elapsed, 2 * POLL_SECONDS)
        return heard.reading.market_time_ms + round(elapsed * 1000)

    def trouble(self) -> str:
        """Why the source's prices must not be traded on now, in one sentence; blank when they may."""
        heard, now = self._heard, self._monotonic()
        if heard is None:
            return f"{self.name} has not answered yet"
        if (silent := now - heard.at) > self._silent_seconds:
            return f"{self.name} has not answered for {silent:.0f} s"
        if heard.trading_since is not None:
            silent = now - max(self._quote_at, heard.trading_since)
            if silent > self._silent_seconds:
                return f"{self.name} trades and has sent no quote for {silent:.0f} s"
        return ""

    def follow_holdings(self, held: Callable[[], Collection[str]]) -> None:
        """Ask `held` at each day change for what the accounts hold: its ex-rights terms are loaded."""
        self._held = held

    # --- its own thread ---------------------------------------------------------------------------

    def run(self, stopped: threading.Event) -> None:
        """Follow until told to stop."""
        while not stopped.is_set():
            stopped.wait(POLL_SECONDS if self.poll() else RETRY_SECONDS)
        self._gateway.close()

    def poll(self) -> bool:
        """One round: connect where needed, read the clock, load a new day's facts. False when the source gave no answer."""
        try:
            self._connect()
            reading = self._gateway.market_clock()
            if self._day is None or reading.trade_date > self._day.trade_date:
                self._load_day(reading.trade_date)
        except QmtError as error:
            if self._connected or self._heard is None:
                logger.warning("the feed from %s: %s", self.name, error)
            self._connected = False
            return False
        now, known = self._monotonic(), self._heard.trading_since if self._heard is not None else None
        since = (known if known is not None else now) if reading.phase is Phase.CONTINUOUS else None
        self._heard = _Heard(reading, now, since)
        return True

    def _connect(self) -> None:
        if self._connected:
            return
        self._gateway.connect(self._address())  # replays the subscription, which begins with the present snapshots
        if not self._subscribed:
            self._gateway.subscribe_quotes(MARKETS, self._receive)
            self._subscribed = True
        self._connected = True
        logger.info("fed from %s", self.name)

    def _receive(self, batch: QuoteBatch) -> None:
        """On the session's thread: keep the batch, nothing else."""
        with self._inbox.lock:
            self._inbox.batches.append(batch)
        self._quote_at = self._monotonic()

    def _load_day(self, trade_date: dt.date) -> None:
        """The new date's facts, once the source states them for every instrument that trades.

        Raises
        ------
        QueryFailed
            The source still shows another day's facts: asked again with the next round.
        """
        symbols = sorted(symbol for symbol in self._gateway.full_tick(MARKETS) if _is_followed(symbol))
        details: list[InstrumentDetail] = []
        for start in range(0, len(symbols), _DETAILS_PER_CALL):
            details += self._gateway.instruments(symbols[start : start + _DETAILS_PER_CALL])
        rows = tuple(tape_row(detail, trade_date) for detail in details if detail.trade_date == trade_date)
        if not rows:
            raise QueryFailed(f"{self.name} states no instrument's facts of {trade_date} yet")
        first = trade_date - dt.timedelta(days=_CALENDAR_DAYS)
        days = self._gateway.trading_days("SH", first.strftime("%Y%m%d"), trade_date.strftime("%Y%m%d"))
        factors = {symbol: self._gateway.factors(symbol) for symbol in self._held()}
        actions = tuple(corporate_action(one) for held in factors.values() for one in held)
        self._day = FedDay(trade_date, rows, actions, tuple(days))
        logger.info("trade date %s of %s: %d instruments", trade_date, self.name, len(rows))


def tape_row(detail: InstrumentDetail, trade_date: dt.date) -> TapeRow:
    """An instrument's day as the source states it; the exchanges' dated rules where it is silent."""
    symbol = parse_symbol(detail.symbol)
    board = board_of(symbol)
    instrument = Instrument(
        symbol=detail.symbol,
        name=detail.name,
        market=symbol.market,
        board=board,
        kind=kind_of(board),
        list_date=detail.list_date or trade_date,
        delist_date=detail.delist_date,
        t_plus=0 if is_same_day(symbol.code, board) else 1,
        tick_milli=milli_of(detail.tick) if detail.tick > 0 else tick_milli(board, trade_date),
        volume_unit=detail.volume_unit,
        total_shares=detail.total_volume,
        float_shares=detail.float_volume,
    )
    facts = DayFacts(
        symbol=detail.symbol,
        trade_date=trade_date,
        name=detail.name,
        pre_close_milli=milli_of(detail.pre_close),
        limit_up_milli=milli_of(detail.limit_up) if detail.limit_up > 0 else None,
        limit_down_milli=milli_of(detail.limit_down) if detail.limit_down > 0 else None,
        suspended=detail.suspended,
        is_st=is_st(detail.name),
    )
    return TapeRow(instrument, facts, has_bar=not detail.suspended)


def corporate_action(factor: DividendFactor) -> CorporateAction:
    """Ex-rights terms of the source, as the nightly clearing books them."""
    return CorporateAction(
        symbol=factor.symbol,
        ex_date=factor.date,
        cash=factor.interest,
        bonus=factor.stock_bonus,
        gift=factor.stock_gift,
        allot_ratio=factor.allot_num,
        allot_price=factor.allot_price,
    )


def _is_followed(symbol: str) -> bool:
    """Whole-market snapshots hold much that this platform has no rules for."""
    try:
        return kind_of(board_of(parse_symbol(symbol))) is not Kind.OTHER
    except CodeError:
        return False
