"""App configuration of the quote store."""

from __future__ import annotations

from django.apps import AppConfig


class QuotesConfig(AppConfig):
    """The `quotes` database's only app."""

    name = "marketdata.quotes"
    label = "quotes"
    default_auto_field = "django.db.models.BigAutoField"
