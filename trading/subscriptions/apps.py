"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscriptionsConfig(AppConfig):
    name = "trading.subscriptions"
    label = "subscriptions"
    verbose_name = _("Subscriptions to new issues")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute a leaving person's plans to the handover."""
        from ops import handover
        from trading.subscriptions.selectors import plans_of

        handover.register("subscription_plan", plans_of)
