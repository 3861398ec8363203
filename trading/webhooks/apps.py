"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "trading.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the addresses of webhooks sealed again when the key changes."""
        from ops.sealing import RESEALERS
        from trading.webhooks.services import reseal_all

        RESEALERS["webhooks"] = reseal_all
