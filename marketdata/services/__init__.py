"""Writes and the bar and tick services of the market-data app."""

from marketdata.services.bars import BarsResult
from marketdata.services.readiness import Readiness
from marketdata.services.requests import Adjust, DataRequest
from marketdata.services.service import MarketDataService

__all__ = ["Adjust", "BarsResult", "DataRequest", "MarketDataService", "Readiness"]
