"""Admin pages of strategies: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.strategies.models import Plugin, Run, RunLine, RunOrder


@admin.register(Plugin)
class PluginAdmin(ReadOnly):
    list_display = ("name", "digest", "origin", "present", "problem", "found_at")
    list_filter = ("present", "origin")
    search_fields = ("name", "digest")


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("label", "account", "created_by", "plugin", "wanted", "state", "code", "changed_at")
    list_select_related = ("account", "created_by", "plugin")
    list_filter = ("state", "wanted", "account")
    search_fields = ("label",)


@admin.register(RunOrder)
class RunOrderAdmin(ReadOnly):
    list_display = ("run", "number", "side", "symbol", "quantity", "reason", "state", "code", "order")
    list_select_related = ("run", "order")
    list_filter = ("state", "side")
    search_fields = ("symbol", "key")


@admin.register(RunLine)
class RunLineAdmin(ReadOnly):
    list_display = ("run", "number", "level", "text", "at")
    list_select_related = ("run",)
    list_filter = ("level",)
