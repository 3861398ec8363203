"""Claims: who may send an order, or its cancel, decided by one conditional UPDATE each.

The statements carry every condition themselves, by database time, so that no reader's
stale view and no machine's clock can send an order late, twice, or without authority.
"""

from __future__ import annotations

from uuid import UUID

from trading.orders.models import Order


def claim(order_id: UUID, *, host_name: str) -> Order | None:
    """Take one queued order for sending: QUEUED → SUBMITTING, committed on return.

    Returns
    -------
    Order or None
        The claimed order with its account and host; None when there is nothing to
        send: not queued any more, past its time to live, accepted under an older
        authority epoch, or another host's.
    """
    raise NotImplementedError


def claim_cancel(order_id: UUID, *, host_name: str) -> Order | None:
    """Take one wanted cancel for sending; None when it is not wanted, was sent, or cannot be sent yet."""
    raise NotImplementedError
