"""Admin pages of back-tests: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.backtest.models import Backtest


@admin.register(Backtest)
class BacktestAdmin(ReadOnly):
    list_display = ("plugin", "owner", "period", "start", "end", "state", "seconds", "created_at")
    list_select_related = ("plugin", "owner")
    list_filter = ("state", "period")
