"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignalsConfig(AppConfig):
    name = "trading.signals"
    label = "signals"
    verbose_name = _("Signals")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute a leaving person's exit plans to the handover."""
        from ops import handover
        from trading.signals.selectors import plans_of

        handover.register("exit_plan", plans_of)
