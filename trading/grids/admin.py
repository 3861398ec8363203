"""Admin pages of grids: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.grids.models import GridAttempt, GridFill, GridSession, GridSignal


@admin.register(GridSession)
class GridSessionAdmin(ReadOnly):
    list_display = ("created_at", "account", "symbol", "user", "template", "state", "end", "held", "final_at")
    list_select_related = ("account", "user")
    list_filter = ("state", "end", "account")
    search_fields = ("symbol",)
    date_hierarchy = "created_at"


@admin.register(GridSignal)
class GridSignalAdmin(ReadOnly):
    list_display = ("detected_at", "session", "number", "side", "quantity", "price", "state", "code", "traded_quantity")
    list_select_related = ("session",)
    list_filter = ("state", "side")
    date_hierarchy = "detected_at"


@admin.register(GridAttempt)
class GridAttemptAdmin(ReadOnly):
    list_display = ("signal", "number", "quantity", "price", "order", "timed_out", "settled", "created_at")
    list_select_related = ("signal", "order")
    list_filter = ("settled",)


@admin.register(GridFill)
class GridFillAdmin(ReadOnly):
    list_display = ("traded_at", "session", "side", "quantity", "price", "realised", "lot_quantity")
    list_select_related = ("session",)
    list_filter = ("side",)
    date_hierarchy = "traded_at"
