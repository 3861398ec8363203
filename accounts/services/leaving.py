"""Somebody's last day: access ends at once, and what they leave gets a name to look after it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.choices import MAY_HOLD_DUTY_GRANT, MAY_HOLD_TRADE_GRANT, TradeRight
from accounts.models import BrokerAccount, Grant, Handover, TeamMember, User
from accounts.services.grants import grant_set, grant_withdraw
from accounts.services.teams import team_member_remove
from accounts.services.users import user_change
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Denied, Invalid
from ops.handover import open_work


def person_deactivate(
    *,
    actor: Actor,
    user: User,
    successor: User | None = None,
    transfer_grants: bool = False,
    created_by: User | None = None,
) -> Handover:
    """End everything `user` may do, and list what goes on without them.

    Tokens, sessions, sockets and links end, grants and team memberships are withdrawn, and
    every account the person could trade gets a new epoch: nothing they queued is sent.
    What the broker has already is left alone and listed for the successor, who may cancel
    it as their own.

    Parameters
    ----------
    transfer_grants
        Give the successor the person's own grants, as far as the successor's role may hold
        them; a grant of the successor's that ends at another time stays as it is.

    Raises
    ------
    Denied
        LAST_ADMIN; PERSON_INACTIVE for a person or successor who is deactivated already.
    Invalid
        FIELD_INVALID: a person cannot succeed themselves, nobody cannot take grants.
    """
    if successor is not None and successor.pk == user.pk:
        raise Invalid(Code.FIELD_INVALID, field="successor", user=user.username)
    if transfer_grants and successor is None:
        raise Invalid(Code.FIELD_REQUIRED, field="successor")
    with transaction.atomic():
        people = User.objects.select_for_update().filter(pk__in=[user.pk, successor.pk if successor else None])
        for person in people.order_by("pk"):
            if not person.is_active:
                raise Denied(Code.PERSON_INACTIVE, user=person.username)
        # Accounts first and in ascending order, the platform's chain after them: as everywhere.
        _lock_accounts(user)
        moved = [
            fact
            for grant in Grant.objects.filter(user=user).select_related("account").order_by("account_id")
            if (fact := _hand_on(actor, grant, successor if transfer_grants else None, created_by)) is not None
        ]
        for membership in TeamMember.objects.filter(user=user).select_related("team").order_by("team_id"):
            team_member_remove(actor=actor, team=membership.team, user=user)
        user = user_change(actor=actor, user=user, changes={"is_active": False})
        # Read after the epochs were raised: what is listed now is what is really left.
        handover = Handover.objects.create(
            person=user,
            successor=successor,
            created_by=created_by,
            items=[item.as_dict() for item in open_work(user.pk)],
            grants_moved=moved,
        )
        audit.record(
            actor=actor,
            action="user.handed_over",
            target=f"user:{user.pk}",
            after={
                "successor": successor.username if successor else None,
                "items": len(handover.items),
                "grants_moved": moved,
            },
        )
    return handover


def person_reactivate(*, actor: Actor, user: User) -> User:
    """Let somebody sign in again, with no grants; what they handed over is not handed over any more."""
    with transaction.atomic():
        Handover.objects.filter(person=user, ended_at=None).update(ended_at=wall_now())
        return user_change(actor=actor, user=user, changes={"is_active": True})


def _lock_accounts(user: User) -> None:
    teams = TeamMember.objects.filter(user=user).values("team")
    granted = BrokerAccount.objects.filter(Q(grants__user=user) | Q(grants__team__in=teams))
    keys = sorted(set(granted.values_list("pk", flat=True)))
    list(BrokerAccount.objects.select_for_update().filter(pk__in=keys).order_by("pk"))


def _hand_on(actor: Actor, grant: Grant, successor: User | None, created_by: User | None) -> dict[str, Any] | None:
    """Withdraw one grant, giving it to the successor first; says what they got."""
    moved = None
    rights = None if successor is None else _rights_of_successor(grant, successor)
    if successor is not None and rights is not None:
        grant_set(actor=actor, user=successor, account=grant.account, created_by=created_by, **rights)
        moved = {"account": grant.account_id, "trade": rights["trade"]}
    if grant.user is not None:
        grant_withdraw(actor=actor, user=grant.user, account=grant.account)
    return moved


_STRENGTH = (TradeRight.NONE, TradeRight.OWN, TradeRight.ALL)


def _rights_of_successor(grant: Grant, successor: User) -> dict[str, Any] | None:
    """What the successor holds afterwards: both grants together, within their role.

    None when nothing can be handed on: the grant is over, or the successor holds one that
    ends at another time, and joining the two would make one right last longer than anybody decided.
    """
    if not Grant.objects.in_force().filter(pk=grant.pk).exists():
        return None
    present = Grant.objects.in_force().filter(user=successor, account=grant.account).first()
    if present is not None and present.expires_at != grant.expires_at:
        return None
    both = [grant] if present is None else [grant, present]
    trade = max((TradeRight(row.trade) for row in both), key=_STRENGTH.index)
    dutiful = successor.role in MAY_HOLD_DUTY_GRANT
    return {
        "trade": trade if successor.role in MAY_HOLD_TRADE_GRANT else TradeRight.NONE,
        "can_approve": dutiful and any(row.can_approve for row in both),
        "can_manage": dutiful and any(row.can_manage for row in both),
        # Never handed on: who may move money is decided for each person.
        "can_move_money": dutiful and present is not None and present.can_move_money,
        "expires_at": grant.expires_at,
    }
