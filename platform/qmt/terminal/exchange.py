"""The exchange and broker of the simulated terminal behind one object.

Single-threaded by design: whoever shares it between threads holds a lock around every call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from qmt.calendar import TIMETABLE, Phase, accepts_cancels, accepts_orders, date_of_ms, phase_at, time_of_ms, to_ms
from qmt.fees import Tariff
from qmt.money import cents_of, notional_cents
from qmt.terminal.book import Match, OrderBooks
from qmt.terminal.checks import (
    Refusal,
    Reject,
    counter_refusal,
    exchange_refusal,
    order_price,
    session_refusal,
)
from qmt.terminal.clock import Clock
from qmt.terminal.ledger import Account, Book, Fill, Holding, Order
from qmt.terminal.market import Market
from qmt.terminal.state import StateStore
from qmt.terminal.types import (
    AccountConfig,
    AccountView,
    AssetEvent,
    AssetView,
    CancelResult,
    DayEvent,
    ExchangeEvent,
    Instrument,
    OrderEvent,
    OrderStatus,
    OrderTicket,
    OrderView,
    PhaseEvent,
    PositionEvent,
    PositionView,
    QuoteEvent,
    SubmitResult,
    TradeEvent,
    TradeView,
)
from qmt.terminal.views import asset_view, market_value_cents, order_view, position_view, trade_view

DAY_CHANGE = dt.time(8, 30)
"""When the broker's nightly clearing is over and the next trade date begins."""
_REMARK_BYTES = 24
_FIRST_ORDER_ID = 1_000_000
_WAITING = (OrderStatus.UNREPORTED, OrderStatus.WAIT_REPORTING)
_CANCELLING = (OrderStatus.REPORTED_CANCEL, OrderStatus.PARTSUCC_CANCEL)


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
    """

    def __init__(self, *, market: Market, clock: Clock, store: StateStore, accounts: Sequence[AccountConfig]) -> None:
        self._market, self._clock, self._store = market, clock, store
        self._events: list[ExchangeEvent] = []
        self._dirty: dict[int, object] = {}
        self._touched: set[tuple[str, str]] = set()
        self._cancelling: dict[int, Order] = {}
        self._store_time = True
        self._last_auction_quote = 0
        self._resting = OrderBooks()
        now = clock.now_ms()
        known_date, known_now = store.meta("trade_date"), store.meta("now_ms")
        self._trade_date = dt.date.fromisoformat(known_date) if known_date else self._date_at(now)
        self._now_ms = int(known_now) if known_now else now
        self._phase = self._phase_at(self._now_ms)
        self._tape = market.tape(self._trade_date)
        self._slot = self._tape.slot_at(self._now_ms)
        last_order, self._last_fill = store.last_numbers()
        self._last_order = max(last_order, _FIRST_ORDER_ID)
        self._books = self._load_books(accounts)
        self._orders = {order.order_id: order for order in store.orders(self._trade_date)}
        self._fills: list[Fill] = store.fills(self._trade_date)
        for order in self._orders.values():
            if order.open_quantity and order.status not in _WAITING:
                self._resting.rest(order)
            if order.status in _CANCELLING:
                self._cancelling[order.order_id] = order
        self._commit()

    def _load_books(self, configs: Sequence[AccountConfig]) -> dict[str, Book]:
        accounts = {account.account_id: account for account in self._store.accounts()}
        holdings: dict[str, list[Holding]] = {}
        for holding in self._store.holdings():
            holdings.setdefault(holding.account_id, []).append(holding)
        books: dict[str, Book] = {}
        for config in configs:
            tariff = Tariff.of(config.commission_rate, config.minimum_commission)
            account = accounts.get(config.account_id)
            if account is None:
                account = Account(config.account_id, config.account_type, cents_of(config.opening_cash))
                holdings[config.account_id] = [
                    self._opening_holding(config.account_id, symbol, quantity)
                    for symbol, quantity in config.opening_positions.items()
                ]
                self._mark(account, *holdings[config.account_id])
            books[config.account_id] = Book(account, tariff, holdings.get(config.account_id, []))
        return books

    def _opening_holding(self, account_id: str, symbol: str, quantity: int) -> Holding:
        facts = self._market.day_facts(symbol, self._trade_date)
        if facts is None:
            raise ValueError(f"opening position in {symbol}: not listed on {self._trade_date}")
        cost = notional_cents(facts.pre_close_milli, quantity)
        return Holding(account_id, symbol, quantity, yesterday=quantity, cost_cents=cost, paid_cents=cost)

    @property
    def market(self) -> Market:
        """The source of prices, for the quote side of the terminal."""
        return self._market

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

    def step(self) -> None:
        """Advance to the clock's time: quotes, matching, auctions, phases, day changes. Call every 100–250 ms."""
        target = self._clock.now_ms()
        slot_before, day_before = self._slot, self._trade_date
        self._confirm_cancels()
        while True:
            change = to_ms(self._market.calendar.next_day(self._trade_date), DAY_CHANGE)
            self._advance(min(target, change))
            if target < change:
                break
            self._change_day()
        if (self._slot, self._trade_date) != (slot_before, day_before) or self._auction_tick_due():
            self._emit_quotes()
        self._commit()

    def _advance(self, target: int) -> None:
        """Advance within the trade date: every boundary of the timetable is met in order."""
        for start, phase in TIMETABLE[1:]:
            boundary = to_ms(self._trade_date, start)
            if not self._now_ms < boundary <= target:
                continue
            self._match_until(boundary)
            self._now_ms = boundary
            self._enter(phase)
        self._match_until(target)
        self._now_ms = max(self._now_ms, target)

    def _match_until(self, until_ms: int) -> None:
        """Trade every slot up to and including a moment."""
        last = self._tape.slot_at(until_ms)
        symbols = self._resting.symbols()
        if not symbols:
            self._slot = max(self._slot, last)
            return
        for slot in range(self._slot + 1, last + 1):
            for symbol in symbols:
                lot = self._instrument(symbol).volume_unit
                for match in self._resting.trade_slot(symbol, self._tape, slot, lot):
                    self._fill(match, self._tape.slot_time(slot))
            self._slot = slot
        self._store_time = True

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._store_time = True
        self._events.append(PhaseEvent(self._trade_date, phase, self._now_ms))
        if accepts_orders(phase):
            for order in list(self._orders.values()):
                if order.status in _WAITING:
                    self._report(order)
        if phase is Phase.AFTER_HOURS:
            # Open orders are dead; as in a real terminal they keep their last status until the nightly clearing.
            self._resting.clear()
        self._confirm_cancels()

    def _change_day(self) -> None:
        """The nightly clearing: release what is frozen, settle T+1, book ex-dates, begin the next trade date."""
        previous = self._trade_date
        for order in self._orders.values():
            if order.open_quantity:
                self._books[order.account_id].release(order)
                order.status = OrderStatus.PART_CANCEL if order.traded_quantity else OrderStatus.CANCELED
                order.status_msg = "收盘未成交，系统清算撤销"
                self._mark(order)
        self._trade_date = self._market.calendar.next_day(previous)
        actions = self._market.corporate_actions(self._trade_date)
        for book in self._books.values():
            self._mark(book.account, *book.settle())
            self._touched.update((book.account.account_id, symbol) for symbol in book.holdings)
            for action in actions:
                if (holding := book.apply_action(action)) is not None:
                    self._mark(holding)
        self._orders, self._fills = {}, []
        self._cancelling.clear()
        self._resting.clear()
        self._tape = self._market.tape(self._trade_date)
        self._slot = self._tape.slot_at(self._now_ms)
        self._phase = self._phase_at(self._now_ms)
        self._store_time = True
        self._events.append(DayEvent(self._trade_date, previous, self._now_ms))

    def _auction_tick_due(self) -> bool:
        """Before the open there are no slots, but indicative quotes every three seconds."""
        collecting = (Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.CLOSE_AUCTION)
        stamp = self._now_ms // 3000
        if self._phase not in collecting or stamp == self._last_auction_quote:
            return False
        self._last_auction_quote = stamp
        return True

    def _emit_quotes(self) -> None:
        ticks = self._tape.snapshot(list(self._tape.index), self._now_ms)
        self._events.append(QuoteEvent(self._now_ms, ticks))

    def submit(self, ticket: OrderTicket) -> SubmitResult:
        """Place an order. Refusals of the counter come back here; refusals of the exchange become status 57."""
        self.step()
        accepted = self._accept(ticket)
        if isinstance(accepted, Refusal):
            return SubmitResult(-1, accepted.reject.error_id, accepted.message)
        self._emit_order(accepted)
        if accepts_orders(self._phase):
            self._report(accepted)
        else:
            accepted.status = OrderStatus.WAIT_REPORTING
            self._emit_order(accepted)
        self._commit()
        return SubmitResult(accepted.order_id)

    def _accept(self, ticket: OrderTicket) -> Order | Refusal:
        book = self._books.get(ticket.account_id)
        if book is None:
            return Refusal(Reject.ACCOUNT, ticket.account_id)
        instrument = self._market.instrument(ticket.symbol)
        position = self._tape.index.get(ticket.symbol)
        if instrument is None or position is None:
            return Refusal(Reject.SYMBOL, ticket.symbol)
        if not instrument.tradable:
            return Refusal(Reject.NOT_TRADABLE, ticket.symbol)
        before_open = self._now_ms < to_ms(self._trade_date, TIMETABLE[1][0])
        if (refusal := session_refusal(self._phase, before_open=before_open)) is not None:
            return refusal
        price = order_price(ticket, instrument, self._tape.price(position, self._slot))
        if isinstance(price, Refusal):
            return price
        if (refusal := counter_refusal(ticket, instrument, price, book, self._trade_date)) is not None:
            return refusal
        self._last_order += 1
        order = Order(
            order_id=self._last_order,
            trade_date=self._trade_date,
            account_id=ticket.account_id,
            symbol=ticket.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            price_type=ticket.price_type,
            price_milli=price,
            strategy_name=ticket.strategy_name,
            remark=ticket.remark.encode("gb18030", "ignore")[:_REMARK_BYTES].decode("gb18030", "ignore"),
            order_time=self._now_ms // 1000,
        )
        book.freeze(order, instrument.kind)
        self._orders[order.order_id] = order
        self._mark(order)
        self._touch(order)
        return order

    def _report(self, order: Order) -> None:
        """The order reaches the exchange: refused, traded at once, or resting."""
        position = self._tape.index[order.symbol]
        row = self._tape.rows[position]
        phase = self._tape.phase_for(position, self._phase)
        continuous = phase is Phase.CONTINUOUS
        depth = self._tape.depth(position, max(self._slot, 0))
        refusal = exchange_refusal(
            side=order.side,
            price_milli=order.price_milli,
            instrument=row.instrument,
            facts=row.facts,
            depth=depth,
            last_milli=self._tape.price(position, self._slot),
            in_auction=not continuous,
        )
        if refusal is not None:
            self._books[order.account_id].release(order)
            order.status, order.status_msg = OrderStatus.JUNK, refusal.message
            self._emit_order(order)
            return
        order.status, order.order_sysid = OrderStatus.REPORTED, f"SIM{order.order_id}"
        self._emit_order(order)
        if continuous:
            for match in self._resting.take(order, depth, self._slot, row.instrument.volume_unit):
                self._fill(match, self._now_ms)
        if order.open_quantity:
            self._resting.rest(order)

    def _fill(self, match: Match, at_ms: int) -> None:
        order, instrument = match.order, self._instrument(match.order.symbol)
        book = self._books[order.account_id]
        self._last_fill += 1
        fill = book.fill(
            order,
            fill_no=self._last_fill,
            price_milli=match.price_milli,
            quantity=match.quantity,
            traded_time=at_ms // 1000,
            kind=instrument.kind,
            t_plus=instrument.t_plus,
        )
        self._fills.append(fill)
        self._mark(fill)
        self._emit_order(order)
        self._events.append(TradeEvent(self._trade_view(fill)))

    def cancel(self, account_id: str, *, order_id: int = 0, order_sysid: str = "", market: str = "") -> CancelResult:
        """Ask to cancel an order by its id, or by its exchange number and market ("SH", "SZ", "BJ").

        The order becomes 51 or 52 at once and 53 or 54 with the next step in which the exchange takes cancels.
        """
        self.step()
        order = self._find(account_id, order_id, order_sysid, market)
        refusal = self._cancel_refusal(order)
        if order is None or refusal is not None:
            reject = refusal or Reject.CANCEL_UNKNOWN
            return CancelResult(False, order_id, order_sysid, reject.error_id, reject.words())
        if order.status not in _WAITING:
            order.status = OrderStatus.PARTSUCC_CANCEL if order.traded_quantity else OrderStatus.REPORTED_CANCEL
            self._cancelling[order.order_id] = order
            self._emit_order(order)
        else:
            self._finish_cancel(order)  # never left the broker
        self._commit()
        return CancelResult(True, order.order_id, order.order_sysid)

    def _find(self, account_id: str, order_id: int, order_sysid: str, market: str) -> Order | None:
        if order_id:
            order = self._orders.get(order_id)
            return order if order is not None and order.account_id == account_id else None
        for order in self._orders.values():
            right_market = not market or order.symbol.endswith("." + market)
            if order_sysid and order.order_sysid == order_sysid and order.account_id == account_id and right_market:
                return order
        return None

    def _cancel_refusal(self, order: Order | None) -> Reject | None:
        if order is None:
            return Reject.CANCEL_UNKNOWN
        if order.status.is_final:
            return Reject.CANCEL_FINAL
        if order.status in _CANCELLING:
            return Reject.CANCEL_PENDING
        if order.status in _WAITING:
            return None
        phase = self._tape.phase_for(self._tape.index[order.symbol], self._phase)
        waits = phase in (Phase.PRE_OPEN, Phase.LUNCH)  # kept by the broker until the exchange takes cancels again
        return None if accepts_cancels(phase) or waits else Reject.CANCEL_SESSION

    def _confirm_cancels(self) -> None:
        for order in list(self._cancelling.values()):
            phase = self._tape.phase_for(self._tape.index[order.symbol], self._phase)
            if order.status.is_final:
                del self._cancelling[order.order_id]  # filled before its cancel arrived
            elif accepts_cancels(phase):
                self._finish_cancel(order)

    def _finish_cancel(self, order: Order) -> None:
        self._books[order.account_id].release(order)
        order.status = OrderStatus.PART_CANCEL if order.traded_quantity else OrderStatus.CANCELED
        self._cancelling.pop(order.order_id, None)
        self._resting.remove(order)
        self._emit_order(order)

    def accounts(self) -> list[AccountView]:
        """The accounts the terminal is logged in to."""
        return [AccountView(book.account.account_id, book.account.account_type) for book in self._books.values()]

    def asset(self, account_id: str) -> AssetView:
        """Money of an account. KeyError for an unknown account, as in the three queries below."""
        book = self._books[account_id]
        value = sum(market_value_cents(holding, self._last(symbol)) for symbol, holding in book.holdings.items())
        return asset_view(book.account, value)

    def orders(self, account_id: str, *, cancelable_only: bool = False) -> list[OrderView]:
        """Today's orders, oldest first."""
        self._books[account_id]
        return [
            self._order_view(order)
            for order in self._orders.values()
            if order.account_id == account_id and (not cancelable_only or order.status.is_cancelable)
        ]

    def trades(self, account_id: str) -> list[TradeView]:
        """Today's fills, oldest first."""
        self._books[account_id]
        return [self._trade_view(fill) for fill in self._fills if fill.account_id == account_id]

    def positions(self, account_id: str) -> list[PositionView]:
        """Holdings, including those sold out today (quantity 0)."""
        return [self._position_view(holding) for holding in self._books[account_id].holdings.values()]

    def _instrument(self, symbol: str) -> Instrument:
        return self._tape.rows[self._tape.index[symbol]].instrument

    def _name(self, symbol: str) -> str:
        position = self._tape.index.get(symbol)
        if position is not None:
            return self._tape.rows[position].facts.name
        instrument = self._market.instrument(symbol)
        return instrument.name if instrument is not None else ""

    def _last(self, symbol: str) -> int:
        position = self._tape.index.get(symbol)
        return self._tape.price(position, self._slot) if position is not None else 0

    def _order_view(self, order: Order) -> OrderView:
        return order_view(order, self._books[order.account_id].account.account_type, self._name(order.symbol))

    def _trade_view(self, fill: Fill) -> TradeView:
        order = self._orders[fill.order_id]
        return trade_view(fill, order, self._books[fill.account_id].account.account_type, self._name(fill.symbol))

    def _position_view(self, holding: Holding) -> PositionView:
        account_type = self._books[holding.account_id].account.account_type
        return position_view(holding, account_type, self._name(holding.symbol), self._last(holding.symbol))

    def _emit_order(self, order: Order) -> None:
        self._mark(order)
        self._touch(order)
        self._events.append(OrderEvent(self._order_view(order)))

    def _touch(self, order: Order) -> None:
        """Note that the account's money and one of its holdings changed; told once per operation."""
        book = self._books[order.account_id]
        self._mark(book.account)
        self._touched.add((order.account_id, order.symbol if order.symbol in book.holdings else ""))
        if order.symbol in book.holdings:
            self._mark(book.holdings[order.symbol])

    def _mark(self, *entities: object) -> None:
        for entity in entities:
            self._dirty[id(entity)] = entity

    def _commit(self) -> None:
        if self._dirty or self._store_time:
            meta = {"trade_date": self._trade_date.isoformat(), "now_ms": str(self._now_ms)}
            self._store.save(self._dirty.values(), meta=meta)
            self._dirty.clear()
            self._store_time = False
        for account_id, symbol in sorted(self._touched):
            if symbol:
                self._events.append(PositionEvent(self._position_view(self._books[account_id].holding(symbol))))
        for account_id in sorted({account_id for account_id, _ in self._touched}):
            self._events.append(AssetEvent(self.asset(account_id)))
        self._touched.clear()

    def drain_events(self) -> list[ExchangeEvent]:
        """Events since the last call, in the order they happened; everything in them is committed."""
        events, self._events = self._events, []
        return events
