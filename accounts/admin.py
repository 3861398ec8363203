"""Django admin for people, hosts, accounts, grants and tokens.

Every write goes through the services, so it is audited and raises epochs as anywhere
else. Epochs, digests, host status and the audit trail are shown and never edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.actors import actor_for_user
from accounts.choices import AccountMode, TradeRight, TradingState
from accounts.maintenance import maintenance_validate
from accounts.models import (
    ApiToken,
    BrokerAccount,
    Grant,
    Handover,
    HostStatus,
    LiveSwitch,
    QmtHost,
    Team,
    User,
)
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
    password_changed,
    token_revoke,
    user_save,
)
from accounts.sudo import sudo_of
from ops.admin import AdminsOnly, ReadOnly
from ops.audit import Actor
from ops.errors import DeskError

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
    _ModelForm = forms.ModelForm[BrokerAccount]
    _HostForm = forms.ModelForm[QmtHost]
else:  # not generic at run time
    _UserAdmin = DjangoUserAdmin
    _ModelForm = forms.ModelForm
    _HostForm = forms.ModelForm


def _actor(request: HttpRequest) -> Actor:
    return actor_for_user(cast(User, request.user))


class Guarded(AdminsOnly):
    """Whoever changes something here has proved a moment ago that it is them."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._confirmed(request) or super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._confirmed(request) or super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._confirmed(request) or super().delete_view(request, *args, **kwargs)

    @staticmethod
    def _confirmed(request: HttpRequest) -> HttpResponse | None:
        """None for who may go on; otherwise the way to the page that asks again."""
        if request.method in ("GET", "HEAD", "OPTIONS") or sudo_of(request) is not None:
            return None
        return redirect_to_login(request.get_full_path(), settings.SUDO_URL, "next")


admin.site.site_header = _("QMT Desk administration")
admin.site.site_title = _("QMT Desk administration")
admin.site.index_title = _("Rows of the platform")
# Rights come from roles and grants; a group of Django's would look as if it gave some.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(Guarded, _UserAdmin):
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
    # `is_superuser`, permissions and groups of Django's own decide nothing here and are not offered.

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001
        user_save(actor=_actor(request), user=obj)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name, passed by keyword
        form_url: str = "",
    ) -> HttpResponse:
        confirm = self._confirmed(request)
        if confirm is not None:
            return confirm
        with transaction.atomic():
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            user = User.objects.filter(pk=id).first()
            if user is not None and before != user.password:
                keep = request.session.session_key if user.pk == request.user.pk else None
                password_changed(actor=_actor(request), user=user, keep_session=keep)
        return response


class QmtHostForm(_HostForm):
    """Says at the field what the service would refuse."""

    def clean_maintenance(self) -> str:
        text = str(self.cleaned_data["maintenance"]).strip()
        maintenance_validate(text)
        return text


@admin.register(QmtHost)
class QmtHostAdmin(Guarded):
    form = QmtHostForm
    list_display = ("name", "kind", "fed_from", "enabled", "userdata_path", "quote_address", "maintenance")
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
class BrokerAccountAdmin(Guarded):
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
class GrantAdmin(Guarded):
    deletable = True
    list_display = (
        "holder_label",
        "account",
        "trade",
        "can_approve",
        "can_manage",
        "can_move_money",
        "expires_at",
        "created_by",
    )
    list_filter = ("account", "trade")
    fields = ("user", "team", "account", "trade", "can_approve", "can_manage", "can_move_money", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "team", "account") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:  # noqa: FBT001
        stored = grant_set(
            actor=_actor(request),
            user=obj.user,
            team=obj.team,
            account=obj.account,
            trade=TradeRight(obj.trade),
            can_approve=obj.can_approve,
            can_manage=obj.can_manage,
            can_move_money=obj.can_move_money,
            expires_at=obj.expires_at,
            created_by=cast(User, request.user),
        )
        obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        grant_withdraw(actor=_actor(request), user=obj.user, team=obj.team, account=obj.account)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        for grant in queryset.select_related("user", "team", "account").order_by("account_id", "pk"):
            self.delete_model(request, grant)


@admin.register(Team)
class TeamAdmin(ReadOnly):
    """Teams are changed on the portal's page, where members and rights are seen together."""

    list_display = ("name", "created_at")


@admin.register(LiveSwitch)
class LiveSwitchAdmin(ReadOnly):
    list_display = ("account", "switched_by", "switched_at", "host_name", "notice_version", "broker_report", "ended_at")


@admin.register(Handover)
class HandoverAdmin(ReadOnly):
    list_display = ("person", "successor", "created_by", "created_at", "ended_at")


@admin.register(ApiToken)
class ApiTokenAdmin(Guarded, ReadOnly):
    list_display = ("__str__", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user",)
    actions = ("revoke",)

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """End the tokens for good, open sockets included."""
        ended = sum(token_revoke(actor=_actor(request), token=token) for token in queryset)
        self.message_user(request, _("%(count)d tokens revoked.") % {"count": ended})
