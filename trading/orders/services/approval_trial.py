"""Would this order wait for somebody else? Asked without placing anything, by those who set the rules about anybody."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, Grant, User
from accounts.selectors import account_get
from ops.errors import Code, Forbidden, Invalid
from ops.inputs import shown
from trading.ledger.wire import money, plain
from trading.orders.choices import Source
from trading.orders.services.check import unheld_context
from trading.orders.services.ticket import Ticket
from trading.risk.approval import Wish, approval_needed
from trading.risk.choices import HeldSource


def approval_trial(
    *, user: User, account_id: int, maker: Any = None, source: Any = None, **wish: Any
) -> dict[str, Any]:
    """Which approval rules would hold an order of `maker`, on which terms, and who could decide about it.

    Whether the order would pass the checks is another question (`order_check`): only what passes them waits.

    Parameters
    ----------
    maker
        User name; the person who asks when absent. Administrators and risk officers may ask about anybody.
    source
        One of `HeldSource`; PORTAL when absent.
    wish
        The order's fields, as `order_submit` takes them.

    Raises
    ------
    NotFound, Invalid
        ACCOUNT_NOT_FOUND; a malformed field.
    Forbidden
        PERMISSION_DENIED: about somebody else.
    """
    account = account_get(user, account_id)
    person = user if maker is None or maker == user.username else _person(user, maker)
    origin = Source.PORTAL if source is None else _source(source)
    ticket = Ticket.parse(**{"price_type": "LIMIT", "price": None, "client_order_id": None, **wish})
    context = unheld_context(account, ticket, user_id=person.pk)
    asked = Wish.of(context, strategy=ticket.strategy, user_id=person.pk, source=str(origin))
    hold = None if context.facts is None else approval_needed(context.facts.version, [asked])
    return {
        "account": account.pk,
        "maker": person.username,
        "waits": hold is not None,
        "value": money(asked.value),
        "rules": [] if hold is None else hold.reasons(),
        "expires_seconds": None if hold is None else hold.expires_seconds,
        "max_drift_percent": None if hold is None else plain(hold.max_drift_percent),
        "approvers": [] if hold is None else _deciders(account, besides=person),
    }


def approvers_of(account_ids: Collection[int]) -> dict[int, list[str]]:
    """User names of those who may decide about orders, by account: by the rule that is asked when they decide."""
    found: dict[int, list[str]] = {pk: [] for pk in account_ids}
    held = Grant.objects.filter(account__in=account_ids, can_approve=True)
    candidates = User.objects.filter(Q(grants__in=held) | Q(memberships__team__grants__in=held)).distinct()
    for person in candidates.order_by("username"):
        decides = BrokerAccount.objects.approvable_by(person).filter(pk__in=account_ids)
        for pk in decides.values_list("pk", flat=True):
            found[pk].append(person.username)
    return found


def _deciders(account: BrokerAccount, *, besides: User) -> list[str]:
    return [name for name in approvers_of([account.pk])[account.pk] if name != besides.username]


def _person(user: User, maker: Any) -> User:
    if user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED)
    person = User.objects.filter(username=maker, is_active=True).first() if isinstance(maker, str) else None
    if person is None:
        raise Invalid(Code.FIELD_INVALID, field="maker", value=shown(maker))
    return person


def _source(value: Any) -> Source:
    if not isinstance(value, str) or value not in HeldSource.values:
        raise Invalid(Code.FIELD_INVALID, field="source", value=shown(value), allowed=list(HeldSource.values))
    return Source(value)
