"""Admin page of calls: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.functions.models import FunctionCall


@admin.register(FunctionCall)
class FunctionCallAdmin(ReadOnly):
    list_display = ("created_at", "actor", "function", "host", "account", "status", "code", "size", "finished_at")
    list_select_related = ("account",)
    list_filter = ("status", "code", "host")
    search_fields = ("function", "actor")
