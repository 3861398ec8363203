"""The market-data app: what the platform knows about instruments, calendars and bars."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarketdataConfig(AppConfig):
    name = "marketdata"
    label = "marketdata"
    verbose_name = _("Market data")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from marketdata.health import feed_checks
        from marketdata.metrics import MarketDataCollector
        from ops import health, metrics

        health.provide(feed_checks)
        metrics.provide(MarketDataCollector())
