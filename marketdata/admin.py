"""Admin pages. What the terminal and the services write is read-only here: a person looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from marketdata.models import (
    DataSource,
    DataSourceStatus,
    DividendFactor,
    Evidence,
    Holiday,
    Instrument,
    InstrumentDay,
    LiveDifference,
    QuoteSubscription,
    RepairItem,
    Sector,
    SourceDepth,
    SyncSchedule,
    TickArchive,
    TradingDay,
)
from ops.admin import ReadOnly, ShownRows

if TYPE_CHECKING:
    DayInline = admin.StackedInline[InstrumentDay, Instrument]
else:  # not generic at run time
    DayInline = admin.StackedInline


class InstrumentDayInline(ShownRows, DayInline):
    model = InstrumentDay


@admin.register(Instrument)
class InstrumentAdmin(ReadOnly):
    list_display = ("symbol", "name", "board", "kind", "list_date", "delist_date", "tradable")
    list_filter = ("market", "board", "kind", "tradable", "is_st")
    search_fields = ("symbol", "name", "pinyin")
    inlines = (InstrumentDayInline,)


@admin.register(TradingDay)
class TradingDayAdmin(ReadOnly):
    list_display = ("market", "date")
    list_filter = ("market",)
    date_hierarchy = "date"


@admin.register(Holiday)
class HolidayAdmin(ReadOnly):
    date_hierarchy = "date"


@admin.register(DividendFactor)
class DividendFactorAdmin(ReadOnly):
    list_display = ("instrument", "date", "interest", "stock_bonus", "stock_gift", "dr")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(Sector)
class SectorAdmin(ReadOnly):
    list_display = ("name", "updated_at")
    search_fields = ("name",)


@admin.register(DataSource)
class DataSourceAdmin(ReadOnly):
    list_display = ("host", "basis", "simulated", "static_trade_date", "last_tick_at", "stale_since", "note")


@admin.register(DataSourceStatus)
class DataSourceStatusAdmin(ReadOnly):
    list_display = ("instrument", "period", "last_sync_at", "last_sync_count", "note")
    list_filter = ("period",)
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(Evidence)
class EvidenceAdmin(ReadOnly):
    list_display = ("instrument", "period", "start_date", "end_date", "reason", "checks", "recheck_at")
    list_filter = ("period", "reason", "host")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(SourceDepth)
class SourceDepthAdmin(ReadOnly):
    list_display = ("host", "period", "first_date", "recheck_at")


@admin.register(RepairItem)
class RepairItemAdmin(ReadOnly):
    list_display = ("instrument", "period", "status", "days", "attempts", "host", "error", "updated_at")
    list_filter = ("status", "period", "host")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(SyncSchedule)
class SyncScheduleAdmin(ReadOnly):
    """Shown: when they run stands in the configuration."""

    list_display = ("host", "name", "last_run_at", "last_started_at", "next_run_at", "missed", "last_job")
    list_filter = ("host", "name")
    list_select_related = ("last_job",)


@admin.register(QuoteSubscription)
class QuoteSubscriptionAdmin(ReadOnly):
    list_display = ("instrument", "owner", "reason", "created_at")
    list_select_related = ("instrument", "owner")
    search_fields = ("instrument__symbol", "owner__username")


@admin.register(TickArchive)
class TickArchiveAdmin(ReadOnly):
    list_display = ("trade_date", "rows", "instruments", "size", "path", "archived_at", "restored_at")
    date_hierarchy = "trade_date"


@admin.register(LiveDifference)
class LiveDifferenceAdmin(ReadOnly):
    list_display = ("instrument", "period", "trade_date", "differing", "compared", "host", "found_at")
    list_filter = ("period", "host")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)
