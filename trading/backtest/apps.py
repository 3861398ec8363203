"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BacktestConfig(AppConfig):
    name = "trading.backtest"
    label = "backtest"
    verbose_name = _("Back-tests")
    default_auto_field = "django.db.models.BigAutoField"
