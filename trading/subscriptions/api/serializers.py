"""Shapes of the subscription API, for the schema; the writes are read strictly by the services."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.ledger.choices import IssueKind
from trading.orders.choices import Status
from trading.subscriptions.choices import ResultState


class SubscriptionRequestSerializer(serializers.Serializer[Any]):
    """A wish to subscribe one issue."""

    account = serializers.IntegerField()
    symbol = serializers.CharField(help_text="The subscription code, 732499.SH.")
    quantity = serializers.IntegerField(required=False, help_text="Shares; left out: the most that may be had.")


class SubscribeAllRequestSerializer(serializers.Serializer[Any]):
    """A wish to subscribe every issue of the day."""

    account = serializers.IntegerField()


class SubscriptionOutcomeSerializer(serializers.Serializer[Any]):
    """What became of one issue."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    created = serializers.BooleanField(help_text="The order was made just now.")
    order = serializers.UUIDField(allow_null=True)
    quantity = serializers.IntegerField(allow_null=True)
    code = serializers.CharField(help_text="Why it was refused.")
    message = serializers.CharField()


class SubscriptionOutcomesSerializer(serializers.Serializer[Any]):
    """One row per issue of the day."""

    results = SubscriptionOutcomeSerializer(many=True)


class SubscribableIssueSerializer(serializers.Serializer[Any]):
    """One issue as the account may subscribe it."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=IssueKind.choices)
    price = serializers.CharField(allow_null=True)
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField()
    step = serializers.IntegerField()
    quota_of = serializers.CharField(allow_null=True, help_text="SH, SZ or KCB; null: it takes no quota.")
    quota = serializers.IntegerField(allow_null=True, help_text="Null: not told yet, or it takes none.")
    largest = serializers.IntegerField(help_text="The most the account may subscribe.")
    order = serializers.UUIDField(allow_null=True, help_text="The order that subscribed it.")
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)


class SubscriptionOfferSerializer(serializers.Serializer[Any]):
    """The issues of an account's trade date."""

    trade_date = serializers.DateField()
    asked_at = serializers.DateTimeField(allow_null=True, help_text="Null: the terminal has not told them yet.")
    issues = SubscribableIssueSerializer(many=True)


class SubscriptionResultSerializer(serializers.Serializer[Any]):
    """What became of one issue on one account."""

    account = serializers.IntegerField()
    trade_date = serializers.DateField()
    symbol = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=ResultState.choices)
    order = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    quantity = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    attempts = serializers.IntegerField()
    changed_at = serializers.DateTimeField()


class SubscriptionResultPageSerializer(serializers.Serializer[Any]):
    """One page of results, newest first."""

    results = SubscriptionResultSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SubscriptionPlanSerializer(serializers.Serializer[Any]):
    """Whether an account's issues are subscribed by themselves, and in whose name."""

    account = serializers.IntegerField()
    enabled = serializers.BooleanField()
    user = serializers.CharField()
    by_token = serializers.BooleanField()
    since = serializers.DateField()
    changed_at = serializers.DateTimeField()


class SubscriptionPlanListSerializer(serializers.Serializer[Any]):
    """Plans of the accounts the caller sees."""

    results = SubscriptionPlanSerializer(many=True)


class SubscriptionPlanRequestSerializer(serializers.Serializer[Any]):
    """Opting in or out."""

    account = serializers.IntegerField()
    enabled = serializers.BooleanField()
