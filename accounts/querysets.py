"""The one permission rule per model: what a person may see, and what a person may do.

Lists, details, exports, gRPC and socket subscriptions all go through these; an
unknown role or an anonymous person gets nothing. A right comes from a grant to the
person or to one of their teams, while it has not expired by the database's time. A
request by a token is further limited to the token's accounts (`User.account_limit`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, TypeGuard

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, Expression, OuterRef, Q
from django.db.models.functions import Now

from accounts.choices import MAY_HOLD_DUTY_GRANT, MAY_HOLD_TRADE_GRANT, SEES_EVERY_ACCOUNT, TradeRight

if TYPE_CHECKING:
    from accounts.models import BrokerAccount, Grant, User  # noqa: F401 - named in a base class

#: The rights that let a person place orders, and cancel their own.
_OWN_ORDERS: Final = (TradeRight.OWN, TradeRight.ALL)


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants, and for whom they hold."""

    def in_force(self) -> Self:
        """Grants that have not expired, by the database's time."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))

    def expired(self) -> Self:
        """Grants that have expired and are still stored."""
        return self.filter(expires_at__lte=Now())

    def of(self, user: User | Expression) -> Self:
        """Grants to `user` and to the teams of `user`."""
        from accounts.models import TeamMember

        teams = TeamMember.objects.filter(user=user).values("team")
        return self.filter(Q(user=user) | Q(team__in=teams))


class BrokerAccountQuerySet(models.QuerySet["BrokerAccount"]):
    """Accounts through a person's eyes."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Accounts whose positions, orders and trades `user` may see."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.role in SEES_EVERY_ACCOUNT:
            return self._limited(user)
        return self._granted(user)

    def tradable_by(self, user: User | AnonymousUser) -> Self:
        """Accounts on which `user` may place orders.

        Being an administrator is not enough: it takes a grant, so that the audit
        trail says since when and from whom.
        """
        return self._limited(user).trade_granted_to(user) if _may_hold(user, MAY_HOLD_TRADE_GRANT) else self.none()

    def trade_granted_to(self, user: User | Expression) -> Self:
        """The database's half of `tradable_by`, also over a parameter; `may_trade_within` is the person's half."""
        return self._with_grant(user, trade__in=_OWN_ORDERS).filter(enabled=True)

    def cancellable_by(self, user: User | AnonymousUser, *, all_orders: bool = False) -> Self:
        """Accounts on which `user` may cancel their own, or `all_orders`: also while new ones are switched off."""
        rights = (TradeRight.ALL,) if all_orders else _OWN_ORDERS
        return self._duty(user, MAY_HOLD_TRADE_GRANT, trade__in=rights)

    def approvable_by(self, user: User | AnonymousUser) -> Self:
        """Accounts on which `user` may approve the orders of others."""
        return self._duty(user, MAY_HOLD_DUTY_GRANT, can_approve=True)

    def managed_by(self, user: User | AnonymousUser) -> Self:
        """Accounts that `user` may halt and resume without being an administrator."""
        return self._duty(user, MAY_HOLD_DUTY_GRANT, can_manage=True)

    def money_moved_by(self, user: User | AnonymousUser) -> Self:
        """Accounts whose money `user` may ask to be moved, and decide about what others ask."""
        return self._duty(user, MAY_HOLD_DUTY_GRANT, can_move_money=True)

    def _duty(self, user: User | AnonymousUser, roles: frozenset[Any], **rights: Any) -> Self:
        return self._granted(user, **rights) if _may_hold(user, roles) else self.none()

    def _granted(self, user: User, **rights: Any) -> Self:
        return self._limited(user)._with_grant(user, **rights)

    def _with_grant(self, user: User | Expression, **rights: Any) -> Self:
        from accounts.models import Grant

        grants = Grant.objects.filter(account=OuterRef("pk"), **rights).in_force().of(user)
        return self.filter(Exists(grants))

    def _limited(self, user: User) -> Self:
        limit = user.account_limit
        return self if limit is None else self.filter(pk__in=limit)


def may_trade_within(user: User | AnonymousUser, account_id: int) -> bool:
    """The person's half of `tradable_by`: an active one whose role may trade, by a token that names the account or none."""
    if not _may_hold(user, MAY_HOLD_TRADE_GRANT):
        return False
    return user.account_limit is None or account_id in user.account_limit


def _may_hold(user: User | AnonymousUser, roles: frozenset[Any]) -> TypeGuard[User]:
    return not isinstance(user, AnonymousUser) and user.is_active and user.role in roles
