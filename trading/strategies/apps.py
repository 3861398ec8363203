"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StrategiesConfig(AppConfig):
    name = "trading.strategies"
    label = "strategies"
    verbose_name = _("Strategies")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute a leaving person's runs to the handover."""
        from ops import handover
        from trading.strategies.selectors import open_runs_of

        handover.register("strategy", open_runs_of)
