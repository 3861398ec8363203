"""The exchange and broker of the simulated terminal behind one object.

Single-threaded by design: whoever shares it between threads holds a lock around every call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from qmt.calendar import TIMETABLE, Phase, accepts_cancels, accepts_orders, date_of_ms, phase_at, time_of_ms, to_ms
from qmt.codes import Kind
from qmt.gateway import PriceType
from qmt.terminal.bank import BankWish
from qmt.terminal.book import Match, OrderBooks
from qmt.terminal.broker import Broker
from qmt.terminal.checks import (
    Refusal,
    Reject,
    counter_refusal,
    exchange_refusal,
    order_price,
    session_refusal,
)
from qmt.terminal.clock import Clock
from qmt.terminal.ledger import BankTransfer, Order
from qmt.terminal.market import LiveDay, Market
from qmt.terminal.marketorders import REST_CANCELLED, market_kind, remaining_price, starting_price
from qmt.terminal.state import StateStore
from qmt.terminal.subscriptions import OfferedIssue, offered_on, quotas_of, subscription_refusal
from qmt.terminal.tape import Depth
from qmt.terminal.types import (
    AccountConfig,
    AccountView,
    AssetView,
    CancelResult,
    DayEvent,
    ExchangeEvent,
    Instrument,
    OrderStatus,
    OrderTicket,
    OrderView,
    PhaseEvent,
    PositionView,
    QuoteEvent,
    SubmitResult,
    TradeView,
)

DAY_CHANGE = dt.time(8, 30)
"""When the broker's nightly clearing is over and the next trade date begins."""
_FIRST_PHASE_START = TIMETABLE[1][0]
_WAITING = (OrderStatus.UNREPORTED, OrderStatus.WAIT_REPORTING)
_CANCELLING = (OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL)
_COLLECTING = (Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.CLOSE_AUCTION)
_QUOTE_EVERY_MS = 3000


class Exchange:
    """Takes orders, matches them against the market's path, keeps the accounts.

    Every change is committed to the state file before the answer or the event that tells of it leaves the object.

    Parameters
    ----------
    market
        Where prices come from.
    clock
        Market time.
    store
        State file; what it holds is continued.
    accounts
        Accounts to serve. One that the file does not know is opened with its cash and holdings.
    books
        How resting orders are matched; by default against the market's prepared path.
    """

    last_match_phase = Phase.AFTER_HOURS
    """With this phase nothing can trade any more."""

    def __init__(
        self,
        *,
        market: Market,
        clock: Clock,
        store: StateStore,
        accounts: Sequence[AccountConfig],
        books: OrderBooks | None = None,
    ) -> None:
        self._market, self._clock = market, clock
        now = clock.now_ms()
        known_date, known_now = store.meta("trade_date"), store.meta("now_ms")
        self._trade_date = dt.date.fromisoformat(known_date) if known_date else self._date_at(now)
        self._now_ms = int(known_now) if known_now else now
        self._phase = self._phase_at(self._now_ms)
        self._tape: LiveDay = market.tape(self._trade_date)
        self._issues = self._offered()
        self._slot = self._tape.slot_at(self._now_ms)
        self._quoted_at = 0
        self._keep_time = True
        self._broker = Broker(store, self, self._trade_date)
        self._broker.open_accounts(
            accounts, {row.instrument.symbol: row.facts.pre_close_milli for row in self._tape.rows}
        )
        self._resting = books if books is not None else OrderBooks()
        self._cancelling: dict[int, Order] = {}
        for order in self._broker.orders.values():
            if order.open_quantity and order.status not in _WAITING and order.symbol not in self._issues:
                self._resting.rest(order)
            if order.status in _CANCELLING:
                self._cancelling[order.order_id] = order
        self._commit()

    @property
    def trade_date(self) -> dt.date:
        """Date of the session that runs or ran last."""
        return self._trade_date

    @property
    def phase(self) -> Phase:
        """Phase of the market at the last step."""
        return self._phase

    @property
    def now_ms(self) -> int:
        """Market time of the last step."""
        return self._now_ms

    def _date_at(self, now_ms: int) -> dt.date:
        """Trade date that belongs to a moment: it changes at :data:`DAY_CHANGE` of a trading day."""
        calendar, date = self._market.calendar, date_of_ms(now_ms)
        if calendar.is_trading_day(date) and time_of_ms(now_ms) >= DAY_CHANGE:
            return date
        previous = calendar.previous_day(date)
        return previous if previous is not None else calendar.on_or_after(date)

    def _phase_at(self, now_ms: int) -> Phase:
        return phase_at(time_of_ms(now_ms)) if date_of_ms(now_ms) == self._trade_date else Phase.CLOSED

    def trouble(self) -> str:
        """Why nothing trades although the market is open; blank when all is well."""
        return ""

    # Time passes.

    def step(self) -> None:
        """Advance to the clock's time: quotes, matching, auctions, phases, day changes. Call every 100–250 ms."""
        target = self._clock.now_ms()
        before = (self._slot, self._trade_date)
        self._confirm_cancels()
        while True:
            change = to_ms(self._market.calendar.next_day(self._trade_date), DAY_CHANGE)
            self._advance(min(target, change))
            if target < change:
                break
            self._change_day()
        if (self._slot, self._trade_date) != before or self._indicative_quote_due():
            self._quoted_at = self._now_ms
            self._broker.tell(QuoteEvent(self._now_ms, self._tape.snapshot(list(self._tape.index), self._now_ms)))
        self._commit()

    def _advance(self, target: int) -> None:
        """Advance within the trade date: every boundary of the timetable is met in order."""
        for start, phase in TIMETABLE[1:]:
            boundary = to_ms(self._trade_date, start)
            if self._now_ms < boundary <= target:
                self._match_until(boundary)
                self._now_ms = boundary
                self._enter(phase)
        self._match_until(target)
        self._now_ms = max(self._now_ms, target)

    def _match_until(self, until_ms: int) -> None:
        """Trade every slot up to and including a moment."""
        last = self._tape.slot_at(until_ms)
        while self._slot < last and self._resting.symbols():
            self._slot += 1
            self._keep_time = True
            for match in self._resting.trade_slot(self._tape, self._slot):
                self._fill(match, self._tape.slot_time(self._slot))
        self._slot = max(self._slot, last)

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._keep_time = True
        self._broker.tell(PhaseEvent(self._trade_date, phase, self._now_ms))
        if accepts_orders(phase):
            for order in list(self._broker.orders.values()):
                if order.status in _WAITING:
                    self._report(order)
        if phase is self.last_match_phase:
            # Open orders are dead; as in a real terminal they keep their last status until the nightly clearing.
            self._resting.clear()
        self._confirm_cancels()

    def _change_day(self) -> None:
        """The nightly clearing, and the next trade date begins."""
        previous = self._trade_date
        self._trade_date = self._market.calendar.next_day(previous)
        self._broker.settle(self._market.corporate_actions(self._trade_date))
        self._cancelling.clear()
        self._resting.clear()
        self._tape = self._market.tape(self._trade_date)
        self._issues = self._offered()
        self._slot = self._tape.slot_at(self._now_ms)
        self._phase = self._phase_at(self._now_ms)
        self._keep_time = True
        self._broker.tell(DayEvent(self._trade_date, previous, self._now_ms))

    def _indicative_quote_due(self) -> bool:
        """While an auction collects orders nothing trades, but the indicative price is shown every three seconds."""
        return self._phase in _COLLECTING and self._now_ms // _QUOTE_EVERY_MS != self._quoted_at // _QUOTE_EVERY_MS

    def _commit(self) -> None:
        meta = None
        if self._keep_time or self._broker.has_changes:
            meta = {"trade_date": self._trade_date.isoformat(), "now_ms": str(self._now_ms)}
        self._broker.commit(meta)
        self._keep_time = False

    # Orders.

    def submit(self, ticket: OrderTicket) -> SubmitResult:
        """Place an order. Refusals of the counter come back here; refusals of the exchange become status 57."""
        self.step()
        issue = self._issues.get(ticket.symbol)
        accepted = self._accept(ticket) if issue is None else self._subscribe(ticket, issue)
        if isinstance(accepted, Refusal):
            return SubmitResult(-1, accepted.reject.error_id, accepted.message)
        if issue is None:
            self._pass_on(accepted)
        self._commit()
        return SubmitResult(accepted.order_id)

    def _pass_on(self, order: Order) -> None:
        """To the exchange, or to wait until it takes orders."""
        if accepts_orders(self._phase):
            self._report(order)
        else:
            order.status = OrderStatus.WAIT_REPORTING
            self._broker.changed(order)

    def _accept(self, ticket: OrderTicket) -> Order | Refusal:
        book = self._broker.book(ticket.account_id)
        position = self._tape.index.get(ticket.symbol)
        if book is None:
            return Refusal(Reject.ACCOUNT, ticket.account_id)
        if position is None:
            return Refusal(Reject.SYMBOL, ticket.symbol)
        instrument = self._tape.rows[position].instrument
        if not instrument.tradable:
            return Refusal(Reject.NOT_TRADABLE, ticket.symbol)
        before_open = self._now_ms < to_ms(self._trade_date, _FIRST_PHASE_START)
        price = order_price(
            ticket,
            instrument,
            self._tape.rows[position].facts,
            self._tape.price(position, self._slot),
            self._tape.phase_for(position, self._phase),
        )
        if isinstance(price, Refusal):
            return price
        refusal = session_refusal(self._phase, before_open=before_open) or counter_refusal(
            ticket, instrument, price, book, self._trade_date
        )
        if refusal is not None:
            return refusal
        return self._broker.accept(
            ticket, price_milli=price, instrument=instrument, trade_date=self._trade_date, at_ms=self._now_ms
        )

    def _offered(self) -> dict[str, OfferedIssue]:
        """The issues of the trade date that can be subscribed."""
        return offered_on(self._market.new_issues(self._trade_date), self._trade_date)

    def _subscribe(self, ticket: OrderTicket, issue: OfferedIssue) -> Order | Refusal:
        """Take a subscription to a new issue (新股申购): it freezes nothing and never trades."""
        if self._broker.book(ticket.account_id) is None:
            return Refusal(Reject.ACCOUNT, ticket.account_id)
        earlier = (order for order in self._broker.orders.values() if order.account_id == ticket.account_id)
        refusal = subscription_refusal(
            ticket,
            issue,
            quotas=self.subscription_quotas(ticket.account_id),
            phase=self._phase,
            repeated=any(order.symbol == issue.symbol for order in earlier),
        )
        if refusal is not None:
            return refusal
        return self._broker.accept_subscription(
            ticket, price_milli=issue.price_milli, order_sysid="SIMS", trade_date=self._trade_date, at_ms=self._now_ms
        )

    def _report(self, order: Order) -> None:
        """The order reaches the exchange: refused, traded at once, or resting."""
        position = self._tape.index[order.symbol]
        row = self._tape.rows[position]
        continuous = self._tape.phase_for(position, self._phase) is Phase.CONTINUOUS
        depth = self._tape.depth(position, max(self._slot, 0))
        kind = market_kind(order)
        refusal = exchange_refusal(
            side=order.side,
            price_milli=order.price_milli,
            instrument=row.instrument,
            facts=row.facts,
            depth=depth,
            last_milli=self._tape.price(position, self._slot),
            uncaged=not continuous or kind is not None,
        )
        if refusal is not None:
            self._broker.finish(order, OrderStatus.JUNK, refusal.message)
            return
        order.status, order.order_sysid = OrderStatus.REPORTED, f"SIM{order.order_id}"
        self._broker.changed(order)
        if kind is not None:
            self._trade_market(order, kind, depth, row.instrument)
        elif continuous:
            self._sweep(order, depth, row.instrument)
        if order.open_quantity:
            self._resting.rest(order)

    def _trade_market(self, order: Order, kind: PriceType, depth: Depth, instrument: Instrument) -> None:
        """A market kind trades, and its rest becomes a limit order or is cancelled."""
        price = starting_price(kind, order, depth)
        refused = kind is PriceType.FOK and not self._resting.can_fill(order, depth, self._slot)
        if price is None or refused:
            self._finish_cancel(order, REST_CANCELLED)
            return
        self._broker.reprice(order, price_milli=price, instrument=instrument)
        last_fill = self._sweep(order, depth, instrument)
        if not order.open_quantity:
            return
        remaining = remaining_price(kind, order, depth, last_fill)
        if remaining is None:
            self._finish_cancel(order, REST_CANCELLED)
        else:
            self._broker.reprice(order, price_milli=remaining, instrument=instrument)

    def _sweep(self, order: Order, depth: Depth, instrument: Instrument) -> int | None:
        """Take what is displayed at prices the order accepts; returns the last fill's price."""
        last_fill = None
        for match in self._resting.take(order, depth, self._slot, instrument.volume_unit):
            self._fill(match, self._now_ms)
            last_fill = match.price_milli
        return last_fill

    def _fill(self, match: Match, at_ms: int) -> None:
        instrument = self._tape.rows[self._tape.index[match.order.symbol]].instrument
        self._broker.fill(
            match.order, price_milli=match.price_milli, quantity=match.quantity, instrument=instrument, at_ms=at_ms
        )

    def cancel(self, account_id: str, *, order_id: int = 0, order_sysid: str = "", market: str = "") -> CancelResult:
        """Ask to cancel an order by its id, or by its exchange number and market ("SH", "SZ", "BJ").

        The order becomes 51 or 52 at once and 53 or 54 with the next step in which the exchange takes cancels. An order that has not
        left the broker (49) is cancelled at once.
        """
        self.step()
        order = self._find(account_id, order_id, order_sysid, market)
        if order is None:
            return _refused(Reject.CANCEL_UNKNOWN, order_id, order_sysid)
        if (reject := self._cancel_refusal(order)) is not None:
            return _refused(reject, order.order_id, order.order_sysid)
        if order.status in _WAITING:
            self._finish_cancel(order)
        else:
            order.status = OrderStatus.PARTSUCC_CANCEL if order.traded_quantity else OrderStatus.REPORTED_CANCEL
            self._cancelling[order.order_id] = order
            self._broker.changed(order)
        self._commit()
        return CancelResult(True, order.order_id, order.order_sysid)

    def _find(self, account_id: str, order_id: int, order_sysid: str, market: str) -> Order | None:
        orders = self._broker.orders
        if order_id:
            order = orders.get(order_id)
            return order if order is not None and order.account_id == account_id else None
        if not order_sysid:
            return None
        named = (order for order in orders.values() if order.order_sysid == order_sysid)
        mine = (order for order in named if order.account_id == account_id)
        return next((order for order in mine if not market or order.symbol.endswith(f".{market}")), None)

    def _cancel_refusal(self, order: Order) -> Reject | None:
        if order.status.is_final:
            return Reject.CANCEL_FINAL
        if order.status in _CANCELLING:
            return Reject.CANCEL_PENDING
        if order.status in _WAITING:
            return None
        if order.symbol in self._issues:
            return Reject.CANCEL_SUBSCRIPTION
        phase = self._phase_for(order)
        waits = phase in (Phase.PRE_OPEN, Phase.LUNCH)  # kept by the broker until the exchange takes cancels again
        return None if accepts_cancels(phase) or waits else Reject.CANCEL_SESSION

    def _phase_for(self, order: Order) -> Phase:
        return self._tape.phase_for(self._tape.index[order.symbol], self._phase)

    def _confirm_cancels(self) -> None:
        for order in list(self._cancelling.values()):
            if order.status.is_final:
                del self._cancelling[order.order_id]  # filled before its cancel arrived
            elif accepts_cancels(self._phase_for(order)):
                self._finish_cancel(order)

    def _finish_cancel(self, order: Order, message: str = "") -> None:
        self._cancelling.pop(order.order_id, None)
        self._resting.remove(order)
        ended = OrderStatus.PART_CANCEL if order.traded_quantity else OrderStatus.CANCELED
        self._broker.finish(order, ended, message)

    # Money.

    def bank_transfer(self, wish: BankWish) -> str:
        """Move money between an account and its bank, at any time; blank when done, else the counter's words."""
        self.step()
        refusal = self._broker.transfer(wish, trade_date=self._trade_date, at_ms=self._now_ms)
        self._commit()
        return refusal

    # Queries.

    def bank_transfers(self, account_id: str, first: dt.date, last: dt.date) -> list[BankTransfer]:
        """Transfers of an account on these trade dates, both included, oldest first."""
        return self._broker.transfers(account_id, first, last)

    def drain_events(self) -> list[ExchangeEvent]:
        """Events since the last call, in the order they happened; everything in them is committed."""
        return self._broker.drain_events()

    def accounts(self) -> list[AccountView]:
        """The accounts the terminal is logged in to."""
        return self._broker.accounts()

    def asset(self, account_id: str) -> AssetView:
        """Money of an account. KeyError for an unknown account, as in the three queries below."""
        return self._broker.asset(account_id)

    def orders(self, account_id: str, *, cancelable_only: bool = False) -> list[OrderView]:
        """Today's orders, oldest first."""
        return self._broker.order_views(account_id, cancelable_only=cancelable_only)

    def trades(self, account_id: str) -> list[TradeView]:
        """Today's fills, oldest first."""
        return self._broker.trade_views(account_id)

    def positions(self, account_id: str) -> list[PositionView]:
        """Holdings, including those sold out today (quantity 0)."""
        return self._broker.position_views(account_id)

    def issues(self) -> list[OfferedIssue]:
        """New issues that can be subscribed on the trade date."""
        return list(self._issues.values())

    def subscription_quotas(self, account_id: str) -> dict[str, int]:
        """Shares of new issues that an account may subscribe today, by what it held overnight; see `subscriptions`."""
        values: dict[str, int] = {}
        for holding in self._broker.positions_of(account_id):
            position = self._tape.index.get(holding.symbol)
            if position is not None and self._tape.rows[position].instrument.kind is Kind.STOCK:
                market = holding.symbol[-2:]
                worth = self._tape.rows[position].facts.pre_close_milli * holding.yesterday
                values[market] = values.get(market, 0) + worth
        return quotas_of(values)

    def name_of(self, symbol: str) -> str:
        """Name of an instrument on the trade date."""
        if symbol in self._issues:
            return self._issues[symbol].name
        position = self._tape.index.get(symbol)
        if position is not None:
            return self._tape.rows[position].facts.name
        instrument = self._market.instrument(symbol)
        return instrument.name if instrument is not None else ""

    def last_milli(self, symbol: str) -> int:
        """Last price in thousandths of a yuan; 0 for an unknown symbol."""
        position = self._tape.index.get(symbol)
        return self._tape.price(position, self._slot) if position is not None else 0


def _refused(reject: Reject, order_id: int, order_sysid: str) -> CancelResult:
    return CancelResult(
        ok=False, order_id=order_id, order_sysid=order_sysid, error_id=reject.error_id, message=reject.words()
    )
