"""Orders placed in the terminal itself: adopted as EXTERNAL, never dropped, never guessed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date

from marketdata.models import Instrument
from qmt.gateway import OrderUpdate
from trading.ledger.journal import Journal
from trading.orders.choices import OrderEventKind, PriceType, Source, Status
from trading.orders.counting import count_order
from trading.orders.models import Order, OrderEvent
from trading.orders.states import UNRESOLVED
from trading.orders.steps import note

logger = logging.getLogger(__name__)


def unresolved(account_id: int) -> list[Order]:
    """The account's orders that may or may not be at the broker."""
    return list(Order.objects.filter(account_id=account_id, final_at__isnull=True, status__in=UNRESOLVED))


def may_be(order: Order, update: OrderUpdate) -> bool:
    """Whether an order the terminal shows may be ours although its remark is not our whole tag.

    A remark can come back empty or cut; then symbol, side and quantity are all there is.
    """
    if (update.symbol, str(update.side), update.quantity) != (
        order.symbol,
        order.side,
        order.quantity,
    ):
        return False
    tag = order.tag or ""
    return update.tag == "" or (len(update.tag) < len(tag) and tag.startswith(update.tag))


def adopt(
    journal: Journal,
    update: OrderUpdate,
    *,
    trade_date: date,
    instrument: Instrument | None,
    ours: Iterable[Order],
    session_key: str,
) -> Order | None:
    """Store an order of the terminal's that nobody here placed.

    Parameters
    ----------
    ours
        The account's unresolved orders: while one of them fits, nothing is adopted and a
        person sees both.

    Returns
    -------
    Order or None
        The new EXTERNAL order as it was accepted, without its state and fills: those are
        applied to it like to any other.
    """
    fitting = [order for order in ours if may_be(order, update)]
    if fitting:
        logger.warning(
            "account %s: the terminal's order %s may be %s: not adopted",
            journal.book.pk,
            update.order_id,
            ", ".join(str(order.pk) for order in fitting),
        )
        return None
    account = journal.book.account
    order = Order.objects.create(
        account=account,
        source=Source.EXTERNAL,
        symbol=update.symbol,
        instrument_id=None if instrument is None else instrument.pk,
        side=str(update.side),
        # A price of 0 is how the terminal shows an order at the market's price.
        price_type=PriceType.LIMIT if update.price > 0 else PriceType.LATEST,
        price=update.price if update.price > 0 else None,
        quantity=update.quantity,
        status=Status.SUBMITTED,
        epoch=account.epoch,
        trade_date=trade_date,
        host_name=account.host.name,
        simulated=account.host.is_simulated,
        broker_order_id=str(update.order_id) if update.order_id > 0 else "",
        order_sysid=update.order_sysid,
        seen_session=session_key,
        details={"remark": update.tag} if update.tag else {},
        submitted_at=journal.at,
        expires_at=journal.at,
    )
    OrderEvent.objects.create(
        order=order,
        seq=order.version,
        kind=OrderEventKind.ADOPTED,
        to_status=order.status,
        data={"order_id": update.order_id, "order_sysid": update.order_sysid},
        at=journal.at,
    )
    note(journal, order)
    count_order(journal, order)
    return order
