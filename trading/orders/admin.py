"""Admin pages of orders: shown, never edited. Orders move by services and evidence only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import Guarded
from accounts.models import User
from ops.admin import ReadOnly, ShownRows
from ops.errors import DeskError
from ops.requests import current_request_id
from trading.ledger.models import TradeDate
from trading.orders.models import Order, OrderEvent, ParkedEvent, Trade
from trading.orders.services import trade_date_settle

if TYPE_CHECKING:
    EventInline = admin.TabularInline[OrderEvent, Order]
else:  # not generic at run time
    EventInline = admin.TabularInline


class OrderEventInline(ShownRows, EventInline):
    model = OrderEvent
    fields = ("seq", "at", "kind", "from_status", "to_status", "data")


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


@admin.register(TradeDate)
class TradeDateAdmin(Guarded, ReadOnly):
    """Shown; one that ended unseen can be settled."""

    list_display = ("account", "date", "state", "opened_at", "closed_at")
    list_select_related = ("account",)
    list_filter = ("state", "account")
    actions = ("settle",)

    @admin.action(description=_("Take the terminal's holdings and money as they are, and close"))
    def settle(self, request: HttpRequest, queryset: QuerySet[TradeDate]) -> None:
        for row in queryset.order_by("date"):
            try:
                trade_date_settle(
                    user=cast(User, request.user),
                    account_id=row.account_id,
                    trade_date=row.date,
                    request_id=current_request_id(),
                )
            except DeskError as error:
                self.message_user(request, f"{row}: {error.message}", level=messages.ERROR)
            else:
                self.message_user(request, _("%(date)s is closed.") % {"date": row.date}, level=messages.SUCCESS)
