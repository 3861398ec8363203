"""Trade dates of accounts: opened by the market clock, closed by a reconciliation after the close.

The terminal only ever tells about today. A date whose closing reconciliation was missed (the platform
was off) can still be closed on a later day when the ledger's entries, ex-dates included, lead to exactly the
broker's holdings and money: then nothing was filled unseen. Otherwise it is MISSED, which denies new
orders until a person settles it.
"""

from __future__ import annotations

import logging
from datetime import date, time

from accounts.models import BrokerAccount
from qmt.calendar import Phase, datetime_of_ms
from qmt.gateway import ClockReading
from trading.ledger.choices import TradeDateState
from trading.ledger.models import AccountBook, TradeDate
from trading.orders import lifecycle
from trading.orders.models import Order
from trading.orders.runtime.bookcheck import Verdict
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


def close_missed(account: BrokerAccount, reading: ClockReading, verdict: Verdict) -> list[date]:
    """Close the dates that ended while nobody looked, if it is proven that nothing happened; return what is missed.

    Asked after the reconciliation: today's fills are booked then, so that shares or money that still differ are of
    an earlier date. What only the broker pushed proves nothing here; the ledger holds what was booked.

    Parameters
    ----------
    verdict
        Of that reconciliation. While nothing can be said (figures that move, ex-dates not known
        yet) the dates stay open, and deny new orders, until the next one.
    """
    missed = missed_dates(account, reading)
    if not missed or verdict is Verdict.UNDECIDED:
        return []
    unproven = [day for day in missed if verdict is Verdict.DIFFER or not _is_booked(account, day)]
    if unproven:
        for day in unproven:
            lifecycle.miss_trade_date(account.pk, day)
        logger.error(
            "account %s: trade dates %s ended unseen and holdings or money differ: new orders are denied until a person settles them",
            account.pk,
            ", ".join(map(str, unproven)),
        )
    for day in missed:
        if day in unproven:
            continue
        ended = lifecycle.close_trade_date(account.pk, day)
        logger.info(
            "account %s: trade date %s closed late, nothing had changed, %d orders ended",
            account.pk,
            day,
            len(ended),
        )
    return unproven


def _is_booked(account: BrokerAccount, day: date) -> bool:
    """Whether the ledger can vouch for `day`: its books were open then, or no order of ours was."""
    since = AccountBook.objects.filter(account=account).values_list("ledger_since", flat=True).first()
    if since is not None and since <= day:
        return True
    return not Order.objects.filter(account=account, trade_date=day).exists()


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
