"""Models of the market-data app, in the `default` database.

Bars, ticks and latest quotes live in the `quotes` database, see `marketdata.quotes`.
"""

from marketdata.models.calendar import Holiday, TradingDay
from marketdata.models.findings import IntegrityFinding, IntegrityMark
from marketdata.models.history import InstrumentAlias, InstrumentChange
from marketdata.models.instruments import (
    DividendFactor,
    Instrument,
    InstrumentDay,
    InstrumentQuerySet,
    Sector,
    SectorMember,
)
from marketdata.models.integrity import DataSource, DataSourceStatus, Evidence, SourceDepth
from marketdata.models.live import LiveDifference, QuoteSubscription, TickArchive
from marketdata.models.reference import ConvertibleBond, FinancialReport, FundBasket, IndexWeight, NewIssue
from marketdata.models.repair import RepairItem, RepairLink
from marketdata.models.schedules import SyncSchedule
from marketdata.models.transfers import BarImport, ImportedDays

__all__ = [
    "BarImport",
    "ConvertibleBond",
    "DataSource",
    "DataSourceStatus",
    "DividendFactor",
    "Evidence",
    "FinancialReport",
    "FundBasket",
    "Holiday",
    "ImportedDays",
    "IndexWeight",
    "Instrument",
    "InstrumentAlias",
    "InstrumentChange",
    "InstrumentDay",
    "InstrumentQuerySet",
    "IntegrityFinding",
    "IntegrityMark",
    "LiveDifference",
    "NewIssue",
    "QuoteSubscription",
    "RepairItem",
    "RepairLink",
    "Sector",
    "SectorMember",
    "SourceDepth",
    "SyncSchedule",
    "TickArchive",
    "TradingDay",
]
