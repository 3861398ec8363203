"""Django admin for people, hosts, accounts, grants and tokens.

Every write goes through the services, so it is audited and raises epochs as anywhere
else. Epochs, digests, host status and the audit trail are shown and never edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.actors import actor_for_user
from accounts.choices import AccountMode, TradingState
from accounts.models import ApiToken, BrokerAccount, Grant, HostStatus, QmtHost, User
from accounts.services import (
    account_add,
    account_auto_trading_set,
    account_details_set,
    account_enabled_set,
    account_host_set,
    account_mode_set,
    account_state_set,
    grant_set,
    grant_withdraw,
    host_save,
    token_revoke,
    user_save,
)
from ops import audit
from ops.admin import AdminsOnly, ReadOnly
from ops.audit import Actor
from ops.errors import DeskError

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
    _ModelForm = forms.ModelForm[BrokerAccount]
else:  # not generic at run time
    _UserAdmin = DjangoUserAdmin
    _ModelForm = forms.ModelForm


def _actor(request: HttpRequest) -> Actor:
    return actor_for_user(cast(User, request.user))


@admin.register(User)
class UserAdmin(AdminsOnly, _UserAdmin):
    list_display = ("username", "role", "is_active", "last_login", "language")
    list_filter = ("role", "is_active")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("role", "is_active", "is_staff")}),
        (_("Preferences"), {"fields": ("language", "rising_color", "display_timezone")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2", "role")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001
        user_save(actor=_actor(request), user=obj)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name, passed by keyword
        form_url: str = "",
    ) -> HttpResponse:
        with transaction.atomic():
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            after = User.objects.filter(pk=id).values_list("password", flat=True).first()
            if before != after:
                audit.record(actor=_actor(request), action="user.password_changed", target=f"user:{id}")
        return response


@admin.register(QmtHost)
class QmtHostAdmin(AdminsOnly):
    list_display = ("name", "kind", "enabled", "userdata_path", "quote_address")
    list_filter = ("kind", "enabled")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Queues, leases and state folders carry the name.
        return ("name",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: QmtHost, form: Any, change: bool) -> None:  # noqa: FBT001
        host_save(actor=_actor(request), host=obj)


@admin.register(HostStatus)
class HostStatusAdmin(ReadOnly):
    list_display = ("host", "session_state", "trade_date", "phase", "simulated", "updated_at")


class BrokerAccountForm(_ModelForm):
    """Refuses LIVE on the page; the attempt is on the audit trail."""

    actor: Actor

    def clean_mode(self) -> str:
        mode = str(self.cleaned_data["mode"])
        if mode == AccountMode.LIVE and self.instance.pk is not None:
            stored = BrokerAccount.objects.get(pk=self.instance.pk)
            try:
                account_mode_set(actor=self.actor, account=stored, mode=AccountMode.LIVE)
            except DeskError as error:
                raise forms.ValidationError(error.message, code=error.code) from error
        return mode


@admin.register(BrokerAccount)
class BrokerAccountAdmin(AdminsOnly):
    form = BrokerAccountForm
    list_display = ("name", "account_no", "host", "mode", "state", "enabled", "epoch")
    list_filter = ("host", "mode", "state", "enabled")
    search_fields = ("name", "account_no")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        identity = ("account_no", "account_type") if obj is not None else ()
        return (*identity, "epoch")

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type("BoundAccountForm", (form,), {"actor": _actor(request)})

    def save_model(
        self,
        request: HttpRequest,
        obj: BrokerAccount,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        actor = _actor(request)
        if not change:
            account_add(actor=actor, account=obj)
            return
        wanted = form.cleaned_data
        account = BrokerAccount.objects.select_related("host").get(pk=obj.pk)
        account_details_set(
            actor=actor,
            account=account,
            name=wanted["name"],
            commission_rate=wanted["commission_rate"],
            min_commission=wanted["min_commission"],
        )
        if AccountMode(wanted["mode"]) == AccountMode.PAPER:
            account_host_set(actor=actor, account=account, host=wanted["host"])
            account_mode_set(actor=actor, account=account, mode=AccountMode.PAPER)
        else:
            account_mode_set(actor=actor, account=account, mode=AccountMode(wanted["mode"]))
            account_host_set(actor=actor, account=account, host=wanted["host"])
        account_state_set(actor=actor, account=account, state=TradingState(wanted["state"]))
        account_auto_trading_set(actor=actor, account=account, enabled=wanted["auto_trading"])
        account_enabled_set(actor=actor, account=account, enabled=wanted["enabled"])


@admin.register(Grant)
class GrantAdmin(AdminsOnly):
    deletable = True
    list_display = ("user", "account", "can_view", "can_trade", "created_by", "created_at")
    list_filter = ("account", "can_trade")
    fields = ("user", "account", "can_view", "can_trade")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "account") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:  # noqa: FBT001
        stored = grant_set(
            actor=_actor(request),
            user=obj.user,
            account=obj.account,
            can_view=obj.can_view,
            can_trade=obj.can_trade,
            created_by=cast(User, request.user),
        )
        obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        grant_withdraw(actor=_actor(request), user=obj.user, account=obj.account)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        for grant in queryset.select_related("user", "account").order_by("account_id", "pk"):
            self.delete_model(request, grant)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    list_display = ("__str__", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user",)
    actions = ("revoke",)

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """End the tokens for good, open sockets included."""
        ended = sum(token_revoke(actor=_actor(request), token=token) for token in queryset)
        self.message_user(request, _("%(count)d tokens revoked.") % {"count": ended})
