"""Reads of accounts and rights. Unknown and not-yours are the same answer everywhere."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from accounts.models import BrokerAccount, User
from ops.errors import Code, NotFound


def account_get(user: User | AnonymousUser, account_id: int) -> BrokerAccount:
    """The account `account_id`, if `user` may see it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND, the same for an account that does not exist and one
        that is not the person's to see.
    """
    account = (
        BrokerAccount.objects.visible_to(user)
        .select_related("host", "host__status")
        .filter(pk=account_id)
        .first()
    )
    if account is None:
        raise NotFound(Code.ACCOUNT_NOT_FOUND, account=account_id)
    return account


def may_trade(user: User | AnonymousUser, account: BrokerAccount) -> bool:
    """Whether `user` may place and cancel orders on `account`, now."""
    return BrokerAccount.objects.tradable_by(user).filter(pk=account.pk).exists()
