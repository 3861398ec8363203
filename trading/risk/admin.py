"""Admin pages of limits and counters: shown, never edited. Limits are set by the API, audited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.risk.models import (
    ApprovalRule,
    ApprovalRuleChange,
    Control,
    PersonTrading,
    RiskLimit,
    RiskLimitChange,
    Tally,
)


@admin.register(RiskLimit)
class RiskLimitAdmin(ReadOnly):
    list_display = ("id", "kind", "scope", "account", "user", "strategy", "value", "enabled", "version", "updated_by")
    list_select_related = ("account", "user")
    list_filter = ("kind", "scope", "enabled", "account")


@admin.register(RiskLimitChange)
class RiskLimitChangeAdmin(ReadOnly):
    list_display = ("limit", "version", "at", "by")
    list_select_related = ("limit",)


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(ReadOnly):
    list_display = ("id", "scope", "account", "user", "strategy", "min_value", "enabled", "version", "updated_by")
    list_select_related = ("account", "user")
    list_filter = ("scope", "enabled", "account")


@admin.register(ApprovalRuleChange)
class ApprovalRuleChangeAdmin(ReadOnly):
    list_display = ("rule", "version", "at", "by")
    list_select_related = ("rule",)


@admin.register(Control)
class ControlAdmin(ReadOnly):
    list_display = ("state", "reason", "changed_at", "changed_by")


@admin.register(PersonTrading)
class PersonTradingAdmin(ReadOnly):
    list_display = ("user", "state", "reason", "changed_at", "changed_by")
    list_select_related = ("user",)


@admin.register(Tally)
class TallyAdmin(ReadOnly):
    list_display = ("subject", "trade_date", "orders", "cancels", "turnover", "most_per_second")
    list_filter = ("trade_date",)
    search_fields = ("subject",)
