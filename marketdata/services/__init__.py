"""Writes and the bar and tick services of the market-data app."""

from marketdata.services.requests import Adjust, DataRequest
from marketdata.services.service import BarsResult, MarketDataService, Readiness
from marketdata.services.ticks import TickRequest, TickService

__all__ = ["Adjust", "BarsResult", "DataRequest", "MarketDataService", "Readiness", "TickRequest", "TickService"]
