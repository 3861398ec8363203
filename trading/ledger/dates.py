"""Trade dates of an account: opened by the first thing that happens on them, closed by reconciliation."""

from __future__ import annotations

from datetime import date

from trading.ledger.choices import TradeDateState
from trading.ledger.history import day_close
from trading.ledger.journal import Journal
from trading.ledger.models import TradeDate


def trade_date_open(journal: Journal, trade_date: date) -> bool:
    """Note that the account trades on `trade_date`; False when that was known, or the date is over."""
    book = journal.book
    if book.closed_trade_date is not None and trade_date <= book.closed_trade_date:
        return False
    _row, created = TradeDate.objects.get_or_create(
        account_id=book.pk, date=trade_date, defaults={"opened_at": journal.at}
    )
    if book.open_trade_date is None or trade_date < book.open_trade_date:
        journal.change_book(open_trade_date=trade_date)
    return created


def trade_date_close(journal: Journal, trade_date: date) -> bool:
    """Close `trade_date` and keep how the account stands at its end; False when it was closed before."""
    book = journal.book
    dates = TradeDate.objects.filter(account_id=book.pk)
    unclosed = dates.exclude(state=TradeDateState.CLOSED)
    closed = unclosed.filter(date=trade_date).update(state=TradeDateState.CLOSED, closed_at=journal.at)
    if not closed:
        if dates.filter(date=trade_date).exists():
            return False
        TradeDate.objects.create(
            account_id=book.pk,
            date=trade_date,
            state=TradeDateState.CLOSED,
            opened_at=journal.at,
            closed_at=journal.at,
        )
    journal.change_book(
        open_trade_date=unclosed.order_by("date").values_list("date", flat=True).first(),
        closed_trade_date=max(filter(None, (book.closed_trade_date, trade_date))),
    )
    day_close(journal, trade_date)
    return True


def trade_date_miss(journal: Journal, trade_date: date) -> bool:
    """Note that `trade_date` ended unseen and something changed; False when it is not open.

    It goes on blocking new orders: the next reconciliation writes the terminal's figures into the
    book, so a later comparison would find nothing and prove nothing.
    """
    dates = TradeDate.objects.filter(account_id=journal.book.pk, date=trade_date, state=TradeDateState.OPEN)
    return bool(dates.update(state=TradeDateState.MISSED))
