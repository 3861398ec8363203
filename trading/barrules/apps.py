"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BarRulesConfig(AppConfig):
    name = "trading.barrules"
    label = "barrules"
    verbose_name = _("Rules on bars")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute a leaving person's rules to the handover."""
        from ops import handover
        from trading.barrules.selectors import rules_of

        handover.register("macd_rule", rules_of)
