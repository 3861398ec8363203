"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    name = "alerts"
    label = "alerts"
    verbose_name = _("Alerts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the addresses of channels sealed again when the key changes."""
        from alerts.services.channels import reseal_all
        from ops.sealing import RESEALERS

        RESEALERS["alert channels"] = reseal_all
