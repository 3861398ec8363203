"""What the pre-trade checks look at, read while the account's book is held."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.db import DatabaseError
from django.db.models import BigIntegerField, Sum

from accounts.models import BrokerAccount
from accounts.selectors import host_clock, session_state
from desk.settings.schema import get_config
from marketdata.models import Instrument, InstrumentDay
from marketdata.quotes.models import LatestQuote
from marketdata.selectors import latest_quote
from ops.clocks import SHANGHAI, MarketClock, wall_now
from ops.prepared import Prepared
from qmt.calendar import Phase
from qmt.gateway import Side
from trading.ledger.journal import Journal
from trading.ledger.models import AssetSnapshot, Position
from trading.orders.models import Order
from trading.orders.services.limit_facts import limit_facts, with_earlier
from trading.orders.services.ticket import Ticket
from trading.risk.context import ZERO, CheckContext
from trading.risk.facts import Working

logger = logging.getLogger(__name__)

_ASSET = Prepared(lambda account_id: AssetSnapshot.objects.filter(pk=account_id), BigIntegerField())


def check_context(
    journal: Journal,
    ticket: Ticket,
    *,
    instrument: Instrument,
    day: InstrumentDay | None,
    quote: LatestQuote | None,
    user_id: int | None,
    pledged_cash: Decimal = ZERO,
    pledged_quantity: int = 0,
    earlier: Sequence[Working] = (),
    hold: bool = True,
    flattening: bool = False,
    again: Order | None = None,
) -> CheckContext:
    """One order and everything that decides about it.

    Parameters
    ----------
    user_id
        Who wants it: limits on persons and their trading state are asked.
    pledged_cash, pledged_quantity
        What wishes that are judged together with this one, and come before it, would take of the account's money
        and of this instrument's shares; cash is negative where their sales bring in more.
    earlier
        Those wishes themselves, for the limits.
    hold
        Lock the counters that limits are held against until the journal closes. False only where nothing is decided.
    flattening
        The order is a kill switch's sale.
    again
        The order as it is stored, when it is judged once more: what it promised and its own row are left out.
    """
    if again is not None:
        pledged_cash, pledged_quantity = pledged_cash - again.reserved_cash, pledged_quantity - again.reserved_quantity
    account = journal.book.account
    selling = ticket.side is Side.SELL
    clock = account_clock(account)
    facts = limit_facts(
        account,
        instrument,
        user_id=user_id,
        strategy=ticket.strategy,
        trade_date=clock.trade_date,
        at=journal.at,
        journal=journal if hold else None,
        again=again,
    )
    return CheckContext(
        account=account,
        session_state=session_state(account),
        clock=clock,
        instrument=instrument,
        day=day,
        book=journal.book,
        asset=_ASSET.first(account.pk),
        position=Position.objects.filter(account=account, symbol=instrument.symbol).first() if selling else None,
        reserved_quantity=reserved_shares(account, instrument.symbol) + pledged_quantity if selling else 0,
        pledged_cash=pledged_cash,
        side=ticket.side,
        quantity=ticket.quantity,
        price_type=ticket.price_type,
        price=ticket.price,
        live_allowed=get_config().allow_live,
        quote=quote,
        facts=with_earlier(facts, earlier) if earlier else facts,
        flattening=flattening,
    )


def newest_quote(instrument: Instrument) -> LatestQuote | None:
    """The instrument's newest stored quote; None before the first, and while the quotes' database is away.

    Read before the account's book is held: an order never waits for the other database with the book in its hand.
    """
    try:
        return latest_quote(instrument.pk)
    except DatabaseError as error:
        logger.warning("no quote of %s to judge an order by: %s", instrument.symbol, error)
        return None


def reserved_shares(account: BrokerAccount, symbol: str) -> int:
    """Shares promised to open sells that the broker's sellable figure does not contain yet."""
    orders = Order.objects.filter(account=account, symbol=symbol, reserved_quantity__gt=0)
    total: int | None = orders.aggregate(total=Sum("reserved_quantity"))["total"]
    return total or 0


def account_clock(account: BrokerAccount) -> MarketClock:
    """The host's market clock, from the status row that was read with the account.

    A host that has never reported one has a stale clock of today: nothing trades by it.
    """
    clock = host_clock(account.host)
    if clock is not None:
        return clock
    now = wall_now().astimezone(SHANGHAI)
    return MarketClock(
        host=account.host.name,
        trade_date=now.date(),
        phase=Phase.CLOSED,
        market_time=now,
        simulated=account.host.is_simulated,
        observed_at=datetime.fromtimestamp(0, UTC),
        stale=True,
    )
