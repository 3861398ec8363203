"""Admin pages of webhooks: shown, never edited. Addresses and secrets are sealed."""

from __future__ import annotations

from django.contrib import admin

from ops.admin import ReadOnly
from trading.webhooks.models import EventDelivery, Webhook


@admin.register(Webhook)
class WebhookAdmin(ReadOnly):
    list_display = ("name", "owner", "account", "hint", "state", "cursor", "failures")
    list_select_related = ("owner", "account")
    exclude = ("sealed",)


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnly):
    list_display = ("webhook", "version", "kind", "status", "attempt", "response_code", "due_at")
    list_select_related = ("webhook",)
    list_filter = ("status", "kind")
