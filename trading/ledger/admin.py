"""Admin pages of the ledger: shown, never edited."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.ledger.models import AccountBook, AssetSnapshot, Position


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
