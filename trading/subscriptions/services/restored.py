"""Plans for new issues of a restored installation: off, as what was subscribed since the backup is not known."""

from __future__ import annotations

from ops.clocks import wall_now
from trading.subscriptions.models import SubscriptionPlan


def plans_after_restore() -> int:
    """Switch every plan off; returns how many were on."""
    return SubscriptionPlan.objects.filter(enabled=True).update(enabled=False, changed_at=wall_now())
