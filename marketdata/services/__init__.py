"""Writes and the bar service of the market-data app."""

from marketdata.services.requests import Adjust, DataRequest
from marketdata.services.service import BarsResult, MarketDataService, Readiness

__all__ = ["Adjust", "BarsResult", "DataRequest", "MarketDataService", "Readiness"]
