"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MoneyConfig(AppConfig):
    name = "trading.money"
    label = "money"
    verbose_name = _("Transfers of money")
    default_auto_field = "django.db.models.BigAutoField"
