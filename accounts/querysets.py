"""The one permission rule per model: what a person may see, and what a person may trade.

Lists, details, exports, gRPC and socket subscriptions all go through these; an
unknown role or an anonymous person gets nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef

from accounts.choices import MAY_HOLD_TRADE_GRANT, SEES_EVERY_ACCOUNT

if TYPE_CHECKING:
    from accounts.models import BrokerAccount, User  # noqa: F401 - named in a base class


class BrokerAccountQuerySet(models.QuerySet["BrokerAccount"]):
    """Accounts through a person's eyes."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Accounts whose positions, orders and trades `user` may see."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.role in SEES_EVERY_ACCOUNT:
            return self
        return self.filter(self._granted(user, can_view=True))

    def tradable_by(self, user: User | AnonymousUser) -> Self:
        """Accounts on which `user` may place orders.

        Being an administrator is not enough: it takes a grant, so that the audit
        trail says since when and from whom.
        """
        return self.cancellable_by(user).filter(enabled=True)

    def cancellable_by(self, user: User | AnonymousUser) -> Self:
        """Accounts on which `user` may cancel orders: also while new ones are switched off."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.role not in MAY_HOLD_TRADE_GRANT:
            return self.none()
        return self.filter(self._granted(user, can_view=True, can_trade=True))

    @staticmethod
    def _granted(user: User, **rights: bool) -> Exists:
        from accounts.models import Grant

        return Exists(Grant.objects.filter(account=OuterRef("pk"), user=user, **rights))
