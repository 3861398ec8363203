"""Admin pages of signals: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.signals.models import ExitPlan, ExitPlanVersion, PositionTrack, Signal


@admin.register(ExitPlan)
class ExitPlanAdmin(ReadOnly):
    list_display = ("account", "strategy", "symbol", "enabled", "user", "by_token", "version", "changed_at")
    list_select_related = ("account", "user")
    list_filter = ("enabled", "account")


@admin.register(ExitPlanVersion)
class ExitPlanVersionAdmin(ReadOnly):
    list_display = ("plan", "version", "enabled", "user", "at")
    list_select_related = ("plan", "user")


@admin.register(PositionTrack)
class PositionTrackAdmin(ReadOnly):
    list_display = (
        "account",
        "symbol",
        "opened_on",
        "cost",
        "hi",
        "bh",
        "first_done",
        "paused",
        "scaled_on",
        "ended_at",
    )
    list_select_related = ("account",)
    list_filter = ("account",)


@admin.register(Signal)
class SignalAdmin(ReadOnly):
    list_display = ("detected_at", "account", "symbol", "kind", "state", "quantity", "price", "code")
    list_select_related = ("account",)
    list_filter = ("state", "kind", "account")
    date_hierarchy = "trade_date"
