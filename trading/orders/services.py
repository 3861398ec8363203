"""Placing and cancelling orders: what a person or a program may do."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.models import ApiToken, User
from trading.orders.choices import PriceType, Side, Source
from trading.orders.models import Order


@dataclass(frozen=True, slots=True)
class Submission:
    """The answer to a submission: the order as it stands, and whether it was made just now."""

    order: Order
    created: bool


def order_submit(
    *,
    user: User,
    account_id: int,
    symbol: str,
    side: Side | str,
    quantity: int | str | Decimal,
    price_type: PriceType | str = PriceType.LIMIT,
    price: Decimal | str | int | None = None,
    client_order_id: str | None = None,
    source: Source = Source.API,
    token: ApiToken | None = None,
    request_id: str = "",
) -> Submission:
    """Accept one order, or keep its denial, in one transaction.

    Returns
    -------
    Submission
        The order is QUEUED, or DENIED with `deny_code` and `details`. A repeated
        `client_order_id` with the same body returns the stored order, whatever became of it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND: no such account, or not the user's.
    Forbidden
        TRADE_NOT_GRANTED: the user may only look.
    Invalid
        A malformed field; nothing is stored.
    Conflict
        IDEMPOTENCY_CONFLICT: the `client_order_id` belongs to another body.
    """
    raise NotImplementedError


def order_cancel(
    *, user: User, order_id: UUID, token: ApiToken | None = None, request_id: str = ""
) -> Order:
    """Want an order cancelled. A queued one is CANCELLED at once; otherwise the intent is stored.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND: no such order, or not the user's.
    Forbidden
        TRADE_NOT_GRANTED.
    Conflict
        ORDER_FINAL: there is nothing left to cancel.
    """
    raise NotImplementedError
