"""Django admin of the operations layer: shown, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from ops.models import AuditChain, AuditEvent, Job, ProcessHeartbeat

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # not generic at run time
    _ModelAdmin = admin.ModelAdmin


class ReadOnly(_ModelAdmin):
    """Only looked at, by staff whose role administers the platform."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_admin", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "chain", "sequence", "actor_label", "action", "target")
    list_filter = ("chain", "actor_kind")
    search_fields = ("actor_label", "action", "target")
    date_hierarchy = "at"


@admin.register(AuditChain)
class AuditChainAdmin(ReadOnly):
    list_display = ("key", "last_sequence", "last_hash")


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ("created_at", "kind", "status", "done", "total", "message")
    list_filter = ("status", "kind")


@admin.register(ProcessHeartbeat)
class ProcessHeartbeatAdmin(ReadOnly):
    list_display = ("name", "host", "pid", "started_at", "last_loop_at")
