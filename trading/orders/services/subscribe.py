"""Subscribing a new issue (新股申购): an order of its own kind, under a key that names account and issue.

The exchange counts an account's first subscription of an issue and none after it. So the key is ours and follows
from account and symbol: repeating a request, by whomever and from wherever, finds the order that there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade, refuse_lost_right
from desk.settings.schema import get_config
from marketdata.models import Instrument
from ops.clocks import database_now
from ops.errors import Code, Conflict, Invalid
from ops.inputs import shown
from qmt.codes import Board, Kind
from qmt.gateway import PriceType, Side
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.ledger.newissues import IssueTerms, issue_terms_of
from trading.ledger.wire import plain
from trading.orders.choices import Source, Status
from trading.orders.models import Order
from trading.orders.services.context import account_clock, check_context
from trading.orders.services.submit import Submission, keep_order, new_tag
from trading.orders.services.ticket import MAX_QUANTITY, Ticket
from trading.orders.subscriptions import SUBSCRIPTION_KEY, is_subscription
from trading.risk.subscriptions import subscription_check

#: Ends of an order that prove that the exchange does not have it, so that another one may take its place.
PROVEN_ABSENT: Final = frozenset({Status.DENIED, Status.EXPIRED, Status.REJECTED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class _Wish:
    user: User
    token: ApiToken | None
    source: Source
    request_id: str
    terms: IssueTerms
    quantity: int | None


def order_subscribe(
    *,
    user: User,
    account_id: int,
    symbol: Any,
    quantity: Any = None,
    source: Source = Source.API,
    token: ApiToken | None = None,
    request_id: str = "",
    again: bool = True,
) -> Submission:
    """Subscribe one of today's issues at its price, or find the order that did.

    Parameters
    ----------
    symbol
        The subscription code with its market, as the terminal states it.
    quantity
        Shares in the board's unit; None: as many as issue and quota allow.
    again
        Whether to try again where an earlier order was rejected by the broker or cancelled. One that never left is
        always replaced.

    Returns
    -------
    Submission
        The order is QUEUED and reserves nothing; ``created`` False: it was there.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does.
    Invalid
        A malformed field, or IPO_NOT_OFFERED: no issue of the account's terminal today.
    Conflict
        IPO_ALREADY_SUBSCRIBED: with another quantity, by hand in the terminal, or by an order that ended.
    Denied
        Why it cannot be subscribed now; nothing is stored, so the key stays free.
    """
    account = account_to_trade(user, account_id)
    wanted = _quantity(quantity)
    terms = _offered(account, symbol)
    wish = _Wish(user, token, source, request_id, terms, wanted)
    with account_journal(account.pk) as journal:
        earlier = subscriptions_of(account, terms)
        standing = _standing(earlier, again=again)
        if standing is not None:
            return _found(standing, wish)
        refuse_lost_right(user, seen=account, held=journal.book.account)
        order = _decide(journal, wish, number=1 + sum(1 for order in earlier if is_subscription(order)))
        keep_order(journal, order, user=user, token=token, request_id=request_id)
    return Submission(order, created=True)


def subscriptions_of(account: BrokerAccount, terms: IssueTerms) -> list[Order]:
    """Every order for the issue on its day, those made in the terminal included, oldest first."""
    orders = Order.objects.filter(
        account=account, trade_date=terms.trade_date, symbol=terms.symbol, side=Side.BUY
    ).select_related("created_by")
    return list(orders.order_by("submitted_at", "pk"))


def _standing(earlier: Sequence[Order], *, again: bool) -> Order | None:
    """The order that leaves no room for another one.

    One whose fate is unknown does; so does one that is proven absent only by three queries (NOT_FOUND): a person
    looks before anything is repeated.
    """
    for order in reversed(earlier):
        never_left = order.status in (Status.DENIED, Status.EXPIRED) or (
            order.status == Status.CANCELLED and order.sent_at is None
        )
        if never_left or (again and order.status in PROVEN_ABSENT):
            continue
        return order
    return None


def _found(order: Order, wish: _Wish) -> Submission:
    """The answer to a repeated wish."""
    same = is_subscription(order) and (wish.quantity is None or wish.quantity == order.quantity)
    if same and order.status not in PROVEN_ABSENT:
        return Submission(order, created=False)
    raise Conflict(
        Code.IPO_ALREADY_SUBSCRIBED,
        symbol=order.symbol,
        order=str(order.pk),
        quantity=order.quantity,
        state=str(order.status),
    )


def _decide(journal: Journal, wish: _Wish, *, number: int) -> Order:
    """The new order's row. Raises Denied."""
    account, terms = journal.book.account, wish.terms
    quantity = wish.quantity or terms.largest or max(terms.minimum, terms.step)
    key = f"{SUBSCRIPTION_KEY}{account.pk}:{terms.symbol}" + (f":{number}" if number > 1 else "")
    ticket = Ticket(
        symbol=terms.symbol,
        side=Side.BUY,
        quantity=quantity,
        price_type=PriceType.LIMIT,
        price=terms.price,
        client_order_id=key,
    )
    context = check_context(
        journal, ticket, instrument=_as_instrument(terms), day=None, quote=None, user_id=wish.user.pk
    )
    subscription_check(context, terms)
    return Order(
        account=account,
        created_by=wish.user,
        token=wish.token,
        source=wish.source,
        client_order_id=key,
        body_digest=hashlib.sha256(f"{terms.symbol} {quantity} {plain(terms.price)}".encode()).hexdigest(),
        symbol=terms.symbol,
        side=ticket.side,
        price_type=ticket.price_type,
        price=terms.price,
        quantity=quantity,
        details={"subscription": terms.name},
        status=Status.QUEUED,
        tag=new_tag(),
        epoch=account.epoch,
        trade_date=terms.trade_date,
        host_name=account.host.name,
        simulated=account.host.is_simulated,
        submitted_at=journal.at,
        expires_at=database_now(DATABASE) + timedelta(seconds=get_config().order_ttl_seconds),
    )


def _as_instrument(terms: IssueTerms) -> Instrument:
    """The issue in an instrument's place, never stored: a subscription code is nothing that trades."""
    kind = Kind.CONVERTIBLE if terms.quota_key is None else Kind.STOCK
    return Instrument(
        symbol=terms.symbol, name=terms.name, market=terms.symbol[-2:], board=str(Board.OTHER), kind=str(kind)
    )


def _offered(account: BrokerAccount, symbol: Any) -> IssueTerms:
    if symbol is None:
        raise Invalid(Code.FIELD_REQUIRED, field="symbol")
    day = account_clock(account).trade_date
    terms = issue_terms_of(account, symbol.strip().upper(), day) if isinstance(symbol, str) else None
    if terms is None:
        raise Invalid(Code.IPO_NOT_OFFERED, field="symbol", symbol=shown(symbol), trade_date=day.isoformat())
    return terms


def _quantity(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_QUANTITY:
        raise Invalid(Code.QUANTITY_INVALID, field="quantity", quantity=shown(value))
    return value


__all__ = ["PROVEN_ABSENT", "order_subscribe", "subscriptions_of"]
