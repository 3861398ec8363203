"""The one visibility rule of everything that belongs to an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from accounts.models import BrokerAccount

if TYPE_CHECKING:
    from accounts.models import User

M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class AccountScopedQuerySet(models.QuerySet[M_co]):
    """Rows with an `account`: seen by whoever sees the account, by nobody else."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Rows of the accounts that `user` may see."""
        return self.filter(account__in=BrokerAccount.objects.visible_to(user))
