"""Admin pages of subscriptions: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.ledger.models import SubscribableIssue, SubscriptionQuota
from trading.subscriptions.models import SubscriptionPlan, SubscriptionResult


@admin.register(SubscriptionPlan)
class SubscriptionPlanAdmin(ReadOnly):
    list_display = ("account", "enabled", "user", "by_token", "since", "changed_at")
    list_select_related = ("account", "user")
    list_filter = ("enabled",)


@admin.register(SubscriptionResult)
class SubscriptionResultAdmin(ReadOnly):
    list_display = ("trade_date", "account", "symbol", "name", "state", "code", "attempts", "changed_at")
    list_select_related = ("account",)
    list_filter = ("state", "account")
    date_hierarchy = "trade_date"


@admin.register(SubscribableIssue)
class SubscribableIssueAdmin(ReadOnly):
    list_display = ("trade_date", "host", "symbol", "name", "kind", "price", "minimum", "maximum", "asked_at")
    list_select_related = ("host",)
    date_hierarchy = "trade_date"


@admin.register(SubscriptionQuota)
class SubscriptionQuotaAdmin(ReadOnly):
    list_display = ("account", "trade_date", "quotas", "asked_at")
    list_select_related = ("account",)
