"""Shapes of limits on the API, for the document only: the services read and refuse the fields."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.choices import TradingState
from trading.risk.choices import LimitKind, LimitScope


class LimitChangeRequestSerializer(serializers.Serializer[Any]):
    """What of a limit may be changed."""

    version = serializers.IntegerField(help_text="The version that was looked at.")
    value = serializers.CharField(required=False, allow_null=True)
    params = serializers.DictField(required=False)
    enabled = serializers.BooleanField(required=False)
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_to = serializers.DateTimeField(required=False, allow_null=True)
    note = serializers.CharField(required=False, max_length=200)


class LimitRequestSerializer(serializers.Serializer[Any]):
    """A new limit. Units and parameters of each kind: docs/risk.md."""

    kind = serializers.ChoiceField(choices=LimitKind.choices)
    scope = serializers.ChoiceField(choices=LimitScope.choices)
    account = serializers.IntegerField(required=False, allow_null=True)
    user = serializers.CharField(required=False, allow_null=True, help_text="User name.")
    strategy = serializers.CharField(required=False, max_length=64)
    value = serializers.CharField(required=False, allow_null=True, help_text="A decimal in the kind's unit.")
    params = serializers.DictField(required=False)
    enabled = serializers.BooleanField(default=True)
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_to = serializers.DateTimeField(required=False, allow_null=True)
    note = serializers.CharField(required=False, max_length=200)


class LimitSerializer(serializers.Serializer[Any]):
    """One limit."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=LimitKind.choices)
    scope = serializers.ChoiceField(choices=LimitScope.choices)
    account = serializers.IntegerField(allow_null=True)
    user = serializers.CharField(allow_null=True)
    strategy = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    params = serializers.DictField()
    enabled = serializers.BooleanField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_to = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    version = serializers.IntegerField()
    updated_at = serializers.DateTimeField()
    updated_by = serializers.CharField()


class LimitHistorySerializer(serializers.Serializer[Any]):
    """One version of a limit."""

    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField()


class LimitDetailSerializer(LimitSerializer):
    """One limit with its history."""

    history = LimitHistorySerializer(many=True)


class LimitListSerializer(serializers.Serializer[Any]):
    """The limits the caller may see."""

    results = LimitSerializer(many=True)


class StatesSerializer(serializers.Serializer[Any]):
    """Trading states above the account."""

    platform = serializers.ChoiceField(choices=TradingState.choices)
    platform_reason = serializers.CharField()
    platform_changed_at = serializers.DateTimeField(allow_null=True)
    platform_changed_by = serializers.CharField()
    persons = serializers.DictField(child=serializers.CharField(), help_text="User name to state, unless ACTIVE.")


class StateRequestSerializer(serializers.Serializer[Any]):
    """A trading state to be set."""

    state = serializers.ChoiceField(choices=TradingState.choices)
    user = serializers.CharField(required=False, help_text="User name; absent: the whole platform.")
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    confirm = serializers.CharField(
        required=False, default="", help_text="Needed to loosen: PLATFORM, or the user name, typed."
    )
