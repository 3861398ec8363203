"""Who may see which limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount
from trading.risk.choices import LimitScope

if TYPE_CHECKING:
    from accounts.models import User
    from trading.risk.models import RiskLimit  # noqa: F401 - named in the base class


class RiskLimitQuerySet(models.QuerySet["RiskLimit"]):
    """Limits through a person's eyes."""

    def visible_to(self, user: User) -> Self:
        """Every limit for administrators and risk officers; for others those that may bound their own orders."""
        if not user.is_active:
            return self.none()
        accounts = BrokerAccount.objects.visible_to(user)
        seen = Q(account__isnull=True) | Q(account__in=accounts)
        if user.role in SEES_EVERY_ACCOUNT:
            return self.filter(seen)
        return self.filter(seen, Q(user__isnull=True) | Q(user=user)).exclude(scope=LimitScope.STRATEGY)
