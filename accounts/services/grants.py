"""Writes of grants: what a person or a team may do on which account, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.choices import MAY_HOLD_DUTY_GRANT, MAY_HOLD_TRADE_GRANT, TradeRight
from accounts.models import BrokerAccount, Grant, Team, User
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor
from ops.clocks import database_now
from ops.errors import Code, Denied, Invalid

EXPIRY = Actor.system("grant-expiry")


def grant_set(
    *,
    actor: Actor,
    account: BrokerAccount,
    user: User | None = None,
    team: Team | None = None,
    trade: TradeRight = TradeRight.NONE,
    can_approve: bool = False,
    can_manage: bool = False,
    can_move_money: bool = False,
    expires_at: datetime | None = None,
    created_by: User | None = None,
) -> Grant:
    """Give a person or a team these rights on `account`, replacing the ones they had.

    Every grant lets its holder see the account. Changing rights raises the account's
    epoch; a first grant does not, because nothing anybody was allowed to do before has
    changed.

    Parameters
    ----------
    user, team
        Exactly one of them.
    expires_at
        From then on the grant counts for nothing; within a second it is removed, as if
        it had been withdrawn.

    Raises
    ------
    Denied
        ROLE_CANNOT_TRADE for a person whose role never trades; ROLE_CANNOT_HOLD for one
        whose role never approves, manages or moves money. In a team, rights beyond a member's
        role rest: the role decides at each use.
    Invalid
        EXPIRY_IN_PAST.
    """
    if (user is None) == (team is None):
        raise ValueError("a grant is for one person or for one team")
    rights = {
        "trade": TradeRight(trade).value,
        "can_approve": can_approve,
        "can_manage": can_manage,
        "can_move_money": can_move_money,
        "expires_at": expires_at,
    }
    if user is not None:
        _refuse_beyond_role(user, rights)
    if expires_at is not None and expires_at <= database_now():
        raise Invalid(Code.EXPIRY_IN_PAST, field="expires_at")
    with transaction.atomic():
        BrokerAccount.objects.select_for_update().get(pk=account.pk)
        grant = Grant.objects.filter(user=user, team=team, account=account).first()
        if grant is None:
            grant = Grant.objects.create(user=user, team=team, account=account, created_by=created_by, **rights)
            _record(actor, "grant.given", grant, None, rights)
            return grant
        before = _rights(grant)
        if before == rights:
            return grant
        for name, value in rights.items():
            setattr(grant, name, value)
        grant.save(update_fields=tuple(rights))
        _bump(account.pk)
        _record(actor, "grant.changed", grant, before, rights)
    account.refresh_from_db(fields=("epoch",))
    return grant


def grant_withdraw(*, actor: Actor, account: BrokerAccount, user: User | None = None, team: Team | None = None) -> bool:
    """Take all rights on `account` from a person or a team; False if there were none.

    Raises the account's epoch: what was queued under the grant is not sent any more.
    """
    with transaction.atomic():
        BrokerAccount.objects.select_for_update().get(pk=account.pk)
        grant = Grant.objects.filter(user=user, team=team, account=account).first()
        if grant is None:
            return False
        _remove(actor, grant, "grant.withdrawn")
    account.refresh_from_db(fields=("epoch",))
    return True


def grants_expire() -> int:
    """Remove the grants whose time is over, raising epochs and closing what is open.

    Called every second by whoever could be misled meanwhile: trade workers and web
    processes with open sockets. Reading rights never waits for it, the permission rule
    itself knows the time. Cheap when there is nothing to do: one indexed read.
    """
    if not Grant.objects.expired().exists():
        return 0
    removed = 0
    for key, account_id in Grant.objects.expired().order_by("account_id", "pk").values_list("pk", "account_id"):
        with transaction.atomic():
            BrokerAccount.objects.select_for_update().get(pk=account_id)
            # Somebody may have prolonged it, or another process removed it.
            grant = Grant.objects.expired().filter(pk=key).first()
            if grant is not None:
                _remove(EXPIRY, grant, "grant.expired")
                removed += 1
    return removed


def _remove(actor: Actor, grant: Grant, action: str) -> None:
    """Delete one grant under its account's lock."""
    before = _rights(grant)
    members = list(holders(grant))
    label, account_id = grant.holder_label, grant.account_id
    grant.delete()
    _bump(account_id)
    _tell("grant.revoked", members, account_id)
    audit.record(actor=actor, action=action, target=label, before=before, account_id=account_id)


def holders(grant: Grant) -> Iterable[int]:
    """The people whom a grant concerns."""
    if grant.user_id is not None:
        return (grant.user_id,)
    return grant.team.memberships.values_list("user_id", flat=True) if grant.team else ()


def _refuse_beyond_role(user: User, rights: dict[str, Any]) -> None:
    if rights["trade"] != TradeRight.NONE and user.role not in MAY_HOLD_TRADE_GRANT:
        raise Denied(Code.ROLE_CANNOT_TRADE, field="trade", user=user.username, role=user.role)
    for name in ("can_approve", "can_manage", "can_move_money"):
        if rights[name] and user.role not in MAY_HOLD_DUTY_GRANT:
            raise Denied(Code.ROLE_CANNOT_HOLD, field=name, user=user.username, role=user.role)


def _rights(grant: Grant) -> dict[str, Any]:
    return {
        "trade": grant.trade,
        "can_approve": grant.can_approve,
        "can_manage": grant.can_manage,
        "can_move_money": grant.can_move_money,
        "expires_at": grant.expires_at,
    }


def _bump(account_id: int) -> None:
    BrokerAccount.objects.filter(pk=account_id).update(epoch=F("epoch") + 1)


def _record(actor: Actor, action: str, grant: Grant, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    _tell("grant.changed", holders(grant), grant.account_id)
    audit.record(
        actor=actor, action=action, target=grant.holder_label, before=before, after=after, account_id=grant.account_id
    )


def _tell(kind: str, user_ids: Iterable[int], account_id: int) -> None:
    for user_id in user_ids:
        tell_after_commit(kind, user_id=user_id, account_id=account_id)
