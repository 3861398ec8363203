"""Admin pages of the ledger: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.ledger.models import (
    AccountBook,
    AccountDay,
    AssetSnapshot,
    CorporateAction,
    Difference,
    LedgerEntry,
    Position,
)


@admin.register(AccountBook)
class AccountBookAdmin(ReadOnly):
    list_display = (
        "account",
        "version",
        "reserved_cash",
        "unconfirmed_cash",
        "open_trade_date",
        "closed_trade_date",
        "reconciled_at",
    )
    list_select_related = ("account",)


@admin.register(AssetSnapshot)
class AssetSnapshotAdmin(ReadOnly):
    list_display = ("account", "cash", "frozen_cash", "market_value", "total_asset", "at")
    list_select_related = ("account",)


@admin.register(Position)
class PositionAdmin(ReadOnly):
    list_display = ("account", "symbol", "quantity", "sellable", "avg_price", "updated_at")
    list_select_related = ("account",)
    list_filter = ("account",)
    search_fields = ("symbol",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly):
    list_display = ("trade_date", "account", "kind", "symbol", "quantity", "price", "cash", "user", "reference")
    list_select_related = ("account", "user")
    list_filter = ("kind", "account")
    search_fields = ("symbol", "reference", "note")
    date_hierarchy = "trade_date"


@admin.register(Difference)
class DifferenceAdmin(ReadOnly):
    list_display = ("first_seen_at", "account", "kind", "key", "ours", "theirs", "state", "settled_by")
    list_select_related = ("account", "settled_by")
    list_filter = ("state", "kind", "account")


@admin.register(CorporateAction)
class CorporateActionAdmin(ReadOnly):
    list_display = ("ex_date", "account", "symbol", "held", "cash", "cash_received_on", "shares", "shares_received_on")
    list_select_related = ("account",)
    list_filter = ("account",)
    search_fields = ("symbol",)


@admin.register(AccountDay)
class AccountDayAdmin(ReadOnly):
    list_display = ("date", "account", "cash", "market_value", "external", "at")
    list_select_related = ("account",)
    list_filter = ("account",)
