"""The market-data settings in force: `config/market_data.yaml` and its overrides, read and checked at start."""

from __future__ import annotations

from django.conf import settings

from desk.settings.marketdata_schema import MarketDataConfig


def get_marketdata_config() -> MarketDataConfig:
    """Return the settings in force, by section: `get_marketdata_config().repair.attempts`."""
    return settings.MARKETDATA
