"""Who may see which limit and which approval rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Q

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount
from trading.risk.choices import LimitScope

if TYPE_CHECKING:
    from accounts.models import User
    from trading.risk.models import ApprovalRule, RiskLimit  # noqa: F401 - named in the base classes


_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class _ScopedQuerySet(models.QuerySet[_Row_co]):
    """Rows that name a scope and its targets, through a person's eyes."""

    def visible_to(self, user: User) -> Self:
        """Every one for administrators and risk officers; for others those that may bound their own orders."""
        if not user.is_active:
            return self.none()
        accounts = BrokerAccount.objects.visible_to(user)
        seen = Q(account__isnull=True) | Q(account__in=accounts)
        if user.role in SEES_EVERY_ACCOUNT:
            return self.filter(seen)
        return self.filter(seen, Q(user__isnull=True) | Q(user=user)).exclude(scope=LimitScope.STRATEGY)


class RiskLimitQuerySet(_ScopedQuerySet["RiskLimit"]):
    """Limits through a person's eyes."""


class ApprovalRuleQuerySet(_ScopedQuerySet["ApprovalRule"]):
    """Approval rules through a person's eyes."""
