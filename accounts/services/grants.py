"""Writes of grants: who may see and who may trade which account."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from accounts.choices import MAY_HOLD_TRADE_GRANT
from accounts.models import BrokerAccount, Grant, User
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Denied


def grant_set(
    *,
    actor: Actor,
    user: User,
    account: BrokerAccount,
    can_view: bool = True,
    can_trade: bool = False,
    created_by: User | None = None,
) -> Grant:
    """Give `user` these rights on `account`, replacing the ones they had.

    Changing rights raises the account's epoch; a first grant does not, because
    nothing anybody was allowed to do before has changed.

    Raises
    ------
    Denied
        ROLE_CANNOT_TRADE for a role that never trades; GRANT_NEEDS_VIEW for a right
        to trade what one may not see.
    """
    if can_trade and user.role not in MAY_HOLD_TRADE_GRANT:
        raise Denied(Code.ROLE_CANNOT_TRADE, field="can_trade", user=user.username, role=user.role)
    if can_trade and not can_view:
        raise Denied(Code.GRANT_NEEDS_VIEW, field="can_view")
    after = {"can_view": can_view, "can_trade": can_trade}
    with transaction.atomic():
        BrokerAccount.objects.select_for_update().get(pk=account.pk)
        grant = Grant.objects.filter(user=user, account=account).first()
        if grant is None:
            grant = Grant.objects.create(user=user, account=account, created_by=created_by, **after)
            _record(actor, "grant.given", user, account, None, after)
            return grant
        before = _rights(grant)
        if before == after:
            return grant
        grant.can_view, grant.can_trade = can_view, can_trade
        grant.save(update_fields=("can_view", "can_trade"))
        _bump(account)
        _record(actor, "grant.changed", user, account, before, after)
    account.refresh_from_db(fields=("epoch",))
    return grant


def grant_withdraw(*, actor: Actor, user: User, account: BrokerAccount) -> bool:
    """Take all rights on `account` from `user`; False if there were none.

    Raises the account's epoch: what the person had queued is not sent any more.
    """
    with transaction.atomic():
        BrokerAccount.objects.select_for_update().get(pk=account.pk)
        grant = Grant.objects.filter(user=user, account=account).first()
        if grant is None:
            return False
        before = _rights(grant)
        grant.delete()
        _bump(account)
        _record(actor, "grant.withdrawn", user, account, before, None)
    account.refresh_from_db(fields=("epoch",))
    return True


def _rights(grant: Grant) -> dict[str, bool]:
    return {"can_view": grant.can_view, "can_trade": grant.can_trade}


def _bump(account: BrokerAccount) -> None:
    BrokerAccount.objects.filter(pk=account.pk).update(epoch=F("epoch") + 1)


def _record(
    actor: Actor,
    action: str,
    user: User,
    account: BrokerAccount,
    before: dict[str, bool] | None,
    after: dict[str, bool] | None,
) -> None:
    kind = "grant.revoked" if after is None else "grant.changed"
    tell_after_commit(kind, user_id=user.pk, account_id=account.pk)
    audit.record(
        actor=actor,
        action=action,
        target=f"user:{user.pk}",
        before=before,
        after=after,
        account_id=account.pk,
    )
