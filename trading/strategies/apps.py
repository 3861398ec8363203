"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StrategiesConfig(AppConfig):
    name = "trading.strategies"
    label = "strategies"
    verbose_name = _("Strategies")
    default_auto_field = "django.db.models.BigAutoField"
