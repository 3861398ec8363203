"""The broker's figures, written down: money and holdings, pushed or queried.

A push says how things stood at some moment; only a query that was *started* after an event
proves that its answer contains it. So pushes refresh what is shown, while promises are
counted against the last query: its figure contains those that were handed over with it and
no others, where a push may hold a promise twice or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from qmt.gateway import AssetUpdate, PositionUpdate
from trading.ledger.choices import EventKind
from trading.ledger.fields import ZERO
from trading.ledger.journal import Journal
from trading.ledger.models import AssetSnapshot, Position
from trading.ledger.wire import asset_view, position_view

_ASSET = ("cash", "frozen_cash", "market_value", "total_asset")
_POSITION = (
    "quantity",
    "sellable",
    "frozen",
    "on_road",
    "yesterday",
    "avg_price",
    "open_price",
    "last_price",
    "market_value",
)
#: Prices times positions move all day; alone they are no event (clients value by their quotes).
VALUATION = frozenset({"market_value", "total_asset", "last_price"})


def asset_apply(journal: Journal, update: AssetUpdate, *, query_started_at: datetime | None = None) -> bool:
    """Store the account's money; a query also confirms the spending that it must contain.

    A push that was received before the last query began says less than that query.

    Returns
    -------
    bool
        Whether a push shows other cash than the last query: a new query should be made.
    """
    account_id = journal.book.pk
    received_at = _received(update.received_at_ns)
    stored = AssetSnapshot.objects.filter(pk=account_id).first()
    if query_started_at is None and _outdated(stored, received_at):
        return False
    asset = stored or AssetSnapshot(pk=account_id)
    changed = _copy(update, asset, _ASSET)
    asset.at = received_at
    if query_started_at is not None:
        asset.query_started_at, asset.query_cash = query_started_at, asset.cash
        _confirm_spending(journal, query_started_at)
    asset.save(force_insert=stored is None)
    if stored is None or changed - VALUATION:
        journal.record(EventKind.ASSET, "asset", partial(asset_view, asset))
    return bool(asset.cash != asset.confirmed_cash)


def _confirm_spending(journal: Journal, query_started_at: datetime) -> None:
    spent_at = journal.book.unconfirmed_at
    if spent_at is not None and spent_at < query_started_at:
        journal.change_book(unconfirmed_cash=ZERO, unconfirmed_at=None)


def positions_apply(
    journal: Journal,
    updates: Sequence[PositionUpdate],
    *,
    instrument_ids: Mapping[str, int],
    query_started_at: datetime | None = None,
) -> None:
    """Store holdings. A query's answer is complete: what it does not show is gone.

    The caller has confirmed an answer that is empty after one that was not.
    """
    symbols = [update.symbol for update in updates]
    rows = Position.objects.filter(account_id=journal.book.pk)
    stored = {row.symbol: row for row in (rows if query_started_at else rows.filter(symbol__in=symbols))}
    for update in updates:
        row = stored.pop(update.symbol, None)
        if query_started_at is None and _outdated(row, _received(update.received_at_ns)):
            continue
        _position_apply(journal, row, update, instrument_ids, query_started_at)
    if query_started_at is not None:
        for row in stored.values():
            _position_gone(journal, row, query_started_at)


def _position_apply(
    journal: Journal,
    stored: Position | None,
    update: PositionUpdate,
    instrument_ids: Mapping[str, int],
    query_started_at: datetime | None,
) -> None:
    if stored is None and update.quantity == 0:
        return
    position = stored or Position(account_id=journal.book.pk, symbol=update.symbol)
    changed = _copy(update, position, _POSITION)
    position.instrument_id = instrument_ids.get(update.symbol, position.instrument_id)
    position.updated_at = _received(update.received_at_ns)
    if query_started_at is not None:
        position.query_started_at, position.query_sellable = query_started_at, position.sellable
        _confirm_sales(position, query_started_at)
    position.save()
    if stored is None or changed - VALUATION:
        _record(journal, position)


def _position_gone(journal: Journal, position: Position, query_started_at: datetime) -> None:
    """The row stays, empty, while sales wait for their confirmation; afterwards it goes."""
    _confirm_sales(position, query_started_at)
    shown = position.quantity > 0
    position.quantity = position.sellable = position.frozen = position.on_road = 0
    position.yesterday, position.query_sellable, position.market_value = 0, 0, ZERO
    position.query_started_at, position.updated_at = query_started_at, journal.at
    if position.unconfirmed_sold:
        position.save()
    else:
        # Deleting clears the key; the event still needs the row's other columns.
        Position.objects.filter(pk=position.pk).delete()
    if shown:
        _record(journal, position)


def _confirm_sales(position: Position, query_started_at: datetime) -> None:
    sold_at = position.unconfirmed_at
    if sold_at is not None and sold_at < query_started_at:
        position.unconfirmed_sold, position.unconfirmed_at = 0, None


def _record(journal: Journal, position: Position) -> None:
    journal.record(EventKind.POSITION, position.symbol, partial(position_view, position))


def _copy(update: AssetUpdate | PositionUpdate, row: Any, names: Sequence[str]) -> set[str]:
    """Copy the figures as the columns hold them; return the names of those that changed."""
    changed = set()
    for name in names:
        column = row._meta.get_field(name)
        value = column.to_python(getattr(update, name))
        if hasattr(column, "decimal_places"):
            value = round(value, column.decimal_places)
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.add(name)
    return changed


def _outdated(row: AssetSnapshot | Position | None, received_at: datetime) -> bool:
    return row is not None and row.query_started_at is not None and received_at < row.query_started_at


def _received(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)


def spending_unconfirmed(journal: Journal, amount: Any) -> None:
    """A fill spent cash that the broker's figure cannot be trusted to contain yet."""
    if amount > 0:
        journal.change_book(unconfirmed_cash=journal.book.unconfirmed_cash + amount, unconfirmed_at=journal.at)


def sale_unconfirmed(journal: Journal, symbol: str, quantity: int) -> None:
    """A fill sold shares that the broker's sellable figure cannot be trusted to lack yet."""
    position = Position.objects.filter(account_id=journal.book.pk, symbol=symbol).first()
    if position is None or quantity <= 0:
        return
    position.unconfirmed_sold += quantity
    position.unconfirmed_at = journal.at
    position.save(update_fields=["unconfirmed_sold", "unconfirmed_at"])


def unconfirmed_sold(journal: Journal) -> dict[str, int]:
    """Shares sold by fills that no position query has confirmed, by symbol."""
    rows = Position.objects.filter(account_id=journal.book.pk, unconfirmed_sold__gt=0)
    return dict(rows.values_list("symbol", "unconfirmed_sold"))


def confirm_spent(journal: Journal, spent: Decimal) -> None:
    """The query just stored contains this much of what fills spent: they were in the same round's earlier answers."""
    left = max(ZERO, journal.book.unconfirmed_cash - spent)
    if spent > 0:
        journal.change_book(unconfirmed_cash=left, unconfirmed_at=journal.book.unconfirmed_at if left else None)


def confirm_sold(journal: Journal, sold: Mapping[str, int]) -> None:
    """The query just stored lacks these shares: their sales were in the same round's earlier answers."""
    gone = {symbol: quantity for symbol, quantity in sold.items() if quantity > 0}
    for position in Position.objects.filter(account_id=journal.book.pk, symbol__in=list(gone)):
        left = max(0, position.unconfirmed_sold - gone[position.symbol])
        position.unconfirmed_sold, position.unconfirmed_at = left, position.unconfirmed_at if left else None
        if position.quantity or left:
            position.save(update_fields=["unconfirmed_sold", "unconfirmed_at"])
        else:
            position.delete()
