"""The broker's side of the terminal: accounts, today's orders and fills, what changed, and who is told.

Changes are collected while an operation runs, committed together, and only then may their events leave.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from qmt.fees import Tariff
from qmt.money import cents_of, notional_cents
from qmt.terminal.bank import BankWish, transfer_refusal
from qmt.terminal.checks import Reject
from qmt.terminal.ledger import Account, BankTransfer, Book, Fill, Holding, Order
from qmt.terminal.state import StateStore
from qmt.terminal.types import (
    AccountConfig,
    AccountView,
    AssetEvent,
    AssetView,
    CorporateAction,
    ExchangeEvent,
    Instrument,
    OrderEvent,
    OrderStatus,
    OrderTicket,
    OrderView,
    PositionEvent,
    PositionView,
    TradeEvent,
    TradeView,
)
from qmt.terminal.views import asset_view, market_value_cents, order_view, position_view, trade_view

_REMARK_BYTES = 24
_FIRST_ORDER_ID = 1_000_000


class Quotes(Protocol):
    """What the broker needs to know of the market to show and value things."""

    def name_of(self, symbol: str) -> str:
        """Name on the trade date."""

    def last_milli(self, symbol: str) -> int:
        """Last price, 0 when there is none."""


class Broker:
    """Books of all accounts on one trade date.

    Parameters
    ----------
    store
        State file; what it holds is continued.
    quotes
        Names and last prices.
    trade_date
        The date whose orders and fills are shown.
    """

    def __init__(self, store: StateStore, quotes: Quotes, trade_date: dt.date) -> None:
        self._store, self._quotes = store, quotes
        self._events: list[ExchangeEvent] = []
        self._dirty: dict[int, object] = {}
        self._touched: set[tuple[str, str]] = set()
        self._books: dict[str, Book] = {}
        last_order, self._last_fill = store.last_numbers()
        self._last_order = max(last_order, _FIRST_ORDER_ID)
        self.orders = {order.order_id: order for order in store.orders(trade_date)}
        self._fills = store.fills(trade_date)
        self._last_transfer = store.last_transfer_number()

    def open_accounts(self, configs: Sequence[AccountConfig], reference_milli: dict[str, int]) -> None:
        """Load the configured accounts; one that the state does not know is opened with its cash and holdings.

        ``reference_milli`` prices the opening holdings.

        Raises
        ------
        ValueError
            For an opening holding in something that is not listed, or an unusable commission.
        """
        known = {account.account_id: account for account in self._store.accounts()}
        holdings: dict[str, list[Holding]] = {}
        for holding in self._store.holdings():
            holdings.setdefault(holding.account_id, []).append(holding)
        for config in configs:
            account = known.get(config.account_id)
            if account is None:
                account = Account(config.account_id, config.account_type, cents_of(config.opening_cash))
                holdings[config.account_id] = _opening_holdings(config, reference_milli)
                self._mark(account, *holdings[config.account_id])
            tariff = Tariff.of(config.commission_rate, config.minimum_commission)
            self._books[config.account_id] = Book(account, tariff, holdings.get(config.account_id, []))

    def book(self, account_id: str) -> Book | None:
        """Books of an account; None when the terminal does not serve it."""
        return self._books.get(account_id)

    def accept(
        self, ticket: OrderTicket, *, price_milli: int, instrument: Instrument, trade_date: dt.date, at_ms: int
    ) -> Order:
        """Make an order of a checked ticket and freeze what it needs."""
        order = self._order_of(ticket, price_milli=price_milli, trade_date=trade_date, at_ms=at_ms)
        self._books[order.account_id].freeze(order, instrument.kind)
        self.changed(order)
        return order

    def accept_subscription(
        self, ticket: OrderTicket, *, price_milli: int, order_sysid: str, trade_date: dt.date, at_ms: int
    ) -> Order:
        """Make a reported order of a checked subscription; it freezes nothing."""
        order = self._order_of(ticket, price_milli=price_milli, trade_date=trade_date, at_ms=at_ms)
        order.status, order.order_sysid = OrderStatus.REPORTED, f"{order_sysid}{order.order_id}"
        self.changed(order)
        return order

    def _order_of(self, ticket: OrderTicket, *, price_milli: int, trade_date: dt.date, at_ms: int) -> Order:
        self._last_order += 1
        order = Order(
            order_id=self._last_order,
            trade_date=trade_date,
            account_id=ticket.account_id,
            symbol=ticket.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            price_type=ticket.price_type,
            price_milli=price_milli,
            strategy_name=ticket.strategy_name,
            remark=ticket.remark.encode("gb18030", "ignore")[:_REMARK_BYTES].decode("gb18030", "ignore"),
            order_time=at_ms // 1000,
        )
        self.orders[order.order_id] = order
        return order

    def fill(self, order: Order, *, price_milli: int, quantity: int, instrument: Instrument, at_ms: int) -> None:
        """Book one fill of an order."""
        self._last_fill += 1
        fill = self._books[order.account_id].fill(
            order,
            fill_no=self._last_fill,
            price_milli=price_milli,
            quantity=quantity,
            traded_time=at_ms // 1000,
            kind=instrument.kind,
            t_plus=instrument.t_plus,
        )
        self._fills.append(fill)
        self._mark(fill)
        self.changed(order)
        self._events.append(TradeEvent(self._trade_view(fill)))

    def reprice(self, order: Order, *, price_milli: int, instrument: Instrument) -> None:
        """The exchange has turned a market order into a limit order at this price."""
        if price_milli == order.price_milli:
            return
        self._books[order.account_id].reprice(order, price_milli, instrument.kind)
        self.changed(order)

    def finish(self, order: Order, status: OrderStatus, message: str = "") -> None:
        """End an order that will not trade any more, and give back what it froze."""
        self._books[order.account_id].release(order)
        order.status, order.status_msg = status, message
        self.changed(order)

    def changed(self, order: Order) -> None:
        """Tell of an order's new state; its money and holding are told once per operation."""
        book = self._books[order.account_id]
        self._mark(order, book.account)
        self._touched.add((order.account_id, order.symbol if order.symbol in book.holdings else ""))
        if order.symbol in book.holdings:
            self._mark(book.holdings[order.symbol])
        self._events.append(OrderEvent(self._order_view(order)))

    def transfer(self, wish: BankWish, *, trade_date: dt.date, at_ms: int) -> str:
        """Move money between an account and its bank; blank when done, else the counter's words."""
        book = self._books.get(wish.account_id)
        if book is None:
            return Reject.ACCOUNT.words(wish.account_id)
        if (refusal := transfer_refusal(book.account, wish)) is not None:
            return refusal.message
        book.pay(wish.amount_cents, incoming=wish.incoming)
        self._last_transfer += 1
        row = BankTransfer(
            transfer_no=self._last_transfer,
            trade_date=trade_date,
            account_id=wish.account_id,
            incoming=int(wish.incoming),
            amount_cents=wish.amount_cents,
            bank_no=wish.bank_no,
            bank_account=wish.bank_account,
            transfer_time=at_ms // 1000,
        )
        self._mark(row, book.account)
        self._touched.add((wish.account_id, ""))
        return ""

    def transfers(self, account_id: str, first: dt.date, last: dt.date) -> list[BankTransfer]:
        """Transfers of an account on these trade dates, oldest first."""
        return self._store.bank_transfers(account_id, first, last)

    def settle(self, actions: Sequence[CorporateAction]) -> None:
        """The nightly clearing: open orders end without a push, T+1 shares become sellable, ex-dates are booked."""
        for order in self.orders.values():
            if order.open_quantity:
                self._books[order.account_id].release(order)
                order.status = OrderStatus.PART_CANCEL if order.traded_quantity else OrderStatus.CANCELED
                order.status_msg = "收盘未成交，系统清算撤销"
                self._mark(order)
        for account_id, book in self._books.items():
            self._mark(book.account, *book.settle())
            for action in actions:
                if (holding := book.apply_action(action)) is not None:
                    self._mark(holding)
            self._touched.update((account_id, symbol) for symbol in book.holdings)
            self._touched.add((account_id, ""))
        self.orders, self._fills = {}, []

    def tell(self, event: ExchangeEvent) -> None:
        """Add an event of the market in its place among the broker's."""
        self._events.append(event)

    def commit(self, meta: dict[str, str] | None = None) -> None:
        """Write everything that changed in one transaction, then complete the events."""
        if self._dirty or meta:
            self._store.save(self._dirty.values(), meta=meta)
            self._dirty.clear()
        for account_id, symbol in sorted(self._touched):
            if symbol:
                self._events.append(PositionEvent(self._position_view(self._books[account_id].holding(symbol))))
        for account_id in sorted({account_id for account_id, _ in self._touched}):
            self._events.append(AssetEvent(self.asset(account_id)))
        self._touched.clear()

    @property
    def has_changes(self) -> bool:
        """Whether something waits to be committed."""
        return bool(self._dirty)

    def drain_events(self) -> list[ExchangeEvent]:
        """Events since the last call."""
        events, self._events = self._events, []
        return events

    def accounts(self) -> list[AccountView]:
        """The accounts the terminal is logged in to."""
        return [AccountView(book.account.account_id, book.account.account_type) for book in self._books.values()]

    def asset(self, account_id: str) -> AssetView:
        """Money of an account, valued at the last prices."""
        book = self._books[account_id]
        values = (market_value_cents(one, self._quotes.last_milli(one.symbol)) for one in book.holdings.values())
        return asset_view(book.account, sum(values))

    def order_views(self, account_id: str, *, cancelable_only: bool) -> list[OrderView]:
        """Today's orders, oldest first."""
        self._books[account_id]  # an unknown account is a KeyError, not an empty answer
        return [
            self._order_view(order)
            for order in self.orders.values()
            if order.account_id == account_id and (not cancelable_only or order.status.is_cancelable)
        ]

    def trade_views(self, account_id: str) -> list[TradeView]:
        """Today's fills, oldest first."""
        self._books[account_id]
        return [self._trade_view(fill) for fill in self._fills if fill.account_id == account_id]

    def position_views(self, account_id: str) -> list[PositionView]:
        """Holdings, those sold out today included."""
        return [self._position_view(holding) for holding in self._books[account_id].holdings.values()]

    def positions_of(self, account_id: str) -> list[Holding]:
        """Holdings of an account. KeyError for an unknown one."""
        return list(self._books[account_id].holdings.values())

    def _order_view(self, order: Order) -> OrderView:
        account_type = self._books[order.account_id].account.account_type
        return order_view(order, account_type, self._quotes.name_of(order.symbol))

    def _trade_view(self, fill: Fill) -> TradeView:
        account_type = self._books[fill.account_id].account.account_type
        return trade_view(fill, self.orders[fill.order_id], account_type, self._quotes.name_of(fill.symbol))

    def _position_view(self, holding: Holding) -> PositionView:
        account_type = self._books[holding.account_id].account.account_type
        symbol = holding.symbol
        return position_view(holding, account_type, self._quotes.name_of(symbol), self._quotes.last_milli(symbol))

    def _mark(self, *entities: object) -> None:
        for entity in entities:
            self._dirty[id(entity)] = entity


def _opening_holdings(config: AccountConfig, reference_milli: dict[str, int]) -> list[Holding]:
    holdings = []
    for symbol, quantity in config.opening_positions.items():
        if symbol not in reference_milli:
            raise ValueError(f"account {config.account_id} cannot open with {symbol}: it is not listed")
        cost = notional_cents(reference_milli[symbol], quantity)
        holdings.append(
            Holding(config.account_id, symbol, quantity, yesterday=quantity, cost_cents=cost, paid_cents=cost)
        )
    return holdings
