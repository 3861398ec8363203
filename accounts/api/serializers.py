"""Shapes of people and accounts on the API."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.choices import (
    AccountMode,
    HostKind,
    Language,
    RisingColor,
    Role,
    Scope,
    SessionState,
    TradingState,
)
from accounts.models import User
from accounts.selectors import AccountView, session_state
from ops.clocks import SHANGHAI


class MarketClockSerializer(serializers.Serializer[Any]):
    """The account's market: sessions and "today" go by this clock, not by the wall's."""

    trade_date = serializers.DateField()
    phase = serializers.CharField()
    market_time = serializers.DateTimeField(default_timezone=SHANGHAI)
    simulated = serializers.BooleanField()
    stale = serializers.BooleanField(help_text="The host has not reported lately.")


class HostSerializer(serializers.Serializer[Any]):
    """The QMT terminal behind an account, as its trade worker last reported it."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=HostKind.choices)
    fed_from = serializers.CharField(
        help_text="Host whose quotes a paper host matches on; blank for a market of its own."
    )
    session_state = serializers.ChoiceField(choices=SessionState.choices)
    message = serializers.CharField()
    updated_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)


class AccountSessionSerializer(serializers.Serializer[Any]):
    """The account's own part in its host's order session."""

    state = serializers.ChoiceField(
        choices=SessionState.choices,
        help_text="READY: its orders can be sent. The host's state while that is not READY.",
    )
    message = serializers.CharField()
    last_probe_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)


class RightsSerializer(serializers.Serializer[Any]):
    """What the caller may do with the account."""

    view = serializers.BooleanField()
    trade = serializers.BooleanField()
    trade_all = serializers.BooleanField(help_text="Cancel everybody's orders, not only one's own.")
    approve = serializers.BooleanField()
    manage = serializers.BooleanField()
    move_money = serializers.BooleanField()
    halt = serializers.BooleanField()
    resume = serializers.BooleanField()


class AccountSerializer(serializers.Serializer[AccountView]):
    """A broker account with its host, market clock and the caller's rights."""

    id = serializers.IntegerField(source="account.pk")
    account_no = serializers.CharField(source="account.account_no")
    name = serializers.CharField(source="account.name")
    mode = serializers.ChoiceField(source="account.mode", choices=AccountMode.choices)
    state = serializers.ChoiceField(source="account.state", choices=TradingState.choices)
    state_reason = serializers.CharField(
        source="restraint.reason",
        default="",
        help_text="Why it does not trade freely, as somebody said; blank otherwise.",
    )
    state_by = serializers.CharField(source="restraint.by", default=None, allow_null=True, help_text="Who bound it.")
    state_since = serializers.DateTimeField(
        source="restraint.since", default=None, allow_null=True, default_timezone=UTC
    )
    auto_trading = serializers.BooleanField(source="account.auto_trading")
    enabled = serializers.BooleanField(source="account.enabled")
    host = serializers.SerializerMethodField()
    session = serializers.SerializerMethodField()
    market_clock = MarketClockSerializer(source="clock", allow_null=True)
    rights = serializers.SerializerMethodField()

    @extend_schema_field(HostSerializer)
    def get_host(self, view: AccountView) -> dict[str, Any]:
        host, status = view.account.host, view.status
        shown = {
            "name": host.name,
            "kind": host.kind,
            "fed_from": host.fed_from.name if host.fed_from is not None else "",
            "session_state": status.session_state if status else SessionState.DOWN,
            "message": status.message if status else "",
            "updated_at": status.updated_at if status else None,
        }
        return dict(HostSerializer(shown).data)

    @extend_schema_field(AccountSessionSerializer)
    def get_session(self, view: AccountView) -> dict[str, Any]:
        own = getattr(view.account, "session", None)
        shown = {
            "state": session_state(view.account),
            "message": "" if own is None else own.message,
            "last_probe_at": None if own is None else own.last_probe_at,
        }
        return dict(AccountSessionSerializer(shown).data)

    @extend_schema_field(RightsSerializer)
    def get_rights(self, view: AccountView) -> dict[str, bool]:
        return {
            "view": True,
            "trade": view.can_trade,
            "trade_all": view.can_trade_all,
            "approve": view.can_approve,
            "manage": view.can_manage,
            "move_money": view.can_move_money,
            "halt": view.can_halt,
            "resume": view.can_resume,
        }


class AccountListSerializer(serializers.Serializer[Any]):
    """Every account the caller may see."""

    results = AccountSerializer(many=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why, in words, for the audit trail."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class TypedField(serializers.CharField):
    """Text as somebody typed it: a number that happens to spell the same confirms nothing."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class ResumeSerializer(ReasonSerializer):
    """Why, and the account's number typed by hand: what was stopped is not started again by accident."""

    confirm = TypedField(max_length=32, required=False, default="", allow_blank=True)


class AutoTradingSerializer(serializers.Serializer[Any]):
    """Whether programs place orders."""

    enabled = serializers.BooleanField()


class TokenUseSerializer(serializers.Serializer[Any]):
    """The token the caller authenticated with."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    account_ids = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="The only accounts it opens; null: all of the person's.",
    )
    rate_per_minute = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)


class AccountRightsSerializer(serializers.Serializer[Any]):
    """One account and what the caller may do with it."""

    account = serializers.IntegerField()
    view = serializers.BooleanField()
    trade = serializers.BooleanField()


class MeSerializer(serializers.Serializer[User]):
    """The person behind the credentials, their preferences and rights."""

    id = serializers.IntegerField(source="pk")
    username = serializers.CharField()
    name = serializers.CharField(source="get_full_name")
    role = serializers.ChoiceField(choices=Role.choices)
    language = serializers.ChoiceField(choices=Language.choices)
    rising_color = serializers.ChoiceField(choices=RisingColor.choices)
    display_timezone = serializers.CharField()
    rights = serializers.SerializerMethodField()
    token = serializers.SerializerMethodField()

    @extend_schema_field(AccountRightsSerializer(many=True))
    def get_rights(self, user: User) -> list[dict[str, Any]]:
        return [
            {"account": view.account.pk, "view": True, "trade": view.can_trade}
            for view in self.context["account_views"]
        ]

    @extend_schema_field(TokenUseSerializer(allow_null=True))
    def get_token(self, user: User) -> dict[str, Any] | None:
        token = self.context["token"]
        return None if token is None else dict(TokenUseSerializer(token).data)


class LiveSerializer(serializers.Serializer[Any]):
    """The process answers."""

    name = serializers.CharField()
    version = serializers.CharField()
    status = serializers.ChoiceField(choices=["ok"])


class CheckSerializer(serializers.Serializer[Any]):
    """One part's state."""

    name = serializers.CharField()
    ok = serializers.BooleanField()
    detail = serializers.CharField()
    facts = serializers.DictField()


class ReadySerializer(serializers.Serializer[Any]):
    """Whether everything works that trading needs, part by part."""

    name = serializers.CharField()
    version = serializers.CharField()
    status = serializers.ChoiceField(choices=["ready", "not_ready"])
    checks = CheckSerializer(many=True)
