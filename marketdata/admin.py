"""Admin pages. What the terminal and the services write is read-only here: a person looks, and withdraws evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from marketdata.models import (
    DataSource,
    DataSourceStatus,
    DividendFactor,
    Evidence,
    Holiday,
    Instrument,
    InstrumentDay,
    RepairItem,
    Sector,
    SourceDepth,
    TradingDay,
)


if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    DayInline = admin.StackedInline[InstrumentDay, Instrument]
else:
    # Django's admin classes take no type arguments at run time.
    AnyModelAdmin = admin.ModelAdmin
    DayInline = admin.StackedInline


class ReadOnlyAdmin(AnyModelAdmin):
    """Nothing can be added or changed."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class InstrumentDayInline(DayInline):
    model = InstrumentDay
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "name", "board", "kind", "list_date", "delist_date", "tradable")
    list_filter = ("market", "board", "kind", "tradable", "is_st")
    search_fields = ("symbol", "name", "pinyin")
    inlines = (InstrumentDayInline,)


@admin.register(TradingDay)
class TradingDayAdmin(ReadOnlyAdmin):
    list_display = ("market", "date")
    list_filter = ("market",)
    date_hierarchy = "date"


@admin.register(Holiday)
class HolidayAdmin(ReadOnlyAdmin):
    date_hierarchy = "date"


@admin.register(DividendFactor)
class DividendFactorAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "date", "interest", "stock_bonus", "stock_gift", "dr")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(Sector)
class SectorAdmin(ReadOnlyAdmin):
    list_display = ("name", "updated_at")
    search_fields = ("name",)


@admin.register(DataSource)
class DataSourceAdmin(ReadOnlyAdmin):
    list_display = ("host", "basis", "simulated", "static_trade_date", "last_tick_at", "note")


@admin.register(DataSourceStatus)
class DataSourceStatusAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "period", "last_sync_at", "last_sync_count", "note")
    list_filter = ("period",)
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin):
    """A person may withdraw evidence: the days then count as missing and are asked for again."""

    list_display = ("instrument", "period", "start_date", "end_date", "reason", "checks", "recheck_at")
    list_filter = ("period", "reason", "host")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return AnyModelAdmin.has_delete_permission(self, request, obj)


@admin.register(SourceDepth)
class SourceDepthAdmin(ReadOnlyAdmin):
    list_display = ("host", "period", "first_date", "recheck_at")


@admin.register(RepairItem)
class RepairItemAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "period", "status", "days", "attempts", "host", "error", "updated_at")
    list_filter = ("status", "period", "host")
    list_select_related = ("instrument",)
    search_fields = ("instrument__symbol",)
