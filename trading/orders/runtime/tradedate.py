"""Trade dates of accounts: opened by the market clock, closed by a reconciliation after the close.

The terminal only ever tells about today. A date whose closing reconciliation was missed (the platform
was off) can still be closed on a later day when holdings and money are exactly what they were
at the last look: then nothing was filled in between. Otherwise it is MISSED, which denies new
orders until a person settles it.
"""

from __future__ import annotations

import logging
from datetime import date, time

from accounts.models import BrokerAccount
from qmt.calendar import Phase, datetime_of_ms
from qmt.gateway import ClockReading
from trading.ledger.choices import TradeDateState
from trading.ledger.models import AccountBook, AssetSnapshot, Position, TradeDate
from trading.orders import lifecycle
from trading.orders.intake import AccountSnapshot
from trading.orders.models import Order
from trading.orders.states import UNRESOLVED

logger = logging.getLogger(__name__)

#: From here on nothing trades any more on a date, after-hours fixed-price orders included.
DAY_IS_OVER = time(15, 30)


def is_over(reading: ClockReading) -> bool:
    """Whether the reading's trade date has ended; the terminal still tells about it until the next one begins."""
    moment = datetime_of_ms(reading.market_time_ms)
    if reading.phase is not Phase.CLOSED or moment.date() < reading.trade_date:
        return False
    return moment.date() > reading.trade_date or moment.time() >= DAY_IS_OVER


def open_dates(account: BrokerAccount) -> list[date]:
    """The account's dates that a reconciliation can still close, oldest first."""
    rows = TradeDate.objects.filter(account=account, state=TradeDateState.OPEN)
    return list(rows.order_by("date").values_list("date", flat=True))


def missed_dates(account: BrokerAccount, reading: ClockReading) -> list[date]:
    """Open dates that the terminal no longer tells about."""
    return [day for day in open_dates(account) if day < reading.trade_date]


def is_unchanged(account: BrokerAccount, snapshot: AccountSnapshot) -> bool:
    """Whether money and holdings are exactly what the book last saw, so that nothing was filled meanwhile.

    Must be asked before the snapshot is applied. Fills whose money was never confirmed by a
    query leave the question open, and so does any corporate action overnight: both answer False.
    """
    book = AccountBook.objects.filter(account=account).first()
    seen = AssetSnapshot.objects.filter(account=account).first()
    if book is None or seen is None or book.unconfirmed_cash or snapshot.asset is None or snapshot.positions is None:
        return False
    if seen.cash + seen.frozen_cash != snapshot.asset.cash + snapshot.asset.frozen_cash:
        return False
    held = dict(Position.objects.filter(account=account, quantity__gt=0).values_list("symbol", "quantity"))
    return held == {row.symbol: row.quantity for row in snapshot.positions if row.quantity > 0}


def close_missed(account: BrokerAccount, reading: ClockReading, snapshot: AccountSnapshot) -> list[date]:
    """Close the dates that ended while nobody looked, if it is proven that nothing happened; return what is missed.

    Asked once: the reconciliation that follows writes the terminal's figures into the book.
    """
    missed = missed_dates(account, reading)
    if not missed:
        return []
    if not is_unchanged(account, snapshot):
        for day in missed:
            lifecycle.miss_trade_date(account.pk, day)
        logger.error(
            "account %s: trade dates %s ended unseen and holdings or money differ: new orders are denied until a person settles them",
            account.pk,
            ", ".join(map(str, missed)),
        )
        return missed
    for day in missed:
        ended = lifecycle.close_trade_date(account.pk, day)
        logger.info(
            "account %s: trade date %s closed late, nothing had changed, %d orders ended",
            account.pk,
            day,
            len(ended),
        )
    return []


def close_if_over(account: BrokerAccount, reading: ClockReading) -> bool:
    """Close the present trade date after a reconciliation that was made past its end.

    An order whose fate is not known keeps the date open.

    Returns
    -------
    bool
        Whether the date is closed now.
    """
    day = reading.trade_date
    if not is_over(reading):
        return False
    if day not in open_dates(account):
        return True
    if Order.objects.filter(account=account, trade_date=day, status__in=UNRESOLVED).exists():
        logger.warning("account %s: trade date %s stays open, an order is unresolved", account.pk, day)
        return False
    ended = lifecycle.close_trade_date(account.pk, day)
    logger.info("account %s: trade date %s closed, %d orders ended", account.pk, day, len(ended))
    return True


def open_if_trading(account: BrokerAccount, reading: ClockReading) -> None:
    """Open the book for the reading's trade date, unless that date is over already."""
    if not is_over(reading):
        lifecycle.open_trade_date(account.pk, reading.trade_date)
