"""Admin pages of orders: shown, never edited. Orders move by services and evidence only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from ops.admin import ReadOnly
from trading.orders.models import Order, OrderEvent, ParkedEvent, Trade

if TYPE_CHECKING:
    EventInline = admin.TabularInline[OrderEvent, Order]
else:  # not generic at run time
    EventInline = admin.TabularInline


class OrderEventInline(EventInline):
    model = OrderEvent
    fields = ("seq", "at", "kind", "from_status", "to_status", "data")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True  # the page it stands on decides


@admin.register(Order)
class OrderAdmin(ReadOnly):
    list_display = (
        "submitted_at",
        "account",
        "created_by",
        "side",
        "symbol",
        "quantity",
        "price",
        "status",
        "deny_code",
    )
    list_select_related = ("account", "created_by")
    list_filter = ("status", "source", "side", "account")
    search_fields = ("symbol", "tag", "client_order_id", "order_sysid", "broker_order_id")
    date_hierarchy = "submitted_at"
    inlines = (OrderEventInline,)


@admin.register(Trade)
class TradeAdmin(ReadOnly):
    list_display = (
        "traded_at",
        "account",
        "side",
        "symbol",
        "quantity",
        "price",
        "fees",
        "traded_id",
    )
    list_select_related = ("account",)
    list_filter = ("account", "side")
    search_fields = ("symbol", "traded_id", "order_sysid")
    date_hierarchy = "traded_at"


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnly):
    list_display = ("received_at", "host", "account", "kind", "tag", "order_sysid", "state")
    list_select_related = ("host", "account")
    list_filter = ("state", "kind", "host")
