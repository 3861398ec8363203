"""Models of the market-data app, in the `default` database.

Bars, ticks and latest quotes live in the `quotes` database, see `marketdata.quotes`.
"""

from marketdata.models.calendar import Holiday, TradingDay
from marketdata.models.instruments import (
    DividendFactor,
    Instrument,
    InstrumentDay,
    InstrumentQuerySet,
    Sector,
    SectorMember,
)
from marketdata.models.integrity import DataSource, DataSourceStatus, Evidence, SourceDepth
from marketdata.models.repair import RepairItem, RepairLink

__all__ = [
    "DataSource",
    "DataSourceStatus",
    "DividendFactor",
    "Evidence",
    "Holiday",
    "Instrument",
    "InstrumentDay",
    "InstrumentQuerySet",
    "RepairItem",
    "RepairLink",
    "Sector",
    "SectorMember",
    "SourceDepth",
    "TradingDay",
]
