"""The fed market (paper beside live): the exchange core matches on the quotes of another host, so that paper accounts trade at its prices.

Instruments, day facts, calendar, clock and quotes are the source's. Nothing is drawn: with the source silent nothing trades, open
orders stay as they are, new ones are refused with the reason, and cancels go on. History and static data are the source
host's too, and are not answered here.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from qmt.calendar import Phase, TradingCalendar, to_ms
from qmt.reference import FinancialTable
from qmt.terminal.checks import Refusal, Reject
from qmt.terminal.clock import Clock
from qmt.terminal.exchange import DAY_CHANGE, Exchange
from qmt.terminal.fedbook import FedBooks
from qmt.terminal.fedfeed import FedDay, Feed
from qmt.terminal.fedtape import FedTape
from qmt.terminal.history import HistoryError
from qmt.terminal.ledger import Order
from qmt.terminal.market import BarArray, Basis, Market
from qmt.terminal.state import StateStore
from qmt.terminal.types import AccountConfig, CorporateAction, DayFacts, Instrument, OrderTicket, Tick

logger = logging.getLogger(__name__)


class FedMarket:
    """Implements `qmt.terminal.market.Market` over a feed that has loaded its first day.

    Raises
    ------
    ValueError
        When the feed has no day yet.
    """

    kind = "fed"
    basis = Basis.RAW
    interpolated = False

    def __init__(self, feed: Feed, calendar: TradingCalendar) -> None:
        if feed.day is None:
            raise ValueError(f"the feed from {feed.name} has stated no trade date")
        self._feed = feed
        self._published = calendar
        self._tapes: dict[dt.date, FedTape] = {}
        self._now_ms = 0
        self._was_in_trouble = ""
        self._day = feed.day
        self._turn_to(feed.day)

    @property
    def identity(self) -> str:
        """The host it is fed from."""
        return f"fed-{self._feed.name}"

    @property
    def history_refusal(self) -> str:
        """Why there are no bars here."""
        return f"NOT_AVAILABLE: this terminal is fed from {self._feed.name} and keeps no history; ask that host"

    @property
    def calendar(self) -> TradingCalendar:
        """The source's trading days, and the published ones after them."""
        return self._calendar

    @property
    def history_start(self) -> dt.date:
        """There is no history: the present trade date."""
        return self._day.trade_date

    def first_session(self, wall_date: dt.date) -> dt.date:
        """The source's trade date."""
        return self._day.trade_date

    # --- the feed ---------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Market time: the source's, never going back, and not beyond the date whose facts are known (this is the terminal's clock)."""
        told = self._feed.market_ms()
        if told is not None:
            end = to_ms(self._calendar.next_day(self._day.trade_date), DAY_CHANGE) - 1
            self._now_ms = max(self._now_ms, min(told, end))
        return self._now_ms

    def take_in(self) -> None:
        """Take in what the feed brought since the last call; before anything is matched."""
        day = self._feed.day
        if day is not None and day.trade_date > self._day.trade_date:
            self._turn_to(day)
        tape = self._tapes[self._day.trade_date]
        if trouble := self.trouble():
            tape.gap()
        now = self.now_ms()
        for batch in self._feed.take():
            tape.append(now, batch)
        if trouble and not self._was_in_trouble:
            logger.warning("matching stands still: %s", trouble)
        elif self._was_in_trouble and not trouble:
            logger.info("matching goes on: %s quotes again", self._feed.name)
        self._was_in_trouble = trouble

    def trouble(self) -> str:
        """Why nothing trades now; blank when the feed is alive."""
        return self._feed.trouble()

    def _turn_to(self, day: FedDay) -> None:
        self._day = day
        self._calendar = self._published.extended_with(day.trading_days)
        self._rows = {row.instrument.symbol: row for row in day.rows}
        self._tapes = {day.trade_date: FedTape(day.trade_date, day.rows)}

    # --- what the terminal asks -------------------------------------------------------------------

    def instruments(self) -> Sequence[Instrument]:
        """Every instrument of the trade date."""
        return [row.instrument for row in self._day.rows]

    def instrument(self, symbol: str) -> Instrument | None:
        """One instrument; None when the source has no such symbol."""
        row = self._rows.get(symbol)
        return row.instrument if row is not None else None

    def day_facts(self, symbol: str, day: dt.date) -> DayFacts | None:
        """The source's facts of the trade date; None for every other."""
        row = self._rows.get(symbol)
        return row.facts if row is not None and day == self._day.trade_date else None

    def corporate_actions(self, day: dt.date) -> Sequence[CorporateAction]:
        """Ex-rights terms of what the accounts hold."""
        return [action for action in self._day.actions if action.ex_date == day]

    def snapshot(self, symbols: Sequence[str], *, now_ms: int) -> dict[str, Tick]:
        """The source's latest snapshots."""
        return self._tapes[self._day.trade_date].snapshot(symbols, now_ms)

    def tape(self, day: dt.date) -> FedTape:
        """The live day; a date that this terminal did not live through has no quotes."""
        if day not in self._tapes:
            return FedTape(day, self._day.rows)
        return self._tapes[day]

    # --- what the source host answers, not this terminal ------------------------------------------

    def sectors(self, day: dt.date | None = None) -> Mapping[str, Sequence[str]]:
        """None here."""
        return {}

    def index_weights(self, symbol: str, day: dt.date | None = None) -> Mapping[str, float]:
        """None here."""
        return {}

    def financials(self, symbol: str, table: FinancialTable, until: dt.date) -> Sequence[Mapping[str, Any]]:
        """None here."""
        return ()

    def bond_facts(self, symbol: str, day: dt.date) -> Mapping[str, Any]:
        """None here."""
        return {}

    def basket_records(self, market: str, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """None here."""
        return ()

    def new_issues(self, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """None here: a subscription needs a ballot, which no quotes tell of."""
        return ()

    def factors(self, symbol: str) -> BarArray:
        """Not answered."""
        raise HistoryError(self.history_refusal)

    def bars(self, symbol: str, period: str, start_ms: int, end_ms: int, *, now_ms: int) -> BarArray:
        """Not answered."""
        raise HistoryError(self.history_refusal)

    def ticks(self, symbol: str, day: dt.date, *, now_ms: int) -> BarArray:
        """Not answered."""
        raise HistoryError(self.history_refusal)


class FedExchange(Exchange):
    """The exchange core on a fed market.

    Differs in three things: quotes are taken in before each step, nothing new is accepted while the feed is in trouble, and the
    books stay open after 15:00, because the closing auction's result arrives a moment later.
    """

    last_match_phase = Phase.CLOSED

    def __init__(self, *, market: FedMarket, store: StateStore, accounts: Sequence[AccountConfig]) -> None:
        self._fed = market
        market.take_in()
        super().__init__(market=market, clock=market, store=store, accounts=accounts, books=FedBooks())

    def trouble(self) -> str:
        """What is wrong with the feed."""
        return self._fed.trouble()

    def step(self) -> None:
        """Take in what the source has shown, then advance."""
        self._fed.take_in()
        super().step()

    def _accept(self, ticket: OrderTicket) -> Order | Refusal:
        if trouble := self._fed.trouble():
            return Refusal(Reject.FEED, trouble)
        return super()._accept(ticket)


def open_exchange(*, market: Market, clock: Clock, store: StateStore, accounts: Sequence[AccountConfig]) -> Exchange:
    """The exchange that a market needs. A fed market is its own clock; the one given is not used then."""
    if isinstance(market, FedMarket):
        return FedExchange(market=market, store=store, accounts=accounts)
    return Exchange(market=market, clock=clock, store=store, accounts=accounts)
