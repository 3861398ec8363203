"""Shapes of alerts, channels, subscriptions and deliveries on the API. Secrets go in and never come out."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.utils.translation import get_language
from rest_framework import serializers

from alerts.choices import ChannelKind, DeliveryStatus
from alerts.models import Delivery
from ops.models import Alert, AlertKind, Severity


class AlertSerializer(serializers.Serializer[Any]):
    """One alert; repeats of its condition raise `count`."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    title = serializers.CharField(help_text="In English.")
    titles = serializers.DictField(
        child=serializers.CharField(), help_text="The same in the portal's other languages, by their codes: `zh-hans`."
    )
    facts = serializers.DictField()
    account = serializers.IntegerField(source="account_id", allow_null=True)
    host = serializers.CharField()
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField(default_timezone=UTC)
    last_at = serializers.DateTimeField(default_timezone=UTC)
    acknowledged_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)
    acknowledged_by = serializers.SerializerMethodField(help_text="Null while nobody did.")
    cleared_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)
    open = serializers.SerializerMethodField()

    def get_acknowledged_by(self, alert: Alert) -> str | None:
        return alert.acknowledged_label or None

    def get_open(self, alert: Alert) -> bool:
        return alert.closed_at is None


class AlertKindSerializer(serializers.Serializer[Any]):
    """A kind of alert, with its name in the caller's language."""

    kind = serializers.ChoiceField(choices=AlertKind.choices)
    label = serializers.CharField()  # type: ignore[assignment]  # the wire's word, not the field's own label


class AlertKindListSerializer(serializers.Serializer[Any]):
    results = AlertKindSerializer(many=True)


class AlertFilterSerializer(serializers.Serializer[Any]):
    """How to narrow the list."""

    state = serializers.ChoiceField(choices=["open", "closed", "all"], default="open")
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    kind = serializers.ChoiceField(choices=AlertKind.choices, required=False)
    account = serializers.IntegerField(min_value=1, required=False)


class ChannelSerializer(serializers.Serializer[Any]):
    """A channel. The address shows only enough to recognise it by."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ChannelKind.choices)
    name = serializers.CharField()
    address = serializers.CharField(source="hint")
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField(default_timezone=UTC)


class ChannelListSerializer(serializers.Serializer[Any]):
    results = ChannelSerializer(many=True)


class ChannelInSerializer(serializers.Serializer[Any]):
    """A new channel."""

    kind = serializers.ChoiceField(choices=ChannelKind.choices)
    name = serializers.CharField(max_length=80)
    address = serializers.CharField(max_length=1000, write_only=True)
    secret = serializers.CharField(max_length=200, required=False, default="", allow_blank=True, write_only=True)


class ChannelChangeSerializer(serializers.Serializer[Any]):
    """What is to change. A new address needs its secret again."""

    name = serializers.CharField(max_length=80, required=False)
    enabled = serializers.BooleanField(required=False)
    address = serializers.CharField(max_length=1000, required=False, write_only=True)
    secret = serializers.CharField(max_length=200, required=False, allow_blank=True, write_only=True)


class SubscriptionSerializer(serializers.Serializer[Any]):
    """What is sent to which channel."""

    id = serializers.IntegerField()
    channel = serializers.IntegerField(source="channel_id")
    min_severity = serializers.ChoiceField(choices=Severity.choices)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=AlertKind.choices))
    account = serializers.IntegerField(source="account_id", allow_null=True)
    enabled = serializers.BooleanField()


class SubscriptionListSerializer(serializers.Serializer[Any]):
    results = SubscriptionSerializer(many=True)


class SubscriptionInSerializer(serializers.Serializer[Any]):
    """A new subscription; no kinds means all of them, no account means everything visible."""

    channel = serializers.IntegerField(min_value=1)
    min_severity = serializers.ChoiceField(choices=Severity.choices, default=Severity.WARNING)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=AlertKind.choices), default=list)
    account = serializers.IntegerField(min_value=1, required=False, allow_null=True, default=None)


class SubscriptionChangeSerializer(serializers.Serializer[Any]):
    min_severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=AlertKind.choices), required=False)
    enabled = serializers.BooleanField(required=False)


class QuietHoursSerializer(serializers.Serializer[Any]):
    """When not to be disturbed, in the person's own time zone."""

    start = serializers.TimeField(format="%H:%M")
    end = serializers.TimeField(format="%H:%M")
    silence_critical = serializers.BooleanField(default=False)


class QuietHoursAnswerSerializer(serializers.Serializer[Any]):
    quiet_hours = QuietHoursSerializer(allow_null=True)
    timezone = serializers.CharField()


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt to send."""

    at = serializers.DateTimeField()
    attempt = serializers.IntegerField()
    status = serializers.ChoiceField(choices=DeliveryStatus.choices)
    response_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """What became of one notice on one channel."""

    id = serializers.UUIDField()
    channel = serializers.CharField(source="channel_name")
    alert = serializers.IntegerField(source="alert_id", allow_null=True)
    title = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=DeliveryStatus.choices)
    attempt = serializers.IntegerField()
    attempts = AttemptSerializer(many=True)
    response_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField(default_timezone=UTC)
    due_at = serializers.DateTimeField(default_timezone=UTC)
    finished_at = serializers.DateTimeField(allow_null=True, default_timezone=UTC)

    def get_title(self, delivery: Delivery) -> str:
        # A title may name an account that the person must not see any more.
        visible = self.context.get("visible_alerts", frozenset())
        return (
            delivery.alert.title_in(get_language())
            if delivery.alert is not None and delivery.alert_id in visible
            else ""
        )
