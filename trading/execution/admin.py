"""Admin pages of executions: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.execution.models import Child, Execution, Leg


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    list_display = ("created_at", "account", "created_by", "kind", "state", "code", "strategy", "final_at")
    list_select_related = ("account", "created_by")
    list_filter = ("kind", "state", "account")
    search_fields = ("client_execution_id", "strategy")
    date_hierarchy = "created_at"


@admin.register(Leg)
class LegAdmin(ReadOnly):
    list_display = ("execution", "number", "side", "symbol", "quantity", "traded_quantity", "ended", "code")
    list_select_related = ("execution",)
    list_filter = ("side", "ended")
    search_fields = ("symbol",)


@admin.register(Child)
class ChildAdmin(ReadOnly):
    list_display = ("leg", "number", "quantity", "order", "void", "created_at")
    list_select_related = ("leg", "order")
    list_filter = ("void",)
