"""Opening an account's books: what the broker states, less what is entered already, is the opening balance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from qmt.gateway import AssetUpdate, PositionUpdate
from trading.ledger.choices import EntryKind
from trading.ledger.comparison import ledger_quantities
from trading.ledger.entries import Posting
from trading.ledger.history import day_write
from trading.ledger.journal import Journal

#: Cash and shares by symbol that the broker has and the entries do not.
Balance = tuple[Decimal, tuple[tuple[str, int], ...]]


def balance_missing(journal: Journal, *, asset: AssetUpdate, positions: Sequence[PositionUpdate]) -> Balance:
    """What opening the books now would enter; the caller holds the book."""
    entered = ledger_quantities(journal.book.pk)
    stated = {row.symbol: row.quantity for row in positions}
    shares = {symbol: stated.get(symbol, 0) - entered.get(symbol, 0) for symbol in stated.keys() | entered.keys()}
    cash = asset.cash + asset.frozen_cash - journal.book.ledger_cash
    return cash, tuple(sorted((symbol, quantity) for symbol, quantity in shares.items() if quantity))


def books_open(journal: Journal, *, asset: AssetUpdate, positions: Sequence[PositionUpdate], today: date) -> None:
    """Enter the opening balance; fills of `today` that are booked already are not part of it.

    Shares come in at the broker's average price: what they really cost, and when they were
    bought, nobody here has seen.
    """
    cash, shares = balance_missing(journal, asset=asset, positions=positions)
    prices = {row.symbol: row.avg_price or row.open_price or row.last_price for row in positions}
    journal.post(Posting(today, EntryKind.OPENING, "opening", cash=cash))
    journal.post(
        *(
            Posting(
                today,
                EntryKind.OPENING,
                f"opening:{symbol}",
                symbol=symbol,
                quantity=quantity,
                price=prices.get(symbol, Decimal(0)),
            )
            for symbol, quantity in shares
        )
    )
    journal.flush_postings()
    journal.change_book(ledger_since=today)
    # The profit of the first day counts from here: it stands before that day on the curve.
    day_write(journal, today - timedelta(days=1))
