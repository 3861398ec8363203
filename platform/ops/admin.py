"""Django admin: what every application's pages share, and the rows of this layer, shown only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponseRedirect

from ops.errors import DeskError
from ops.models import AuditChain, AuditEvent, Job, ProcessHeartbeat

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # not generic at run time
    _ModelAdmin = admin.ModelAdmin


class AdminsOnly(_ModelAdmin):
    """For administrators of the platform, of whatever Django permissions; nothing is deleted."""

    deletable = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and _is_admin(request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A rule's refusal is a message on the page, and nothing was stored."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DeskError as error:
            self.message_user(request, error.message, level=messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class ReadOnly(AdminsOnly):
    """Shown, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ShownRows:
    """Mixin of inlines: the rows of what a page shows, never edited. Who may see the page may see them."""

    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return True


def _is_admin(request: HttpRequest) -> bool:
    # Asked by name: the user model belongs to a layer above.
    return bool(getattr(request.user, "is_admin", False))


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
