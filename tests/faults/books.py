"""The terminal's book against ours, to the share and the cent, and our own rows against their rules.

Counts are what a trading team asks first: orders lost, doubled, unauthorised, and anything unexplained.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from accounts.models import BrokerAccount
from qmt.money import yuan_of
from qmt.terminal.state import StateStore
from qmt.terminal.views import order_view, position_view, trade_view
from trading.ledger.models import AccountBook, AccountEvent, AssetSnapshot, Position
from trading.orders.choices import OrderEventKind, ParkedState, Status
from trading.orders.models import Order, OrderEvent, ParkedEvent, Trade
from trading.orders.states import BROKER_STATUS, EXCEPTIONAL, OPEN, TABLE

#: What our row may say while the terminal says this: the same, or that the day is over.
_DAY_OVER: Final = frozenset({Status.SUBMITTED, Status.REPORTED, Status.PARTIALLY_FILLED, Status.PENDING_CANCEL})
#: The broker never had it, or we say so.
_ABSENT: Final = frozenset(
    {Status.DENIED, Status.EXPIRED, Status.NOT_FOUND, Status.CANCELLED, Status.REJECTED, Status.UNKNOWN}
)


@dataclass
class Verdict:
    """What is wrong, in words; empty lists mean that the books agree."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unauthorised: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.unauthorised or self.unexplained)

    def __str__(self) -> str:
        return "; ".join(f"{name}: {', '.join(found)}" for name, found in vars(self).items() if found) or "clean"


@dataclass(frozen=True)
class TerminalBook:
    """What the terminal holds of one account: the views of its exchange core."""

    orders: list[Any]
    trades: list[Any]
    positions: list[Any]
    cash: Decimal
    frozen_cash: Decimal


def terminal_book(state: Path, account_no: str) -> TerminalBook:
    """One account from a (copied) state file of a terminal, on its present trade date."""
    identity = sqlite3.connect(state).execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()[0]
    store = StateStore(state, identity=identity)
    try:
        day = dt.date.fromisoformat(str(store.meta("trade_date")))
        account = next(row for row in store.accounts() if row.account_id == account_no)
        orders = {order.order_id: order for order in store.orders(day) if order.account_id == account_no}
        return TerminalBook(
            [order_view(order, account.account_type, "") for order in orders.values()],
            [
                trade_view(fill, orders[fill.order_id], account.account_type, "")
                for fill in store.fills(day)
                if fill.account_id == account_no
            ],
            [
                position_view(holding, account.account_type, "", 0)
                for holding in store.holdings()
                if holding.account_id == account_no
            ],
            yuan_of(account.cash_cents),
            yuan_of(account.frozen_cents),
        )
    finally:
        store.close()


def compare(account: BrokerAccount, book: TerminalBook, *, day_over: bool = False) -> Verdict:
    """Hold our rows of today against the terminal's.

    Parameters
    ----------
    day_over
        Our trade date is closed: what still works at the terminal is DONE_FOR_DAY with us.
    """
    verdict = Verdict()
    ours = list(Order.objects.filter(account=account).prefetch_related("trades"))
    _orders(verdict, ours, book, day_over=day_over)
    _fills(verdict, account, ours, book)
    _holdings(verdict, account, book)
    _money(verdict, account, ours, book)
    _own_rules(verdict, account, ours)
    return verdict


def _orders(verdict: Verdict, ours: list[Order], book: TerminalBook, *, day_over: bool) -> None:
    by_tag = {order.tag: order for order in ours if order.tag}
    by_number = {order.broker_order_id: order for order in ours if order.broker_order_id}
    tags = Counter(view.remark for view in book.orders if view.remark)
    verdict.doubled += [f"tag {tag} is at the terminal {count} times" for tag, count in tags.items() if count > 1]
    for view in book.orders:
        order = by_tag.get(view.remark) or by_number.get(str(view.order_id))
        if order is None:
            verdict.unexplained.append(f"the terminal's order {view.order_id} ({view.remark!r}) is nobody's here")
            continue
        if order.deny_code == "AUTHORITY_CHANGED" or order.status == Status.DENIED:
            verdict.unauthorised.append(f"{order.tag} was sent although {order.status} {order.deny_code}")
        elif order.status in (Status.EXPIRED, Status.NOT_FOUND):
            verdict.lost.append(f"{order.tag} is at the terminal and {order.status} here")
        said = BROKER_STATUS[int(view.status)]
        right = order.status == said or (day_over and order.status == Status.DONE_FOR_DAY and said in _DAY_OVER)
        if not right:
            verdict.unexplained.append(f"{order.tag} is {order.status} here and {view.status!r} at the terminal")
        if order.traded_quantity != view.traded_quantity:
            verdict.unexplained.append(f"{order.tag}: {order.traded_quantity} filled, {view.traded_quantity} there")
    there = {view.remark for view in book.orders} | {str(view.order_id) for view in book.orders}
    for order in ours:
        if order.tag not in there and order.broker_order_id not in there and order.status not in _ABSENT:
            verdict.lost.append(f"{order.tag} is {order.status} here and not at the terminal")


def _fills(verdict: Verdict, account: BrokerAccount, ours: list[Order], book: TerminalBook) -> None:
    mine = {trade.traded_id: trade for trade in Trade.objects.filter(account=account)}
    theirs = {view.traded_id: view for view in book.trades}
    verdict.lost += [f"fill {number} is not booked" for number in theirs.keys() - mine.keys()]
    verdict.unexplained += [f"fill {number} is not the terminal's" for number in mine.keys() - theirs.keys()]
    for number in mine.keys() & theirs.keys():
        trade, view = mine[number], theirs[number]
        if (trade.quantity, trade.amount) != (view.quantity, view.amount):
            verdict.unexplained.append(
                f"fill {number}: {trade.quantity} for {trade.amount} here, {view.quantity} for {view.amount} there"
            )
        if trade.order_id is None:
            verdict.unexplained.append(f"fill {number} belongs to no order")
    # By order: an order's least commission falls to the fill that is booked first, and a lost one is booked late.
    fees: defaultdict[str, Decimal] = defaultdict(Decimal)
    for view in book.trades:
        fees[view.order_sysid] += view.fees
    for trade in mine.values():
        fees[trade.order_sysid] -= trade.fees
    verdict.unexplained += [f"fees of {number} differ by {rest}" for number, rest in fees.items() if rest]
    for order in ours:
        booked = sum(trade.quantity for trade in order.trades.all())
        if booked != order.traded_quantity:
            verdict.unexplained.append(f"{order.tag}: {booked} shares booked, {order.traded_quantity} stated")
        if booked > order.quantity:
            verdict.doubled.append(f"{order.tag}: {booked} of {order.quantity} filled")


def _holdings(verdict: Verdict, account: BrokerAccount, book: TerminalBook) -> None:
    columns = ("quantity", "sellable", "frozen", "on_road")
    mine = {
        row.symbol: tuple(getattr(row, name) for name in columns) for row in Position.objects.filter(account=account)
    }
    theirs = {view.symbol: tuple(getattr(view, name) for name in columns) for view in book.positions}
    for symbol in sorted(mine.keys() | theirs.keys()):
        empty = (0,) * len(columns)
        if mine.get(symbol, empty) != theirs.get(symbol, empty):
            verdict.unexplained.append(f"{symbol}: {mine.get(symbol)} here, {theirs.get(symbol)} there ({columns})")


def _money(verdict: Verdict, account: BrokerAccount, ours: list[Order], book: TerminalBook) -> None:
    asset = AssetSnapshot.objects.filter(account=account).first()
    mine = (asset.cash, asset.frozen_cash) if asset else None
    if mine != (book.cash, book.frozen_cash):
        verdict.unexplained.append(f"money {mine} here, {(book.cash, book.frozen_cash)} there")
    row = AccountBook.objects.filter(account=account).first()
    promised = sum((order.reserved_cash for order in ours), Decimal(0))
    kept = [order for order in ours if order.reserved_cash or order.reserved_quantity]
    if row is not None and row.reserved_cash != promised:
        verdict.unexplained.append(f"{row.reserved_cash} reserved, the orders' promises are {promised}")
    # Money held back for an order that is over would never come free.
    for order in kept:
        if order.status not in OPEN | {Status.NOT_FOUND}:
            verdict.unexplained.append(f"{order.tag} is {order.status} and still reserves")


def own_cash(opening: Decimal, account: BrokerAccount) -> Decimal:
    """Money as our own fills have it, without asking the terminal: opening, less what was bought, plus what was sold."""
    cash = opening
    for trade in Trade.objects.filter(account=account):
        cash += (trade.amount if trade.side == "SELL" else -trade.amount) - trade.fees
    return cash


def _own_rules(verdict: Verdict, account: BrokerAccount, ours: list[Order]) -> None:
    versions = list(AccountEvent.objects.filter(account=account).order_by("version").values_list("version", flat=True))
    if versions != list(range(1, len(versions) + 1)):
        verdict.unexplained.append("the account's events have gaps")
    if parked := ParkedEvent.objects.filter(account=account, state=ParkedState.PARKED).count():
        verdict.unexplained.append(f"{parked} events of the terminal wait for an order")
    for order in ours:
        events = list(OrderEvent.objects.filter(order=order).order_by("seq"))
        if [event.seq for event in events] != list(range(1, order.version + 1)):
            verdict.unexplained.append(f"{order.tag}: the timeline has gaps")
        verdict.unexplained += [f"{order.tag}: {step}" for step in _illegal(events)]
        claims = sum(event.kind == OrderEventKind.CLAIMED for event in events)
        if claims > 1:
            verdict.doubled.append(f"{order.tag} was claimed {claims} times")


def _illegal(events: Iterable[OrderEvent]) -> list[str]:
    wrong = []
    for event in events:
        if not event.from_status or event.from_status == event.to_status:
            continue
        before, after = Status(event.from_status), Status(event.to_status)
        if after not in TABLE[before] and (before, after) not in EXCEPTIONAL.get(
            OrderEventKind(event.kind), frozenset()
        ):
            wrong.append(f"{before} → {after} ({event.kind}) is no step of the table")
    return wrong
