"""What is kept of each closed trade date: totals for the equity curve, holdings for the statement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from trading.ledger.choices import DifferenceKind, DifferenceState, EntryKind
from trading.ledger.comparison import cash_band
from trading.ledger.corporate import pending
from trading.ledger.entries import Posting, figures_of
from trading.ledger.equity import account_equity, external_value, positions_value
from trading.ledger.fields import CENT, ZERO
from trading.ledger.journal import Journal
from trading.ledger.models import AccountDay, AssetSnapshot, Difference, LedgerPosition, Position, PositionDay


def day_close(journal: Journal, trade_date: date) -> None:
    """Keep how the account stands at the end of `trade_date`; nothing before its books are opened.

    The broker's fees, known only through its cash, replace our estimate here.
    """
    if journal.book.ledger_since is None or trade_date < journal.book.ledger_since:
        return
    _true_up(journal, trade_date)
    day_write(journal, trade_date)


def _true_up(journal: Journal, trade_date: date) -> None:
    book = journal.book
    asset = AssetSnapshot.objects.filter(pk=book.pk).first()
    unexplained = Difference.objects.filter(
        account_id=book.pk, kind=DifferenceKind.CASH, state=DifferenceState.OPEN
    ).exists()
    if asset is None or unexplained:
        return
    journal.flush_postings()
    stated = asset.cash + asset.frozen_cash
    delta: Decimal = stated - (book.ledger_cash - pending(book.pk).cash_total)
    if delta and abs(delta) <= cash_band(book.estimated_fees):
        journal.post(
            Posting(
                trade_date,
                EntryKind.FEE_TRUE_UP,
                f"fees:{trade_date}",
                cash=delta,
                note=f"broker's cash {stated}, estimated fees {book.estimated_fees}",
            )
        )
        journal.flush_postings()
    journal.change_book(estimated_fees=ZERO)


def day_write(journal: Journal, day: date) -> None:
    """Store the account's totals and holdings under `day`, in place of what was stored before."""
    account = journal.book.account
    values = positions_value(account)
    equity = account_equity(account, values)
    if equity is None:
        return
    AccountDay.objects.update_or_create(
        account=account,
        date=day,
        defaults={
            "cash": equity.cash,
            "market_value": equity.market_value,
            "ledger_cash": journal.book.ledger_cash,
            "external": external_value(account),
            "at": journal.at,
        },
    )
    figures = {
        row.symbol: figures_of(row) for row in LedgerPosition.objects.filter(account=account).exclude(quantity=0)
    }
    broker_cost = dict(Position.objects.filter(account=account).values_list("symbol", "avg_price"))
    PositionDay.objects.filter(account=account, date=day).delete()
    PositionDay.objects.bulk_create(
        PositionDay(
            account=account,
            date=day,
            symbol=symbol,
            quantity=value.quantity,
            sellable=value.sellable,
            price=value.price,
            market_value=value.value.quantize(CENT),
            cost=figures[symbol].cost if symbol in figures else ZERO,
            base_cost=figures[symbol].base_cost if symbol in figures else ZERO,
            broker_cost=broker_cost.get(symbol, ZERO),
            opened_on=figures[symbol].opened_on if symbol in figures else None,
        )
        for symbol, value in sorted(values.items())
    )
