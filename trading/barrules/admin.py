"""Admin pages of rules on bars: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.barrules.models import MacdRule


@admin.register(MacdRule)
class MacdRuleAdmin(ReadOnly):
    list_display = ("account", "symbol", "period", "amount", "enabled", "user", "entered_on", "exited_on", "changed_at")
    list_select_related = ("account", "user")
    list_filter = ("enabled", "period", "account")
    search_fields = ("symbol",)
