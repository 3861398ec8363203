"""Admin pages: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.money.models import MoneyLimit, Transfer


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ("created_at", "account", "kind", "amount", "status", "code", "created_by", "decided_by", "final_at")
    list_select_related = ("account", "created_by", "decided_by")
    list_filter = ("status", "kind")
    exclude = ("sealed", "digest")


@admin.register(MoneyLimit)
class MoneyLimitAdmin(ReadOnly):
    list_display = ("account", "single_amount", "day_amount", "set_by", "set_at")
    list_select_related = ("account", "set_by")
