"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FunctionsConfig(AppConfig):
    name = "trading.functions"
    label = "functions"
    verbose_name = _("SDK functions")
    default_auto_field = "django.db.models.BigAutoField"
